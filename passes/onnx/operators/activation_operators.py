"""Activation functions that are operators; recurrent layers name theirs, see `activations`."""

from math import pi, sqrt

from xdsl.dialects.builtin import f64

from tensorjoin.passes.onnx.array import (
    Array,
    constant,
    where,
)
from tensorjoin.passes.onnx.node import Node, decomposes
from tensorjoin.passes.onnx.operators.elementwise import (
    absolute,
    erf,
    exp,
    log,
    maximum,
    minimum,
    sigmoid,
    tanh,
)


@decomposes("Relu")
def relu(node: Node, x: Array) -> Array:
    return maximum(x, constant(0, x.element))


@decomposes("LeakyRelu")
def leaky_relu(node: Node, x: Array) -> Array:
    return where(x < 0.0, x * node.float("alpha", 0.01), x)


@decomposes("PRelu")
def prelu(node: Node, x: Array, slope: Array) -> Array:
    if node.version < 7 and slope.rank == 1 and x.rank > 1:
        slope = slope.reshape([slope.size, *[1] * (x.rank - 2)])
    return where(x < 0, x * slope, x)


@decomposes("ThresholdedRelu")
def thresholded_relu(node: Node, x: Array) -> Array:
    return where(x > node.float("alpha", 1.0), x, constant(0.0, x.element))


@decomposes("Elu")
def elu(node: Node, x: Array) -> Array:
    return where(x < 0.0, (exp(x) - 1.0) * node.float("alpha", 1.0), x)


@decomposes("Selu")
def selu(node: Node, x: Array) -> Array:
    alpha, gamma = node.float("alpha", 1.6732632), node.float("gamma", 1.050701)
    return where(x > 0.0, x, (exp(x) - 1.0) * alpha) * gamma


@decomposes("Celu")
def celu(node: Node, x: Array) -> Array:
    alpha = node.float("alpha", 1.0)
    zero = constant(0.0, x.element)
    return maximum(x, zero) + minimum((exp(x / alpha) - 1.0) * alpha, zero)


@decomposes("Sigmoid")
def sigmoid_(node: Node, x: Array) -> Array:
    return sigmoid(x)


@decomposes("HardSigmoid")
def hard_sigmoid(node: Node, x: Array) -> Array:
    line = x * node.float("alpha", 0.2) + node.float("beta", 0.5)
    return minimum(maximum(line, constant(0.0, x.element)), constant(1.0, x.element))


@decomposes("HardSwish")
def hard_swish(node: Node, x: Array) -> Array:
    line = x / 6.0 + 0.5
    return x * minimum(maximum(line, constant(0.0, x.element)), constant(1.0, x.element))


@decomposes("Softplus")
def softplus(node: Node, x: Array) -> Array:
    return softplus_of(x)


def softplus_of(x: Array) -> Array:
    """log(1 + exp(x)), which exp(x) must not overflow"""
    return maximum(x, constant(0.0, x.element)) + log(exp(-absolute(x)) + 1.0)


@decomposes("Softsign")
def softsign(node: Node, x: Array) -> Array:
    return x / (absolute(x) + 1.0)


@decomposes("Mish")
def mish(node: Node, x: Array) -> Array:
    return x * tanh(softplus_of(x))


@decomposes("Gelu")
def gelu(node: Node, x: Array) -> Array:
    if node.text("approximate", "none") == "tanh":
        return x * 0.5 * (tanh((x + x * x * x * 0.044715) * sqrt(2 / pi)) + 1.0)
    return x * 0.5 * (erf(x / sqrt(2.0)) + 1.0)


@decomposes("Swish")
def swish(node: Node, x: Array) -> Array:
    return x * sigmoid(x * node.float("alpha", 1.0))


@decomposes("Shrink")
def shrink(node: Node, x: Array) -> Array:
    bias, limit = node.float("bias", 0.0), node.float("lambd", 0.5)
    below, above = x < -limit, x > limit
    if not x.is_float:
        real = x.cast(f64)
        zero = constant(0.0, f64)
        shrunk = where(below, real + bias, where(above, real - bias, zero))
        return shrunk.cast(x.element)
    zero = constant(0.0, x.element)
    return where(below, x + bias, where(above, x - bias, zero))
