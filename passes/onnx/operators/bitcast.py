"""The same bits as elements of another type (IEEE 754 and bfloat16)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from xdsl.dialects import math
from xdsl.dialects.builtin import IntegerType, f32, f64, i1, i64
from xdsl.ir import Attribute

from tensorjoin.dialects.onnx.elements import ELEMENTS
from tensorjoin.passes.onnx.array import Array, along, constant, elementwise, where, width, wrapped
from tensorjoin.passes.onnx.node import Node, decomposes
from tensorjoin.passes.onnx.operators.elementwise import BFLOAT16, FLOAT16, absolute, rounded


@dataclass(frozen=True)
class Format:
    """How a float is written: a sign, so many bits of its exponent, so many of its fraction."""

    exponent: int
    fraction: int

    @property
    def width(self) -> int:
        return 1 + self.exponent + self.fraction

    @property
    def bias(self) -> int:
        return (1 << (self.exponent - 1)) - 1

    @property
    def low_bits(self) -> int:
        """Bits of the exponent that one table of powers of two is for; another is for the rest."""
        return self.exponent // 2

    @property
    def coarse(self) -> list[float]:
        """What the upper bits of an exponent stand for."""
        count = 1 << (self.exponent - self.low_bits)
        return [2.0 ** ((k << self.low_bits) - self.bias) for k in range(count)]

    @property
    def fine(self) -> list[float]:
        return [2.0**k for k in range(1 << self.low_bits)]


FORMATS: Mapping[Attribute, Format] = {
    FLOAT16: Format(5, 10),
    BFLOAT16: Format(8, 7),
    f32: Format(8, 23),
    f64: Format(11, 52),
}


@decomposes("BitCast")
def bit_cast(node: Node, x: Array) -> Array:
    number = node.integer("to")
    if number not in ELEMENTS:
        raise node.refuse(f"no relation holds elements of type {number}")
    element = ELEMENTS[number]
    if size(element) != size(x.element):
        raise node.refuse(f"{x.element} is not as wide as {element}")
    bits = bits_of(x, FORMATS[x.element]) if x.element in FORMATS else x.cast(i64)
    if element in FORMATS:
        return Array(float_of(bits, FORMATS[element]).value, element)
    return bits.cast(element)


def size(element: Attribute) -> int:
    """The bits of an element; a boolean has a byte of its own."""
    if element in FORMATS:
        return FORMATS[element].width
    return 8 if element == i1 else width(element)


def float_of(bits: Array, format: Format) -> Array:
    bits = wrapped(bits, IntegerType(format.width))
    fraction = bits & constant((1 << format.fraction) - 1, i64)
    # Dividing a negative number would round to zero.
    unsigned = bits & constant((1 << (format.width - 1)) - 1, i64)
    exponent = Array(unsigned.value, i64) / (1 << format.fraction)
    part = fraction.cast(f64) / 2.0**format.fraction
    part = where(exponent.equals(0), part * 2.0, part + 1.0)
    upper = exponent / (1 << format.low_bits)
    lower = exponent - upper * (1 << format.low_bits)
    size = part * constant(format.fine, f64).take(lower, 0)
    size = size * constant(format.coarse, f64).take(upper, 0)
    special = where(fraction.equals(0), constant(np.inf, f64), constant(np.nan, f64))
    size = where(exponent.equals((1 << format.exponent) - 1), special, size)
    return where(bits < 0, -size, size)


def bits_of(x: Array, format: Format) -> Array:
    """NaN becomes the quiet one."""
    x = Array(rounded(Array(x.value, f64), x.element).value, f64)
    # Also of -0, which compares as 0 does.
    is_negative = elementwise(math.Atan2Op, x, constant(-1.0, f64), element=f64) < 0.0
    is_finite = absolute(x) < np.inf
    size = where(is_finite, absolute(x), constant(1.0, f64))
    upper = reached(size, format.coarse)
    size = size / constant(format.coarse, f64).take(upper, 0)
    lower = reached(size, format.fine)
    exponent = upper * (1 << format.low_bits) + lower
    # A number whose exponent is 0 lacks the leading one, and is of the next binade.
    scales = [2.0 ** (format.fraction - k) for k in range(1 << format.low_bits)]
    digits = size * constant(scales, f64).take(lower, 0)
    is_subnormal = exponent.equals(0)
    fraction = where(is_subnormal, digits / 2.0, digits - 2.0**format.fraction).cast(i64)
    quiet = where(x.equals(x), constant(0, i64), constant(1 << (format.fraction - 1), i64))
    special = quiet + (((1 << format.exponent) - 1) << format.fraction)
    bits = where(is_finite, exponent * (1 << format.fraction) + fraction, special)
    return where(is_negative, bits + -(1 << (format.width - 1)), bits)


def reached(x: Array, thresholds: list[float]) -> Array:
    """The last of ascending thresholds that an element is not less than; at least the first."""
    bounds = along(constant(thresholds[1:], f64), x.rank, x.rank + 1)
    return (x.unsqueeze([x.rank]) >= bounds).cast(i64).sum([x.rank])
