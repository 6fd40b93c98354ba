"""The same elements in another shape, order or place."""

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import i64

from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.onnx.array import Array, concat, constant, iota, where
from tensorjoin.passes.onnx.node import Node, checked_axes, decomposes
from tensorjoin.passes.onnx.operators.gathering import gather_elements


def axes_of(node: Node, axes: Array | None, rank: int) -> list[int] | None:
    """The axes given as an operand, or as an attribute in older opsets; None if there are none."""
    if axes is not None:
        return checked_axes(node.value_integers(axes) or [], rank)
    return checked_axes(node.integers("axes"), rank) if node.has("axes") else None


def resolved_shape(shape: Sequence[int], old: Sequence[int], allow_zero: bool) -> list[int]:
    """A requested shape with 0 for "as it was" and -1 for what is left."""
    new = [old[k] if n == 0 and not allow_zero else n for k, n in enumerate(shape)]
    if -1 in new:
        known = int(np.prod([n for n in new if n != -1], dtype=np.int64))
        new[new.index(-1)] = int(np.prod(old, dtype=np.int64)) // known if known else 0
    if np.prod(new, dtype=np.int64) != np.prod(old, dtype=np.int64):
        raise TensorjoinError(f"the shape {list(old)} cannot become {list(shape)}")
    return new


@decomposes("Reshape")
def reshape(node: Node, x: Array, shape: Array | None = None) -> Array:
    wanted = node.value_integers(shape) if shape is not None else node.integers("shape")
    return x.reshape(resolved_shape(wanted or [], x.shape, bool(node.integer("allowzero", 0))))


@decomposes("Flatten")
def flatten(node: Node, x: Array) -> Array:
    axis = node.integer("axis", 1)
    axis = axis + x.rank if axis < 0 else axis
    rows = int(np.prod(x.shape[:axis], dtype=np.int64))
    return x.reshape([rows, int(np.prod(x.shape[axis:], dtype=np.int64))])


@decomposes("Squeeze")
def squeeze(node: Node, x: Array, axes: Array | None = None) -> Array:
    chosen = axes_of(node, axes, x.rank)
    if chosen is None:
        chosen = [axis for axis, extent in enumerate(x.shape) if extent == 1]
    return x.squeeze(chosen)


@decomposes("Unsqueeze")
def unsqueeze(node: Node, x: Array, axes: Array | None = None) -> Array:
    count = len(node.value_integers(axes) or []) if axes is not None else len(node.integers("axes"))
    return x.unsqueeze(axes_of(node, axes, x.rank + count) or [])


@decomposes("Transpose")
def transpose(node: Node, x: Array) -> Array:
    return x.transpose(node.integers("perm") if node.has("perm") else None)


@decomposes("Expand")
def expand(node: Node, x: Array, shape: Array) -> Array:
    return x.broadcast_to(node.value_integers(shape) or [])


@decomposes("Concat")
def concat_(node: Node, *operands: Array) -> Array:
    return concat(operands, node.axis(operands[0].rank, default=1))


@decomposes("Slice")
def slice_(
    node: Node,
    x: Array,
    starts: Array | None = None,
    ends: Array | None = None,
    axes: Array | None = None,
    steps: Array | None = None,
) -> Array:
    first = node.value_integers(starts) if starts is not None else node.integers("starts")
    last = node.value_integers(ends) if ends is not None else node.integers("ends")
    first, last = first or [], last or []
    chosen = axes_of(node, axes, x.rank)
    step = node.value_integers(steps) or [1] * len(first)
    for axis, a, b, s in zip(
        list(range(len(first))) if chosen is None else chosen, first, last, step, strict=True
    ):
        numbers = range(*slice(a, b, s).indices(x.shape[axis]))
        if s < 0 and b < -x.shape[axis]:
            numbers = range(min(a, x.shape[axis] - 1) if a >= 0 else a + x.shape[axis], -1, s)
        x = x.slice(axis, numbers.start, len(numbers), s)
    return x


@decomposes("Split")
def split(node: Node, x: Array, split: Array | None = None) -> list[Array]:
    axis = node.axis(x.rank, default=0)
    sizes = node.value_integers(split) if split is not None else None
    if sizes is None and node.has("split"):
        sizes = node.integers("split")
    if sizes is None:
        count = node.integer("num_outputs", node.outputs)
        size = -(-x.shape[axis] // count)
        sizes = [min(size, max(0, x.shape[axis] - k * size)) for k in range(count)]
    starts = np.cumsum([0, *sizes])
    return [x.slice(axis, int(a), n) for a, n in zip(starts, sizes, strict=False)]


@decomposes("Tile")
def tile(node: Node, x: Array, repeats: Array, axis: Array | None = None) -> Array:
    if axis is not None and node.version < 6:
        counts = [1] * x.rank
        counts[int(node.value(axis).item())] = int(node.value(repeats).item())
    else:
        counts = node.value_integers(repeats) or []
    shape = [n * count for n, count in zip(x.shape, counts, strict=True)]
    interleaved = [n for pair in zip([1] * x.rank, x.shape, strict=True) for n in pair]
    repeated = [n for pair in zip(counts, x.shape, strict=True) for n in pair]
    return x.reshape(interleaved).broadcast_to(repeated).reshape(shape)


@decomposes("Pad")
def pad(
    node: Node,
    x: Array,
    pads: Array | None = None,
    value: Array | None = None,
    axes: Array | None = None,
) -> Array:
    name = "pads" if node.has("pads") else "paddings"
    numbers = node.value_integers(pads) if pads is not None else node.integers(name)
    chosen = axes_of(node, axes, x.rank)
    chosen = list(range(x.rank)) if chosen is None else chosen
    before, after = (numbers or [])[: len(chosen)], (numbers or [])[len(chosen) :]
    mode = node.text("mode", "constant")
    if value is None:
        value = constant(node.float("value", 0.0) if x.is_float else 0, x.element)
    for axis, a, b in zip(chosen, before, after, strict=True):
        if mode == "constant":
            x = x.pad(axis, a, b, value.reshape([]))
        else:
            x = padded_by_index(node, x, axis, a, b, mode)
    return x


def padded_by_index(node: Node, x: Array, axis: int, before: int, after: int, mode: str) -> Array:
    """Pads that repeat elements of the axis: the last one, all of them, or their reflection."""
    extent = x.shape[axis]
    places = iota(extent + before + after) - before
    match mode:
        case "edge":
            ids = where(places < 0, constant(0, i64), places)
            ids = where(ids >= extent, constant(extent - 1, i64), ids)
        case "wrap":
            ids = modulo(places, extent)
        case "reflect":
            period = max(1, 2 * (extent - 1))
            turned = modulo(places, period)
            ids = where(turned < extent, turned, period - turned)
        case _:
            raise node.refuse(f"no mode {mode!r}")
    return x.take(ids, axis)


def modulo(x: Array, divisor: int) -> Array:
    """The remainder that is not negative."""
    quotient = x + divisor * 64 * 1024
    return quotient - quotient / divisor * divisor


@decomposes("DepthToSpace")
def depth_to_space(node: Node, x: Array) -> Array:
    n, c, h, w = x.shape
    b = node.integer("blocksize")
    if node.text("mode", "DCR") == "DCR":
        blocks = x.reshape([n, b, b, c // (b * b), h, w]).transpose([0, 3, 4, 1, 5, 2])
    else:
        blocks = x.reshape([n, c // (b * b), b, b, h, w]).transpose([0, 1, 4, 2, 5, 3])
    return blocks.reshape([n, c // (b * b), h * b, w * b])


@decomposes("SpaceToDepth")
def space_to_depth(node: Node, x: Array) -> Array:
    n, c, h, w = x.shape
    b = node.integer("blocksize")
    order = [0, 3, 5, 1, 2, 4] if node.text("mode", "DCR") == "DCR" else [0, 1, 3, 5, 2, 4]
    blocks = x.reshape([n, c, h // b, b, w // b, b]).transpose(order)
    return blocks.reshape([n, c * b * b, h // b, w // b])


@decomposes("CenterCropPad")
def center_crop_pad(node: Node, x: Array, shape: Array) -> Array:
    axes = axes_of(node, None, x.rank)
    axes = list(range(x.rank)) if axes is None else axes
    for axis, size in zip(axes, node.value_integers(shape) or [], strict=True):
        extent = x.shape[axis]
        if size <= extent:
            x = x.slice(axis, (extent - size) // 2, size)
        else:
            before = (size - extent) // 2
            x = x.pad(axis, before, size - extent - before, 0)
    return x


@decomposes("ReverseSequence")
def reverse_sequence(node: Node, x: Array, lengths: Array) -> Array:
    time, batch = node.integer("time_axis", 0), node.integer("batch_axis", 1)
    shape = [x.shape[time] if k == time else 1 for k in range(x.rank)]
    places = iota(x.shape[time]).reshape(shape)
    lasts = lengths.cast(i64).reshape([x.shape[batch] if k == batch else 1 for k in range(x.rank)])
    ids = where(places < lasts, lasts - places - 1, places)
    return gather_elements(x, ids.broadcast_to(x.shape), time)
