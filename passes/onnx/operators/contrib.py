"""Operators of onnxruntime that fuse a normalization, an activation or a product with its kin."""

from math import pi, sqrt

from xdsl.dialects.builtin import i32, i64

from tensorjoin.passes.onnx.array import Array, full, iota
from tensorjoin.passes.onnx.node import Node, decomposes
from tensorjoin.passes.onnx.operators.elementwise import erf, root, sigmoid, tanh
from tensorjoin.passes.onnx.operators.linear import matmul
from tensorjoin.passes.onnx.operators.normalization import moments

MICROSOFT = "com.microsoft"


def rms_normal(x: Array, scale: Array, axes: list[int], epsilon: float) -> tuple[Array, Array]:
    """Elements over the root of their mean square, and the inverse of that root."""
    inverse = 1.0 / root((x * x).mean(axes, keep=True) + epsilon)
    return x * inverse * scale, inverse


def layer_normal(
    x: Array, scale: Array, bias: Array | None, epsilon: float
) -> tuple[Array, Array, Array]:
    """Over the last axis, with the mean and the inverse of the deviation."""
    mean, variance = moments(x, [x.rank - 1])
    inverse = 1.0 / root(variance + epsilon)
    normal = (x - mean) * inverse * scale
    return normal if bias is None else normal + bias, mean, inverse


# onnxruntime's optimizer leaves this one in the standard's domain.
@decomposes("SimplifiedLayerNormalization")
@decomposes("SimplifiedLayerNormalization", domain=MICROSOFT)
def simplified_layer_normalization(node: Node, x: Array, scale: Array) -> list[Array]:
    axes = list(range(node.axis(x.rank, default=-1), x.rank))
    return list(rms_normal(x, scale, axes, node.float("epsilon", 1e-5)))


@decomposes("SkipSimplifiedLayerNormalization", domain=MICROSOFT)
def skip_simplified_layer_normalization(
    node: Node, x: Array, skip: Array, scale: Array, bias: Array | None = None
) -> list[Array | None]:
    total = x + skip if bias is None else x + skip + bias
    normal, inverse = rms_normal(total, scale, [x.rank - 1], node.float("epsilon", 1e-12))
    return [normal, None, inverse, total]


@decomposes("SkipLayerNormalization", domain=MICROSOFT)
def skip_layer_normalization(
    node: Node,
    x: Array,
    skip: Array,
    scale: Array,
    beta: Array | None = None,
    bias: Array | None = None,
) -> list[Array]:
    total = x + skip if bias is None else x + skip + bias
    return [*layer_normal(total, scale, beta, node.float("epsilon", 1e-12)), total]


@decomposes("EmbedLayerNormalization", domain=MICROSOFT)
def embed_layer_normalization(
    node: Node,
    ids: Array,
    segments: Array | None,
    words: Array,
    positions: Array,
    segment_table: Array | None,
    scale: Array,
    bias: Array,
    mask: Array | None = None,
    position_ids: Array | None = None,
) -> list[Array]:
    length = ids.shape[1]
    places = iota(length) if position_ids is None else position_ids
    total = words.take(ids, 0) + positions.take(places, 0)
    if segments is not None and segment_table is not None:
        total = total + segment_table.take(segments, 0)
    normal, _, _ = layer_normal(total, scale, bias, node.float("epsilon", 1e-12))
    if mask is None:
        counts = full([ids.shape[0]], 0, i32)
    else:
        counts = Array(mask.equals(1).cast(i64).sum([1]).value, i32)
    return [normal, counts, total]


@decomposes("FastGelu", domain=MICROSOFT)
def fast_gelu(node: Node, x: Array, bias: Array | None = None) -> Array:
    x = x if bias is None else x + bias
    return x * 0.5 * (tanh((x + x * x * x * 0.044715) * sqrt(2 / pi)) + 1.0)


@decomposes("Gelu", "BiasGelu", domain=MICROSOFT)
def bias_gelu(node: Node, x: Array, bias: Array | None = None) -> Array:
    x = x if bias is None else x + bias
    return x * 0.5 * (erf(x / sqrt(2.0)) + 1.0)


@decomposes("QuickGelu", domain=MICROSOFT)
def quick_gelu(node: Node, x: Array) -> Array:
    return x * sigmoid(x * node.float("alpha", 1.702))


@decomposes("FusedMatMul", "TransposeMatMul", domain=MICROSOFT)
def fused_matmul(node: Node, a: Array, b: Array) -> Array:
    a = turned(a, bool(node.integer("transBatchA", 0)), bool(node.integer("transA", 0)))
    b = turned(b, bool(node.integer("transBatchB", 0)), bool(node.integer("transB", 0)))
    product = matmul(a, b)
    alpha = node.float("alpha", 1.0)
    return product if alpha == 1 else product * alpha


def turned(x: Array, batch: bool, matrix: bool) -> Array:
    """The first axis moved behind those of the batch; then the last two exchanged."""
    order = list(range(x.rank))
    if batch and x.rank > 2:
        order = [*order[1:-1], order[0], order[-1]]
    if matrix and x.rank > 1:
        order[-2:] = order[-1:-3:-1]
    return x.transpose(order)
