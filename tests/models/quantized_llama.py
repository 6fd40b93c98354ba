"""
A Llama in numpy whose matrix products are those of quantised weights: the reference for lanes and
for half vectors.

Written from the definition, not from the compiler: a group of weights is rounded to integers by its
largest magnitude, a group of activations to 8 bits by its own, half away from zero; the products of
integers are summed exactly, and scaled by both. With 16 bits, a weight is rounded to float16, and so
is a group of activations, as float32, divided by its norm; the products are summed as doubles. A weight that only products of a norm's result read is rounded after it has been
multiplied by the norm's gain in float32. Everything else is float64, but for constants and, on
engines that have them, cached keys and values, which are float32: an activation near the middle
between two integers goes the other way otherwise.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tensorjoin.frontends.llama_config import LlamaConfig
from tensorjoin.tiling import chunk_size

Array = npt.NDArray[np.float64]
Weights = Mapping[str, npt.NDArray[np.float32]]


def groups(extent: int, group: int) -> list[slice]:
    """Groups as the layouts cut them: of equal length, and none longer than `group`."""
    size = chunk_size(extent, group)
    return [slice(start, min(start + size, extent)) for start in range(0, extent, size)]


def weight_integers(
    w: npt.NDArray[np.float32], bits: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """A group of each row, [outputs, group] -> integers, and a scale for each row."""
    scale = np.abs(w).max(axis=1) / np.float32(2 ** (bits - 1) - 1)
    return np.rint(w / np.where(scale == 0, 1, scale)[:, None]).astype(np.int64), scale


def activation_integers(x: Array) -> tuple[npt.NDArray[np.int64], Array]:
    """A group of each row, [rows, group] -> integers, and a scale for each row."""
    top = np.abs(x).max(axis=1)
    steps = x * 127.0 / np.where(top == 0, 1, top)[:, None]
    return np.trunc(steps + np.where(x < 0, -0.5, 0.5)).astype(np.int64), top / 127.0


def unit_halves(x: Array) -> tuple[Array, Array]:
    """A group of each row, [rows, group] -> numbers of 16 bits with a norm of 1, and the norms."""
    singles = x.astype(np.float32)
    norm = np.sqrt((singles.astype(np.float64) ** 2).sum(axis=1))
    units = (singles / np.where(norm == 0, 1, norm)[:, None]).astype(np.float32)
    return units.astype(np.float16).astype(np.float64), norm


def product(x: Array, w: npt.NDArray[np.float32], bits: int | None, group: int) -> Array:
    """x [rows, inputs] times w [outputs, inputs], both in groups of the inputs if of `bits`."""
    if bits is None:
        return x @ w.T.astype(np.float64)
    total = np.zeros((len(x), len(w)))
    for part in groups(w.shape[1], group):
        if bits == 16:
            units, norm = unit_halves(x[:, part])
            total += (units @ dequantized(w[:, part], bits, group).T) * norm[:, None]
            continue
        integers, scale = weight_integers(w[:, part], bits)
        steps, step = activation_integers(x[:, part])
        total += (steps @ integers.T) * scale.astype(np.float64) * step[:, None]
    return total


def dequantized(w: npt.NDArray[np.float32], bits: int | None, group: int) -> Array:
    """The weights as their integers and scales say."""
    if bits is None:
        return w.astype(np.float64)
    if bits == 16:
        return w.astype(np.float16).astype(np.float64)
    parts: list[Array] = []
    for part in groups(w.shape[1], group):
        integers, scale = weight_integers(w[:, part], bits)
        parts.append(integers * scale.astype(np.float64)[:, None])
    return np.concatenate(parts, axis=1)


def rms_norm(x: Array, eps: float) -> Array:
    """A norm without its gain."""
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + np.float64(np.float32(eps)))


def rotated(x: Array, theta: float) -> Array:
    """[rows, heads, width]: halves turned by position times theta^(-2 f / width)."""
    half = x.shape[-1] // 2
    angles = np.arange(len(x))[:, None] * theta ** (-np.arange(half) / half)
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    first, second = x[..., :half], x[..., half:]
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def logits(
    config: LlamaConfig,
    weights: Weights,
    tokens: Sequence[int],
    bits: int | None,
    group: int,
    cached: type[np.floating],
) -> Array:
    """
    The logits after each token, [tokens, vocabulary], with keys and values of type `cached`; those
    of the unquantised model where `bits` is None.
    """

    def linear(x: Array, name: str, norm: str | None = None) -> Array:
        gain = np.float32(1) if norm is None else weights[f"{norm}.weight"]
        return product(x, weights[name] * gain, bits, group)

    rows, width, shared = len(tokens), config.head_dim, config.heads // config.kv_heads
    embedding = weights["model.embed_tokens.weight"]
    x = dequantized(embedding[list(tokens)], bits, group)
    for layer in range(config.layers):
        at = f"model.layers.{layer}"
        h, norm = rms_norm(x, config.norm_eps), f"{at}.input_layernorm"
        q = linear(h, f"{at}.self_attn.q_proj.weight", norm).reshape(rows, config.heads, width)
        k = linear(h, f"{at}.self_attn.k_proj.weight", norm).reshape(rows, config.kv_heads, width)
        v = linear(h, f"{at}.self_attn.v_proj.weight", norm).reshape(rows, config.kv_heads, width)
        q, k = rotated(q, config.rope_theta), rotated(k, config.rope_theta)
        k, v = (cache.astype(cached).astype(np.float64) for cache in (k, v))
        k, v = np.repeat(k, shared, axis=1), np.repeat(v, shared, axis=1)
        scores = np.einsum("phd,chd->phc", q, k)
        scores = np.where(np.tri(rows, dtype=bool)[:, None], scores, -np.inf)
        scale = np.float64(np.float32(1 / math.sqrt(width)))
        e = np.exp((scores - scores.max(axis=-1, keepdims=True)) * scale)
        mixed = np.einsum("phc,chd->phd", e / e.sum(axis=-1, keepdims=True), v)
        x = x + linear(mixed.reshape(rows, -1), f"{at}.self_attn.o_proj.weight")
        h, norm = rms_norm(x, config.norm_eps), f"{at}.post_attention_layernorm"
        gate = linear(h, f"{at}.mlp.gate_proj.weight", norm)
        inner = gate / (1 + np.exp(-gate)) * linear(h, f"{at}.mlp.up_proj.weight", norm)
        x = x + linear(inner, f"{at}.mlp.down_proj.weight")
    h = rms_norm(x, config.norm_eps)
    if config.tied_embeddings:
        return linear(h * weights["model.norm.weight"], "model.embed_tokens.weight")
    return linear(h, "lm_head.weight", "model.norm")
