"""Operators that treat each element by itself."""

from collections.abc import Callable, Mapping
from functools import reduce
from math import factorial, pi, sqrt

import numpy as np
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import f32, f64, i1
from xdsl.ir import Attribute, Operation, SSAValue

from tensorjoin.dialects.onnx.elements import ELEMENTS
from tensorjoin.passes.onnx.array import (
    Array,
    constant,
    elementwise,
    highest,
    is_unsigned,
    lowest,
    scalar,
    where,
    width,
    wrapped,
)
from tensorjoin.passes.onnx.node import Node, decomposes

ARITHMETIC: Mapping[str, Callable[[Array, Array], Array]] = {
    "Add": lambda x, y: x + y,
    "Sub": lambda x, y: x - y,
    "Mul": lambda x, y: x * y,
    "Div": lambda x, y: x / y,
    "And": lambda x, y: x & y,
    "Or": lambda x, y: x | y,
    "Xor": lambda x, y: x ^ y,
    "BitwiseAnd": lambda x, y: x & y,
    "BitwiseOr": lambda x, y: x | y,
    "BitwiseXor": lambda x, y: x ^ y,
    "Equal": lambda x, y: x.equals(y),
    "Less": lambda x, y: x < y,
    "LessOrEqual": lambda x, y: x <= y,
    "Greater": lambda x, y: x > y,
    "GreaterOrEqual": lambda x, y: x >= y,
}
FUNCTIONS: Mapping[str, Callable[[SSAValue], Operation]] = {
    "Acos": math.AcosOp,
    "Acosh": math.AcoshOp,
    "Asin": math.AsinOp,
    "Asinh": math.AsinhOp,
    "Atan": math.AtanOp,
    "Atanh": math.AtanhOp,
    "Ceil": math.CeilOp,
    "Cos": math.CosOp,
    "Cosh": math.CoshOp,
    "Exp": math.ExpOp,
    "Floor": math.FloorOp,
    "Log": math.LogOp,
    "Sin": math.SinOp,
    "Sinh": math.SinhOp,
    "Sqrt": math.SqrtOp,
    "Tan": math.TanOp,
    "Tanh": math.TanhOp,
}


def apply(function: Callable[[SSAValue], Operation], x: Array) -> Array:
    return elementwise(function, x, element=x.element)


def exp(x: Array) -> Array:
    return apply(math.ExpOp, x)


def log(x: Array) -> Array:
    return apply(math.LogOp, x)


def root(x: Array) -> Array:
    return apply(math.SqrtOp, x)


def tanh(x: Array) -> Array:
    return apply(math.TanhOp, x)


def floor(x: Array) -> Array:
    return apply(math.FloorOp, x)


def maximum(x: Array, y: Array) -> Array:
    op = arith.MaximumfOp if x.is_float else arith.MaxSIOp
    return elementwise(op, x, y, element=x.element)


def minimum(x: Array, y: Array) -> Array:
    op = arith.MinimumfOp if x.is_float else arith.MinSIOp
    return elementwise(op, x, y, element=x.element)


def absolute(x: Array) -> Array:
    return elementwise(math.AbsFOp if x.is_float else math.AbsIOp, x, element=x.element)


def sigmoid(x: Array) -> Array:
    return 1.0 / (exp(-x) + 1.0)


def round_even(x: Array) -> Array:
    """To the nearest integer, halves to the even one; engines differ in their ROUND."""
    up = floor(x + 0.5)
    is_half = (up - x).equals(0.5)
    is_odd = (floor(up / 2.0) * 2.0).differs(up)
    return where(is_half & is_odd, up - 1.0, up)


def power(x: Array, y: Array) -> Array:
    element = x.element
    x, y = (a if a.is_float else a.cast(f64) for a in (x, y))
    return elementwise(math.PowFOp, x, y, element=f64 if not x.is_float else x.element).cast(
        element
    )


def erf(x: Array) -> Array:
    """
    The error function: its Maclaurin series (Abramowitz and Stegun 7.1.5) below 2; above, 1 - erfc
    by the Chebyshev fit of Press et al., Numerical Recipes, section 6.2, of relative error 1.2e-7.
    """
    size = minimum(absolute(x), constant(6.0, x.element))
    square = size * size

    def horner(variable: SSAValue, coefficients: list[float]) -> SSAValue:
        value = scalar(coefficients[-1], f64)
        for coefficient in reversed(coefficients[:-1]):
            product = arith.MulfOp(value, variable)
            value = arith.AddfOp(product, scalar(coefficient, f64)).result
        return value

    terms = [2 / sqrt(pi) * (-1) ** n / (factorial(n) * (2 * n + 1)) for n in range(26)]
    bounded = minimum(square, constant(4.0, x.element))
    series = size * elementwise(lambda s: horner(s, terms), bounded, element=x.element)
    fit = [
        *(-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806),
        *(0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277),
    ]
    t = 1.0 / (size * 0.5 + 1.0)
    tail = t * exp(elementwise(lambda s: horner(s, fit), t, element=x.element) - square)
    positive = where(size < 2.0, series, 1.0 - tail)
    return where(x < 0.0, -positive, positive)


@decomposes(*FUNCTIONS)
def function(node: Node, x: Array) -> Array:
    return apply(FUNCTIONS[node.op_type], x)


@decomposes(*ARITHMETIC)
def arithmetic(node: Node, x: Array, y: Array) -> Array:
    if node.version < 7 and node.integer("broadcast", 0):
        axis = node.integer("axis", x.rank - y.rank)
        y = y.reshape([*y.shape, *[1] * (x.rank - axis - y.rank)])
    return ARITHMETIC[node.op_type](x, y)


@decomposes("Not", "BitwiseNot")
def invert(node: Node, x: Array) -> Array:
    return ~x


@decomposes("Neg")
def negate(node: Node, x: Array) -> Array:
    return -x


@decomposes("Abs")
def abs_(node: Node, x: Array) -> Array:
    return absolute(x)


@decomposes("Sign")
def sign(node: Node, x: Array) -> Array:
    above, below = (x > 0).cast(x.element), (x < 0).cast(x.element)
    return where(x.equals(x), above - below, x)


@decomposes("Reciprocal")
def reciprocal(node: Node, x: Array) -> Array:
    return 1.0 / x


@decomposes("Round")
def round_(node: Node, x: Array) -> Array:
    return round_even(x)


@decomposes("Erf")
def erf_(node: Node, x: Array) -> Array:
    return erf(x)


@decomposes("Pow")
def pow_(node: Node, x: Array, y: Array) -> Array:
    if node.version < 7 and node.integer("broadcast", 0):
        y = y.reshape([*y.shape, *[1] * (x.rank - node.integer("axis", x.rank - y.rank) - y.rank)])
    return power(x, y)


@decomposes("Mod")
def mod(node: Node, x: Array, y: Array) -> Array:
    if x.is_float:
        quotient = x / y
        cut = where(quotient < 0.0, apply(math.CeilOp, quotient), floor(quotient))
        # An infinite divisor leaves a finite number as it is.
        is_infinite = absolute(y).equals(np.inf) & (absolute(x) < np.inf)
        rest = where(is_infinite, x, x - y * cut)
        if node.integer("fmod", 0):
            return rest
        return where((rest * y) < 0.0, rest + y, rest)
    rest = elementwise(arith.RemSIOp, x, y, element=x.element)
    if node.integer("fmod", 0):
        return rest
    return elementwise(arith.RemSIOp, rest + y, y, element=x.element)


@decomposes("BitShift")
def bit_shift(node: Node, x: Array, y: Array) -> Array:
    is_left = node.text("direction") == "LEFT"
    zero = constant(0, x.element)
    # Shifted out of its width, or by a negative number, nothing is left but the sign.
    is_inside = (y >= 0) & (y < width(x.element))
    places = where(is_inside, y, zero)
    if is_left:
        shifted = wrapped(elementwise(arith.ShLIOp, x, places, element=x.element), x.element)
        return where(is_inside, shifted, zero)
    shifted = elementwise(arith.ShRSIOp, x, places, element=x.element)
    sign = zero if is_unsigned(x.element) else where(x < 0, zero - 1, zero)
    return where(is_inside, shifted, sign)


@decomposes("Max", "Min")
def extreme(node: Node, *operands: Array) -> Array:
    return reduce(maximum if node.op_type == "Max" else minimum, operands)


@decomposes("Sum", "Mean")
def total(node: Node, *operands: Array) -> Array:
    sum = reduce(lambda x, y: x + y, operands)
    return sum if node.op_type == "Sum" else sum / float(len(operands))


@decomposes("Where")
def where_(node: Node, condition: Array, x: Array, y: Array) -> Array:
    return where(condition, x, y)


@decomposes("IsNaN")
def is_nan(node: Node, x: Array) -> Array:
    return elementwise(lambda a: arith.CmpfOp(a, a, "uno"), x, element=i1)


@decomposes("IsInf")
def is_inf(node: Node, x: Array) -> Array:
    sides = {"detect_positive": np.inf, "detect_negative": -np.inf}
    found = [x.equals(bound) for name, bound in sides.items() if node.integer(name, 1)]
    if not found:
        return constant(False, i1).broadcast_to(x.shape)
    return reduce(lambda a, b: a | b, found)


@decomposes("Clip")
def clip(node: Node, x: Array, low: Array | None = None, high: Array | None = None) -> Array:
    if node.version < 11:
        low = constant(node.float("min", lowest(x.element)), x.element)
        high = constant(node.float("max", highest(x.element)), x.element)
    x = x if low is None else maximum(x, low)
    return x if high is None else minimum(x, high)


@decomposes("Cast")
def cast(node: Node, x: Array) -> Array:
    return to_element(node, x, node.integer("to"))


@decomposes("CastLike")
def cast_like(node: Node, x: Array, like: Array) -> Array:
    return rounded(x, like.element)


def to_element(node: Node, x: Array, number: int) -> Array:
    if number not in ELEMENTS:
        raise node.refuse(f"no relation holds elements of type {number}")
    return rounded(x, ELEMENTS[number])


def rounded(x: Array, element: Attribute) -> Array:
    """A cast; to a narrower float, what is too large becomes infinite, and the rest is rounded."""
    bits = FRACTION_BITS.get(element)
    if not x.is_float or bits is None or FRACTION_BITS.get(x.element, 53) <= bits:
        return x.cast(element)
    # Veltkamp's splitting: the sum with a multiple of x has no place for its last bits.
    factor = float(2 ** (53 - bits) + 1)
    shifted = x * factor
    high = shifted - (shifted - x)
    limit = LARGEST[element]
    is_large, is_finite = absolute(high) > limit, absolute(x) < limit * 4
    infinite = where(x < 0.0, constant(-np.inf, x.element), constant(np.inf, x.element))
    return where(is_large, infinite, where(is_finite, high, x)).cast(element)


FLOAT16, BFLOAT16 = ELEMENTS[10], ELEMENTS[16]
FRACTION_BITS: Mapping[Attribute, int] = {FLOAT16: 11, BFLOAT16: 8, f32: 24, f64: 53}
LARGEST: Mapping[Attribute, float] = {
    FLOAT16: 65504.0,
    BFLOAT16: float.fromhex("0x1.fep127"),
    f32: float(np.finfo(np.float32).max),
}


@decomposes("Identity", "Dropout")
def identity(node: Node, x: Array, ratio: Array | None = None, training: Array | None = None):
    if node.op_type == "Dropout" and node.outputs > 1:
        mask = constant(True, i1).broadcast_to(x.shape)
    else:
        mask = None
    if training is not None and bool(node.value(training).all()):
        is_dropping = ratio is None or float(node.value(ratio)) != 0
        if is_dropping:
            raise node.refuse("training drops elements at random")
    return [x, mask][: max(1, node.outputs)]
