"""Reals as integers of few bits, and what is computed with those."""

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import f32, f64, i64
from xdsl.ir import Attribute, Operation, SSAValue

from tensorjoin.dialects import ten
from tensorjoin.dialects.onnx.elements import ELEMENTS, unsigned
from tensorjoin.passes.onnx.array import (
    Array,
    along,
    constant,
    elementwise,
    highest,
    iota,
    lowest,
    scalar,
    where,
)
from tensorjoin.passes.onnx.node import Node, checked_axis, decomposes
from tensorjoin.passes.onnx.operators.convolution import convolved, windows_of
from tensorjoin.passes.onnx.operators.elementwise import FRACTION_BITS, maximum, minimum
from tensorjoin.passes.onnx.operators.linear import matmul, shifted
from tensorjoin.passes.onnx.operators.normalization import per_channel

UINT8 = unsigned(8)
SOURCES = (ten.InputOp, ten.WeightOp, ten.ConstantOp)
"""What is stored, and has its own type."""


def exact(x: Array, element: Attribute) -> Array:
    """What was computed as f64, as its own type has it: ties of halves depend on that."""
    bits = FRACTION_BITS.get(element, 53)
    if bits == 53 or (x.element == element and isinstance(x.value.owner, SOURCES)):
        return Array(x.value, element)

    def cut(a: SSAValue) -> Operation:
        # Veltkamp's splitting, of what does not overflow.
        multiple = arith.MulfOp(a, scalar(2 ** (53 - bits) + 1, f64))
        high = arith.SubfOp(multiple, arith.SubfOp(multiple, a))
        is_small = arith.CmpfOp(math.AbsFOp(a), scalar(2.0**128, f64), "olt")
        return arith.SelectOp(is_small, high, a)

    return elementwise(cut, Array(x.value, f64), element=element)


def saturated(x: Array, zero: Array | None, element: Attribute) -> Array:
    """The nearest integers, halves to the even one, between the ends of `element`."""

    def nearest(a: SSAValue, *zero: SSAValue) -> Operation:
        up = math.FloorOp(arith.AddfOp(a, scalar(0.5, f64)))
        even = arith.MulfOp(math.FloorOp(arith.MulfOp(up, scalar(0.5, f64))), scalar(2.0, f64))
        is_half = arith.CmpfOp(arith.SubfOp(up, a), scalar(0.5, f64), "oeq")
        is_tie = arith.AndIOp(is_half, arith.CmpfOp(even, up, "une"))
        y = arith.SelectOp(is_tie, even, up).result
        for offset in zero:
            y = arith.AddfOp(y, arith.SIToFPOp(offset, f64)).result
        y = arith.MaximumfOp(y, scalar(lowest(element), f64))
        return arith.FPToSIOp(arith.MinimumfOp(y, scalar(highest(element), f64)), i64)

    # One map: what engines compute of an element by itself, they need not join.
    offsets = [] if zero is None else [Array(zero.value, i64)]
    return elementwise(nearest, Array(x.value, f64), *offsets, element=element)


def spread(node: Node, parameter: Array, x: Array) -> Array:
    """A scale or zero point of the whole tensor, of places on an axis, or of blocks along it."""
    if parameter.size == 1:
        return parameter.reshape([])
    axis = checked_axis(node.integer("axis", 1) if x.rank > 1 else 0, x.rank)
    if block := node.integer("block_size", 0):
        return parameter.take(iota(x.shape[axis]) / block, axis)
    return along(parameter, axis, x.rank)


def chosen_type(node: Node, name: str, default: Attribute) -> Attribute:
    """The element type that an attribute numbers."""
    number = node.integer(name, 0)
    if number and number not in ELEMENTS:
        raise node.refuse(f"no relation holds elements of type {number}")
    return ELEMENTS[number] if number else default


@decomposes("QuantizeLinear")
def quantize_linear(node: Node, x: Array, scale: Array, zero: Array | None = None) -> Array:
    element = chosen_type(node, "output_dtype", UINT8) if zero is None else zero.element
    precision = chosen_type(node, "precision", scale.element)
    steps = spread(node, exact(scale, scale.element), x)
    quotient = exact(x.cast(f64) / steps.cast(f64), precision)
    return saturated(quotient, None if zero is None else spread(node, zero, x), element)


@decomposes("DequantizeLinear")
def dequantize_linear(node: Node, x: Array, scale: Array, zero: Array | None = None) -> Array:
    element = chosen_type(node, "output_dtype", scale.element)
    steps = shifted(x, None if zero is None else spread(node, zero, x), rows=False)
    return steps.cast(element) * spread(node, scale, x).cast(element)


@decomposes("DynamicQuantizeLinear")
def dynamic_quantize_linear(node: Node, x: Array) -> list[Array]:
    """The range of x, made to hold 0, becomes that of the integers."""
    zero = constant(0.0, f64)
    low, high = minimum(x.min().cast(f64), zero), maximum(x.max().cast(f64), zero)
    span = exact(high - low, f32)
    scale = where(span.equals(0.0), constant(1.0, f32), exact(span / 255.0, f32))
    zero_point = saturated(exact(-low / scale, f32), None, UINT8)
    return [saturated(exact(x / scale, f32), zero_point, UINT8), scale, zero_point]


def requantized(
    accumulated: Array, x_scale: Array, w_scale: Array, y_scale: Array, y_zero: Array
) -> Array:
    """Sums of products of integers, on the scale of the result."""
    factor = exact(exact(x_scale * w_scale, y_scale.element) / y_scale, y_scale.element)
    y = exact(accumulated.cast(f64) * factor.cast(f64), f32)
    return saturated(y, y_zero, y_zero.element)


@decomposes("QLinearMatMul")
def q_linear_matmul(
    node: Node,
    a: Array,
    a_scale: Array,
    a_zero: Array,
    b: Array,
    b_scale: Array,
    b_zero: Array,
    y_scale: Array,
    y_zero: Array,
) -> Array:
    product = matmul(shifted(a, a_zero, rows=True), shifted(b, b_zero, rows=False))
    of_rows = a_scale.unsqueeze([1]) if a_scale.rank == 1 and a_scale.size > 1 else a_scale
    scales = map(scalar_of_one, (of_rows, b_scale, y_scale, y_zero))
    return requantized(product, *scales)


def scalar_of_one(x: Array) -> Array:
    """A tensor of one element adds no axes."""
    return x.reshape([]) if x.size == 1 else x


@decomposes("QLinearConv")
def q_linear_conv(
    node: Node,
    x: Array,
    x_scale: Array,
    x_zero: Array,
    w: Array,
    w_scale: Array,
    w_zero: Array,
    y_scale: Array,
    y_zero: Array,
    b: Array | None = None,
) -> Array:
    """What pads is the zero point, which is 0 once it is subtracted."""
    chosen = windows_of(node, x.shape[2:], w.shape[2:])
    offset = w_zero.reshape([w_zero.size, *[1] * (w.rank - 1)])
    x, w = shifted(x, x_zero, rows=False), shifted(w, offset, rows=False)
    y = convolved(x, w, node.integer("group", 1), chosen)
    if b is not None:
        y = y + per_channel(Array(b.value, i64), y.rank)
    of_channels = per_channel(w_scale, y.rank) if w_scale.size > 1 else w_scale
    scales = map(scalar_of_one, (x_scale, of_channels, y_scale, y_zero))
    return requantized(y, *scales)
