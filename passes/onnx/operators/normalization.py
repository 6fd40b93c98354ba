"""Softmax and its family, and normalisations by mean and variance."""

from collections.abc import Sequence

from tensorjoin.passes.onnx.array import Array, along, constant, where
from tensorjoin.passes.onnx.node import Node, decomposes
from tensorjoin.passes.onnx.operators.elementwise import absolute, exp, log, power, root


def softmax(x: Array, axes: Sequence[int]) -> Array:
    powers = exp(x - x.max(axes, keep=True))
    return powers / powers.sum(axes, keep=True)


def log_softmax(x: Array, axes: Sequence[int]) -> Array:
    shifted = x - x.max(axes, keep=True)
    return shifted - log(exp(shifted).sum(axes, keep=True))


@decomposes("Softmax", "LogSoftmax")
def softmax_(node: Node, x: Array) -> Array:
    function = softmax if node.op_type == "Softmax" else log_softmax
    if x.size == 0:
        return x
    if node.version < 13:
        # Of all axes from this one on.
        axis = node.axis(x.rank, default=1)
        return function(x, list(range(axis, x.rank)))
    return function(x, [node.axis(x.rank, default=-1)])


def moments(x: Array, axes: Sequence[int]) -> tuple[Array, Array]:
    """The mean and the variance over axes, which are kept."""
    mean = x.mean(axes, keep=True)
    deviation = x - mean
    return mean, (deviation * deviation).mean(axes, keep=True)


def per_channel(parameter: Array, rank: int) -> Array:
    """One number for each channel, along axis 1."""
    return along(parameter.reshape([parameter.size]), 1, rank)


@decomposes("BatchNormalization")
def batch_normalization(
    node: Node, x: Array, scale: Array, bias: Array, mean: Array, variance: Array
) -> list[Array]:
    epsilon = node.float("epsilon", 1e-5)
    if node.version >= 14 and node.integer("training_mode", 0):
        axes = [axis for axis in range(x.rank) if axis != 1]
        momentum = node.float("momentum", 0.9)
        now, spread = moments(x, axes)
        kept = [
            old * momentum + new.reshape(old.shape) * (1 - momentum)
            for old, new in ((mean, now), (variance, spread))
        ]
    else:
        now, spread = per_channel(mean, x.rank), per_channel(variance, x.rank)
        kept = []
    normal = (x - now) / root(spread + epsilon)
    return [normal * per_channel(scale, x.rank) + per_channel(bias, x.rank), *kept]


@decomposes("InstanceNormalization")
def instance_normalization(node: Node, x: Array, scale: Array, bias: Array) -> Array:
    mean, variance = moments(x, list(range(2, x.rank)))
    normal = (x - mean) / root(variance + node.float("epsilon", 1e-5))
    return normal * per_channel(scale, x.rank) + per_channel(bias, x.rank)


@decomposes("LayerNormalization")
def layer_normalization(
    node: Node, x: Array, scale: Array, bias: Array | None = None
) -> list[Array]:
    axes = list(range(node.axis(x.rank, default=-1), x.rank))
    mean, variance = moments(x, axes)
    inverse = 1.0 / root(variance + node.float("epsilon", 1e-5))
    normal = (x - mean) * inverse * scale
    return [normal if bias is None else normal + bias, mean, inverse]


@decomposes("RMSNormalization")
def rms_normalization(node: Node, x: Array, scale: Array) -> Array:
    axes = list(range(node.axis(x.rank, default=-1), x.rank))
    return x / root((x * x).mean(axes, keep=True) + node.float("epsilon", 1e-5)) * scale


@decomposes("LpNormalization")
def lp_normalization(node: Node, x: Array) -> Array:
    axis = node.axis(x.rank, default=-1)
    size = absolute(x) if node.integer("p", 2) == 1 else x * x
    total = size.sum([axis], keep=True)
    norm = total if node.integer("p", 2) == 1 else root(total)
    zero = constant(0.0, x.element)
    return where(norm.equals(0.0), zero, x / where(norm.equals(0.0), norm + 1.0, norm))


@decomposes("LRN")
def local_response_normalization(node: Node, x: Array) -> Array:
    size = node.integer("size")
    before, after = (size - 1) // 2, size - 1 - (size - 1) // 2
    channels = x.shape[1]
    square = x * x
    total = None
    padded = square.pad(1, before, after, 0.0)
    for offset in range(size):
        part = padded.slice(1, offset, channels)
        total = part if total is None else total + part
    assert total is not None
    scale = total * (node.float("alpha", 1e-4) / size) + node.float("bias", 1.0)
    return x / power(scale, constant(node.float("beta", 0.75), x.element))
