"""Elements looked up by indices, and put where indices say."""

from functools import reduce

from xdsl.dialects import arith
from xdsl.dialects.builtin import i64

from tensorjoin.dialects.ten import Reduction
from tensorjoin.passes.onnx.array import (
    LETTERS,
    Array,
    along,
    constant,
    elementwise,
    full,
    gather,
    iota,
    scatter,
    where,
)
from tensorjoin.passes.onnx.node import Node, checked_axis, decomposes

CHOICES = range(2, 9)
"""Lengths of a vector of which an element is chosen, rather than looked up."""


def picked(values: Array, ids: Array) -> Array:
    """values[ids] of a vector: a choice among its elements where they are few"""
    (length,) = values.shape
    if length not in CHOICES:
        return values.take(ids, 0)
    found, *before = (values.slice(0, number, 1) for number in reversed(range(length)))
    for number, element in zip(reversed(range(length - 1)), before, strict=True):
        found = where(ids.equals(number), element, found)
    return found


def counted(ids: Array, extent: int) -> Array:
    """Indices of which the negative ones count from the end."""
    ids = Array(ids.value, i64)
    return where(ids < 0, ids + extent, ids)


@decomposes("Gather")
def gather_(node: Node, x: Array, indices: Array) -> Array:
    axis = node.axis(x.rank, default=0)
    return x.take(counted(indices, x.shape[axis]), axis)


@decomposes("GatherElements")
def gather_elements_(node: Node, x: Array, indices: Array) -> Array:
    axis = node.axis(x.rank, default=0)
    return gather_elements(x, counted(indices, x.shape[axis]), axis)


def gather_elements(x: Array, ids: Array, axis: int) -> Array:
    """out[.., i, ..] = x[.., ids[.., i, ..], ..]"""
    for other in range(x.rank):
        if other != axis:
            x = x.slice(other, 0, ids.shape[other])
    letters = LETTERS[: x.rank]
    table = letters[:axis] + LETTERS[x.rank] + letters[axis + 1 :]
    return gather(f"{table},{letters}->{letters}", x, ids)


@decomposes("GatherND")
def gather_nd(node: Node, x: Array, indices: Array) -> Array:
    """One axis after the other, each kept in line with the indices by their shared letters."""
    batch = node.integer("batch_dims", 0)
    depth = indices.shape[-1]
    where_to = LETTERS[: indices.rank - 1]
    rest = LETTERS[indices.rank - 1 : indices.rank - 1 + x.rank - batch]
    shared = where_to[:batch]
    found, letters = x, shared + rest
    for place in range(depth):
        axis = batch + place
        ids = counted(indices.slice(indices.rank - 1, place, 1), x.shape[axis]).squeeze(
            [indices.rank - 1]
        )
        looked_up = rest[place]
        left = letters.replace(looked_up, "")
        result = where_to + "".join(letter for letter in left if letter not in where_to)
        found = gather(f"{letters},{where_to}->{result}", found, ids)
        letters = result
    return found


@decomposes("ArrayFeatureExtractor", domain="ai.onnx.ml")
def array_feature_extractor(node: Node, x: Array, indices: Array) -> Array:
    ids = Array(indices.reshape([indices.size]).value, i64)
    if x.rank > 1:
        return x.take(counted(ids, x.shape[-1]), x.rank - 1)
    # Read once, where `counted` reads them three times.
    from_start = elementwise(arith.RemSIOp, ids + x.size, constant(x.size, i64), element=i64)
    return picked(x, from_start).unsqueeze([0])


@decomposes("Scatter", "ScatterElements")
def scatter_elements(node: Node, x: Array, indices: Array, updates: Array) -> Array:
    axis = node.axis(x.rank, default=0)
    letters = LETTERS[: x.rank]
    source = letters[:axis] + LETTERS[x.rank] + letters[axis + 1 :]
    ids = counted(indices, x.shape[axis])
    for other in range(x.rank):
        # An axis of which only a part is written: its other indices drop out of the result.
        if other != axis and indices.shape[other] != x.shape[other]:
            return scatter_nd_of(node, x, every_index(ids, axis), updates)
    return combined(node, x, f"{source},{source}->{letters}", updates, ids, x.shape[axis])


def every_index(ids: Array, axis: int) -> Array:
    """[.., rank]: where each element of `ids` points to, on all axes."""
    from tensorjoin.passes.onnx.array import stack

    places = [
        ids if k == axis else along(iota(n), k, ids.rank).broadcast_to(ids.shape)
        for k, n in enumerate(ids.shape)
    ]
    return stack(places, ids.rank)


@decomposes("ScatterND")
def scatter_nd(node: Node, x: Array, indices: Array, updates: Array) -> Array:
    return scatter_nd_of(node, x, indices, updates)


def scatter_nd_of(node: Node, x: Array, indices: Array, updates: Array) -> Array:
    """Over the row-major numbers of the axes that the indices choose."""
    depth = indices.shape[-1]
    chosen, rest = x.shape[:depth], x.shape[depth:]
    number = constant(0, i64)
    for place, extent in enumerate(chosen):
        ids = indices.slice(indices.rank - 1, place, 1).squeeze([indices.rank - 1])
        number = number * extent + counted(ids, extent)
    rows = reduce(lambda a, b: a * b, chosen, 1)
    flat = x.reshape([rows, *rest])
    count = number.size
    inner = LETTERS[2 : 2 + len(rest)]
    written = combined(
        node,
        flat,
        f"a{inner},a->b{inner}",
        updates.reshape([count, *rest]),
        number.reshape([count]),
        rows,
    )
    return written.reshape(x.shape)


def combined(node: Node, x: Array, indices: str, updates: Array, ids: Array, extent: int) -> Array:
    """x where nothing is written; what is written there, or combined with x as `reduction` says."""
    reduction = node.text("reduction", "none")
    if updates.size == 0:
        return x
    match reduction:
        case "none":
            found = scatter(Reduction.MAX, indices, updates, ids, extent)
            written = scatter(Reduction.MAX, indices, full(updates.shape, 1, i64), ids, extent)
            is_written = written.filled(0).differs(0)
            return where(is_written, found.filled(0), x)
        case "add":
            return x + scatter(Reduction.SUM, indices, updates, ids, extent).filled(0)
        case "max" | "min":
            kind = Reduction.MAX if reduction == "max" else Reduction.MIN
            found = scatter(kind, indices, updates, ids, extent)
            written = scatter(Reduction.MAX, indices, full(updates.shape, 1, i64), ids, extent)
            better = x < found.filled(0) if reduction == "max" else x > found.filled(0)
            return where(written.filled(0).differs(0) & better, found.filled(0), x)
        case "mul":
            return multiplied(x, indices, updates, ids, extent)
        case _:
            raise node.refuse(f"no reduction {reduction!r}")


def multiplied(x: Array, indices: str, updates: Array, ids: Array, extent: int) -> Array:
    """The product of what is written to one place: a sum of logarithms, a count of signs."""
    from tensorjoin.passes.onnx.operators.elementwise import absolute, exp, log

    zeros = scatter(Reduction.MAX, indices, updates.equals(0).cast(i64), ids, extent).filled(0)
    signs = scatter(Reduction.SUM, indices, (updates < 0).cast(i64), ids, extent).filled(0)
    size = log(where(updates.equals(0), full(updates.shape, 1, updates.element), absolute(updates)))
    total = exp(scatter(Reduction.SUM, indices, size, ids, extent).filled(0.0))
    odd = (signs - signs / 2 * 2).differs(0)
    product = x * where(odd, -total, total)
    return where(zeros.differs(0), constant(0, x.element), product)


@decomposes("TensorScatter")
def tensor_scatter(node: Node, past: Array, update: Array, starts: Array | None = None) -> Array:
    axis = checked_axis(node.integer("axis", -2), past.rank)
    extent, length = past.shape[axis], update.shape[axis]
    batch = past.shape[0]
    first = full([batch], 0, i64) if starts is None else Array(starts.value, i64)
    ids = along(iota(length), 1, 2) + first.reshape([batch, 1])
    if node.text("mode", "linear") == "circular":
        ids = ids - ids / extent * extent
    letters = LETTERS[: past.rank]
    source = letters[:axis] + LETTERS[past.rank] + letters[axis + 1 :]
    id_letters = letters[0] + LETTERS[past.rank]
    indices = f"{source},{id_letters}->{letters}"
    found = scatter(None, indices, update, ids, extent).filled(0)
    ones = full(update.shape, 1, i64)
    written = scatter(None, indices, ones, ids, extent).filled(0)
    return where(written.differs(0), found, past)
