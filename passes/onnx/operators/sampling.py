"""Tensors interpolated at places that are computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from xdsl.dialects.builtin import i64

from tensorjoin.passes.onnx.array import (
    LETTERS,
    Array,
    constant,
    contract,
    gather,
    iota,
    where,
)
from tensorjoin.passes.onnx.interpolation import keys_kernel
from tensorjoin.passes.onnx.node import Node, decomposes
from tensorjoin.passes.onnx.operators.elementwise import (
    absolute,
    floor,
    maximum,
    minimum,
    round_even,
)


@dataclass(frozen=True)
class Taps:
    """The elements of an axis around places [..., tap] and their weights; ids alone if nearest."""

    ids: Array
    weights: Array | None


def clipped(x: Array, low: float, high: float) -> Array:
    return minimum(maximum(x, constant(low, x.element)), constant(high, x.element))


def polynomial(coefficients: Sequence[float], x: Array) -> Array:
    """By Horner's rule; the constant coefficient comes first."""
    *rest, leading = coefficients
    return reduce(lambda value, c: value * x + c, reversed(rest), constant(leading, x.element))


def weights_at(distances: Array, mode: str) -> Array:
    """The tent, or the cubic convolution kernel, at distances within its reach."""
    if mode == "linear":
        return 1.0 - distances
    near, far = (polynomial(piece, distances) for piece in keys_kernel(-0.75))
    return where(distances <= 1.0, near, far)


@dataclass(frozen=True)
class Sampler:
    """How GridSample finds elements along an axis (ONNX, GridSample)."""

    mode: str = "linear"
    padding: str = "zeros"
    align_corners: bool = True

    def taps(self, places: Array, extent: int) -> Taps:
        """The elements around places; those of a padding of zeros are out of range."""
        if self.mode == "nearest":
            return Taps(self.bounded(self.inside(round_even(places), extent), extent), None)
        places = self.inside(places, extent).unsqueeze([places.rank])
        first, count = (-1, 4) if self.mode == "cubic" else (0, 2)
        taps = floor(places) + (iota(count) + first).cast(places.element)
        return Taps(self.bounded(taps, extent), weights_at(absolute(places - taps), self.mode))

    def inside(self, places: Array, extent: int) -> Array:
        """Places beyond the borders brought inside."""
        low, high = self.borders(extent)
        match self.padding:
            case "zeros":
                # Far enough for all taps to be out of range, near enough to count as integers.
                return clipped(places, -4, extent + 3)
            case "border":
                is_beyond = (places < low) | (places > high)
                return where(is_beyond, clipped(places, 0, extent - 1), places)
            case "reflection":
                return reflected(places, low, high)
            case _:
                raise ValueError(f"no padding_mode is {self.padding!r}")

    def bounded(self, taps: Array, extent: int) -> Array:
        """The elements that taps beyond the borders stand for."""
        if self.padding == "border":
            taps = clipped(taps, 0, extent - 1)
        elif self.padding == "reflection":
            taps = reflected(taps, *self.borders(extent))
        return taps.cast(i64)

    def borders(self, extent: int) -> tuple[float, float]:
        return (0, extent - 1) if self.align_corners else (-0.5, extent - 0.5)


def reflected(places: Array, low: float, high: float) -> Array:
    """Places reflected by the borders until they are inside: a triangle wave."""
    span = high - low
    if span == 0:
        return constant(low, places.element).broadcast_to(places.shape)
    phase = places - low
    phase = phase - floor(phase / (2 * span)) * (2 * span)
    return (low + span) - absolute(phase - span)


def sampled(
    x: Array, taps: Sequence[Taps], shared: int, factors: Sequence[Array] = (), sparse: bool = True
) -> Array:
    """
    x [*shared, *kept, *sampled], taps [*shared, *places, tap] -> [*shared, *kept, *places]

    Taps out of range have no element. `factors` [*shared, *places] multiply what is found.
    """
    first = x.rank - len(taps)
    count = taps[0].ids.rank - shared - (taps[0].weights is not None)
    names = iter(LETTERS)
    together, kept, axes, places, steps = (
        "".join(next(names) for _ in range(number))
        for number in (shared, first - shared, len(taps), count, len(taps))
    )
    found, letters = x, together + kept + axes
    operands: list[tuple[str, Array]] = []
    for axis, step, tap in zip(axes, steps, taps, strict=True):
        ids = together + places + (step if tap.weights is not None else "")
        result = letters.replace(axis, "")
        result += "".join(letter for letter in ids if letter not in result)
        found = gather(f"{letters},{ids}->{result}", found, tap.ids, sparse)
        letters = result
        if tap.weights is not None:
            operands.append((ids, tap.weights))
    operands += [(together + places, factor) for factor in factors]
    if not operands:
        return found
    labels = ",".join([letters, *(label for label, _ in operands)])
    arrays = [found, *(array for _, array in operands)]
    return contract(f"{labels}->{together}{kept}{places}", *arrays, sparse=sparse)


@decomposes("GridSample")
def grid_sample(node: Node, x: Array, grid: Array) -> Array:
    mode = node.text("mode", "linear").removeprefix("bi")
    if mode not in ("nearest", "linear", "cubic"):
        raise ValueError(f"no mode is {mode!r}")
    if mode != "nearest" and not x.is_float:
        raise node.refuse("integers between integers are not defined")
    align_corners = bool(node.integer("align_corners", 0))
    sampler = Sampler(mode, node.text("padding_mode", "zeros"), align_corners)
    last, extents = grid.rank - 1, x.shape[2:]
    taps: list[Taps] = []
    for axis, extent in enumerate(extents):
        # A place lists the axes from the innermost on.
        ends = grid.slice(last, len(extents) - 1 - axis, 1).squeeze([last]) + 1.0
        places = ends * ((extent - 1) / 2) if align_corners else (ends * extent - 1.0) * 0.5
        taps.append(sampler.taps(places, extent))
    return sampled(x, taps, 1, sparse=sampler.padding == "zeros").filled(0)
