"""Attention of onnxruntime's decoders: heads that share keys, a cache, rotated positions."""

from math import sqrt

import numpy as np
from xdsl.dialects.builtin import i64

from tensorjoin.passes.onnx.array import (
    Array,
    along,
    concat,
    constant,
    contract,
    full,
    iota,
    scatter,
    stack,
    where,
)
from tensorjoin.passes.onnx.node import Node, decomposes
from tensorjoin.passes.onnx.operators.contrib import MICROSOFT, rms_normal
from tensorjoin.passes.onnx.operators.elementwise import exp, maximum, tanh

UNSUPPORTED = ("sliding_window_cache", "qk_output", "kv_cache_bit_width")
"""Attributes of GroupQueryAttention that must be 0."""


def rotated(x: Array, positions: Array, cos: Array, sin: Array, interleaved: bool) -> Array:
    """
    [batch, position, head, element], each pair of elements turned by the angle of its position;
    elements that the tables do not cover stay.
    """
    pairs = cos.shape[1]
    angles = [table.take(positions, 0).unsqueeze([2]) for table in (cos, sin)]
    turning, rest = (
        x.slice(3, 0, 2 * pairs),
        x.slice(3, 2 * pairs, x.shape[3] - 2 * pairs),
    )
    shape = [*x.shape[:3], *((pairs, 2) if interleaved else (2, pairs))]
    axis = 4 if interleaved else 3
    grouped = turning.reshape(shape)
    first, second = (grouped.slice(axis, place, 1).squeeze([axis]) for place in (0, 1))
    turned = stack(
        [
            first * angles[0] - second * angles[1],
            second * angles[0] + first * angles[1],
        ],
        axis,
    )
    return concat([turned.reshape(turning.shape), rest], 3)


@decomposes("RotaryEmbedding", domain=MICROSOFT)
def rotary_embedding(node: Node, x: Array, positions: Array, cos: Array, sin: Array) -> Array:
    if node.integer("is_packed_batching", 0):
        raise node.refuse("batches that are packed")
    if node.float("scale", 1.0) != 1:
        raise node.refuse("a scale")
    if x.rank == 4:
        heads = x.transpose([0, 2, 1, 3])
    else:
        count = node.integer("num_heads", 0)
        size = x.shape[2] // count if count else 2 * cos.shape[1]
        heads = x.reshape([*x.shape[:2], x.shape[2] // size, size])
    batch, length = heads.shape[:2]
    places = Array(positions.value, i64)
    if places.size == 1 and places.rank == 1:
        places = (places + iota(length)).reshape([1, length]).broadcast_to([batch, length])
    result = rotated(heads, places, cos, sin, bool(node.integer("interleaved", 0)))
    return result.transpose([0, 2, 1, 3]) if x.rank == 4 else result.reshape(x.shape)


@decomposes("GroupQueryAttention", domain=MICROSOFT)
def group_query_attention(
    node: Node,
    query: Array,
    key: Array | None,
    value: Array | None,
    past_key: Array | None,
    past_value: Array | None,
    lasts: Array,
    total: Array,
    cos: Array | None = None,
    sin: Array | None = None,
    position_ids: Array | None = None,
    bias: Array | None = None,
    sink: Array | None = None,
    key_scale: Array | None = None,
    value_scale: Array | None = None,
    query_norm: Array | None = None,
    key_norm: Array | None = None,
) -> list[Array]:
    for name in UNSUPPORTED:
        if node.integer(name, 0):
            raise node.refuse(name)
    if key_scale is not None or value_scale is not None:
        raise node.refuse("a cache of integers")
    batch, length = query.shape[:2]
    q, k, v = heads(node, query, key, value)
    if query_norm is not None and key_norm is not None:
        epsilon = node.float("qk_norm_epsilon", 1e-6)
        q, k = (rms_normal(x, w, [3], epsilon)[0] for x, w in ((q, query_norm), (k, key_norm)))
    # A prompt begins at 0, also where it is shorter than the longest of its batch.
    whole = int(node.value(total).reshape(-1)[0])
    ends = Array(lasts.value, i64).reshape([batch]) + 1
    before = full([batch], 0, i64) if whole == length else ends - length
    places = before.unsqueeze([1]) + along(iota(length), 1, 2)
    if node.integer("do_rotary", 0):
        if cos is None or sin is None:
            raise node.refuse("do_rotary without cos_cache and sin_cache")
        angles = places if position_ids is None else Array(position_ids.value, i64)
        interleaved = bool(node.integer("rotary_interleaved", 0))
        q, k = (rotated(x, angles, cos, sin, interleaved) for x in (q, k))
    keys, values = (
        extended(past, new, before, places, whole) for past, new in ((past_key, k), (past_value, v))
    )
    mixed = attended(node, q, keys, values, places, bias, sink)
    return [mixed.reshape([batch, length, q.shape[2] * q.shape[3]]), keys, values]


def heads(
    node: Node, query: Array, key: Array | None, value: Array | None
) -> tuple[Array, Array, Array]:
    """[batch, position, head, element] each; without keys, the query has all three in a row."""
    counts = node.integer("num_heads"), node.integer("kv_num_heads")
    parts = [query, key, value]
    if key is None or value is None:
        size = query.shape[2] // (counts[0] + 2 * counts[1])
        starts = np.cumsum([0, *(size * n for n in (counts[0], counts[1], counts[1]))]).tolist()
        parts = [query.slice(2, a, b - a) for a, b in zip(starts, starts[1:], strict=False)]
    q, k, v = (
        part.reshape([*part.shape[:2], count, part.shape[2] // count])
        for part, count in zip(parts, (counts[0], counts[1], counts[1]), strict=True)
        if part is not None
    )
    return q, k, v


def extended(past: Array | None, new: Array, before: Array, places: Array, whole: int) -> Array:
    """[batch, head, position, element]: the cache with new positions behind those in use."""
    room = 0 if past is None else past.shape[2]
    extent = max(room, whole)
    is_prompt = whole == new.shape[1]
    if is_prompt and extent == whole:
        return new.transpose([0, 2, 1, 3])
    arrived = scatter(None, "bsgd,bs->bgtd", new, places, extent).filled(0.0)
    if past is None or room == 0 or is_prompt:
        return arrived
    is_past = along(iota(extent), 2, 4) < before.reshape([before.size, 1, 1, 1])
    return where(is_past, past.pad(2, 0, extent - room, 0.0), arrived)


def attended(
    node: Node,
    q: Array,
    keys: Array,
    values: Array,
    places: Array,
    bias: Array | None,
    sink: Array | None,
) -> Array:
    """[batch, position, group, head of the group, element]"""
    batch, length, count, size = q.shape
    groups, extent = keys.shape[1:3]
    each = count // groups
    scale = node.float("scale", 0.0) or 1 / sqrt(size)
    grouped = q.reshape([batch, length, groups, each, size])
    scores = contract("bsgmd,bgtd->bgmst", grouped, keys) * scale
    if cap := node.float("softcap", 0.0):
        scores = tanh(scores / cap) * cap
    if bias is not None:
        per_head = [groups, each] if bias.shape[1] > 1 else [1, 1]
        bias = bias.pad(3, 0, extent - bias.shape[3], 0.0)
        scores = scores + bias.reshape([bias.shape[0], *per_head, *bias.shape[2:]])
    key, place = along(iota(extent), 2, 3), places.unsqueeze([2])
    last = place if node.integer("causal", 1) else place.max([1], keep=True)
    is_seen = key <= last
    if (window := node.integer("local_window_size", -1)) > 0:
        is_seen = is_seen & (key > place - window)
    is_seen = is_seen.reshape([batch, 1, 1, *is_seen.shape[1:]])
    highest = where(is_seen, scores, constant(-1e30, scores.element)).max([4], keep=True)
    if sink is None and node.integer("smooth_softmax", 0) == 1:
        sink = full([count], 0.0, scores.element)
    if sink is not None:
        sink = sink.reshape([1, groups, each, 1, 1])
        highest = maximum(highest, sink)
    powers = where(is_seen, exp(scores - highest), constant(0.0, scores.element))
    total = powers.sum([4], keep=True)
    total = total if sink is None else total + exp(sink - highest)
    mixed = contract("bgmst,bgtd->bsgmd", powers / total, values)
    return Array(mixed.value, q.element)
