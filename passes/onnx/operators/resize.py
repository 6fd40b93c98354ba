"""Tensors brought to other extents: each axis is interpolated on its own."""

from collections.abc import Sequence
from functools import reduce
from math import floor

import numpy as np
from xdsl.dialects.builtin import f64, i1, i64
from xdsl.ir import Attribute

from tensorjoin.passes.onnx.array import (
    LETTERS,
    Array,
    along,
    constant,
    contract,
    highest,
    lowest,
    where,
)
from tensorjoin.passes.onnx.interpolation import Interpolation, ResizedAxis
from tensorjoin.passes.onnx.node import Node, checked_axes, decomposes
from tensorjoin.passes.onnx.operators.elementwise import maximum, minimum, round_even

CROP = "tf_crop_and_resize"


@decomposes("Upsample")
def upsample(node: Node, x: Array, scales: Array | None = None) -> Array:
    factors = node.floats("scales") if scales is None else floats_of(node, scales)
    how = Interpolation(node.text("mode", "nearest"))
    return resized(x, scaled(x.shape, factors), [how] * x.rank)


@decomposes("Resize")
def resize(
    node: Node,
    x: Array,
    roi: Array | None = None,
    scales: Array | None = None,
    sizes: Array | None = None,
) -> Array:
    if node.version < 11:
        return resize_10(node, x, roi)
    axes = checked_axes(node.integers("axes", range(x.rank)), x.rank)
    extents = [x.shape[axis] for axis in axes]
    if sizes is None or sizes.size == 0:
        chosen = scaled(extents, floats_of(node, scales))
    else:
        policy = node.text("keep_aspect_ratio_policy", "stretch")
        chosen = sized(extents, [int(n) for n in node.value(sizes)], policy)
    how = Interpolation(
        node.text("mode", "nearest"),
        node.text("coordinate_transformation_mode", "half_pixel"),
        node.text("nearest_mode", "round_prefer_floor"),
        node.float("cubic_coeff_a", -0.75),
        bool(node.integer("antialias", 0)),
        bool(node.integer("exclude_outside", 0)),
    )
    if how.transformation == CROP and roi is not None:
        ends = floats_of(node, roi)
        chosen = [
            ResizedAxis(a.extent, a.size, a.scale, (start, end))
            for a, start, end in zip(chosen, ends[: len(axes)], ends[len(axes) :], strict=True)
        ]
    lines = [ResizedAxis(extent, extent, 1.0) for extent in x.shape]
    for axis, line in zip(axes, chosen, strict=True):
        lines[axis] = line
    y = resized(x, lines, [how] * x.rank)
    return y if how.transformation != CROP else extrapolated(node, y, lines)


def resize_10(node: Node, x: Array, scales: Array | None) -> Array:
    """The first version rounds a place up on the axes that become shorter."""
    lines = scaled(x.shape, floats_of(node, scales))
    mode = node.text("mode", "nearest")
    hows = [
        Interpolation(mode, nearest_mode="ceil" if line.scale < 1 else "floor") for line in lines
    ]
    return resized(x, lines, hows)


def floats_of(node: Node, vector: Array | None) -> list[float]:
    return [] if vector is None else [float(number) for number in node.value(vector)]


def scaled(extents: Sequence[int], scales: Sequence[float]) -> list[ResizedAxis]:
    """Extents are multiplied as ONNX infers shapes, in single precision."""
    if len(scales) != len(extents):
        raise ValueError(f"{len(scales)} scales of {len(extents)} axes")
    return [
        ResizedAxis(extent, floor(np.float32(extent) * np.float32(scale)), scale)
        for extent, scale in zip(extents, scales, strict=True)
    ]


def sized(extents: Sequence[int], sizes: Sequence[int], policy: str) -> list[ResizedAxis]:
    if len(sizes) != len(extents) or 0 in extents:
        raise ValueError(f"{list(extents)} cannot be brought to {list(sizes)}")
    scales = [size / extent for extent, size in zip(extents, sizes, strict=True)]
    if policy != "stretch":
        scale = min(scales) if policy == "not_larger" else max(scales)
        scales = [scale] * len(scales)
        sizes = [floor(scale * extent + 0.5) for extent in extents]
    return [
        ResizedAxis(extent, size, scale)
        for extent, size, scale in zip(extents, sizes, scales, strict=True)
    ]


def resized(x: Array, lines: Sequence[ResizedAxis], hows: Sequence[Interpolation]) -> Array:
    """Each axis interpolated, in the order in which the elements become the fewest."""
    element = x.element
    if any(how.mode != "nearest" for how in hows) and not x.is_float:
        x = x.cast(f64)
    for axis in sorted(range(x.rank), key=lambda axis: lines[axis].scale):
        if not lines[axis].is_identity:
            x = interpolated(x, axis, lines[axis], hows[axis])
    return saturated(x, element) if x.element != element else x


def interpolated(x: Array, axis: int, line: ResizedAxis, how: Interpolation) -> Array:
    if how.mode == "nearest":
        return x.take(constant(how.nearest(line), i64), axis)
    taps, weights = how.weighted(line)
    around = x.take(constant(taps, i64), axis)
    letters = LETTERS[: around.rank]
    place, tap = letters[axis : axis + 2]
    result = letters.replace(tap, "")
    return contract(f"{letters},{place}{tap}->{result}", around, constant(weights, x.element))


def saturated(x: Array, element: Attribute) -> Array:
    """Rounded to integers, the nearest that there is."""
    low, high = (constant(float(end(element)), f64) for end in (lowest, highest))
    return minimum(maximum(round_even(x), low), high).cast(element)


def extrapolated(node: Node, y: Array, lines: Sequence[ResizedAxis]) -> Array:
    """What a region of interest has beyond the tensor."""
    outside = [
        along(constant(places, i1), axis, y.rank)
        for axis, line in enumerate(lines)
        if not line.is_identity and (places := line.is_outside(CROP)).any()
    ]
    if not outside:
        return y
    value = constant(node.float("extrapolation_value", 0.0), y.element)
    return where(reduce(lambda a, b: a | b, outside), value, y)
