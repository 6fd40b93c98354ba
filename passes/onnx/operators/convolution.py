"""Convolutions: windows are gathered, then contracted."""

from collections.abc import Sequence
from math import prod

from xdsl.dialects.builtin import i32

from tensorjoin.dialects.ten import Reduction
from tensorjoin.passes.onnx.array import LETTERS, Array, contract, full, iota, scatter
from tensorjoin.passes.onnx.node import Node, decomposes
from tensorjoin.passes.onnx.operators.linear import shifted
from tensorjoin.passes.onnx.operators.normalization import per_channel
from tensorjoin.passes.onnx.windows import Window, windows

SPATIAL = "".join(letter for letter in LETTERS if letter not in "ngcm")
"""Names of axes beside batch, group and channels."""


def windows_of(node: Node, extents: Sequence[int], sizes: Sequence[int]) -> list[Window]:
    """The windows that a node's attributes describe."""
    rank = len(extents)
    return windows(
        extents,
        sizes,
        node.integers("strides", [1] * rank),
        node.integers("dilations", [1] * rank),
        node.integers("pads", [0] * 2 * rank),
        node.text("auto_pad", "NOTSET"),
        bool(node.integer("ceil_mode", 0)),
    )


def places(window: Window, count: int | None = None) -> Array:
    """[window, place]: the element that each place looks at, of so many windows."""
    starts = iota(window.count if count is None else count) * window.stride - window.before
    steps = iota(window.size) * window.dilation
    return starts.unsqueeze([1]) + steps


def gathered(x: Array, chosen: Sequence[Window], first: int) -> Array:
    """Each axis from `first` on becomes two: windows, and places; absent where there is padding."""
    for number, window in enumerate(chosen):
        axis = first + 2 * number
        if window.is_identity:
            x = x.unsqueeze([axis + 1])
            continue
        x = x.take(places(window), axis, sparse=not bool(window.inside.all()))
    return x


def is_covered(chosen: Sequence[Window]) -> bool:
    """Whether every window has an element."""
    return all(bool(window.inside.any(axis=1).all()) for window in chosen)


def convolved(x: Array, w: Array, groups: int, chosen: Sequence[Window]) -> Array:
    """x [n, c, ...], w [m, c / groups, ...] -> [n, m, windows...]"""
    rank = len(chosen)
    outs, taps = SPATIAL[:rank], SPATIAL[rank : 2 * rank]
    counts = [window.count for window in chosen]
    if 0 in counts or x.size == 0:
        return full([x.shape[0], w.shape[0], *counts], 0, x.element)
    columns = "".join(a + b for a, b in zip(outs, taps, strict=True))
    y = weighted(gathered(x, chosen, 2), columns, w, taps, groups, sparse=not is_covered(chosen))
    return y.filled(0)


def weighted(
    x: Array, columns: str, w: Array, taps: str, groups: int, sparse: bool = False
) -> Array:
    """
    x [n, c, *columns], w [m, c / groups, *taps] -> [n, m, the columns that are no taps]; `sparse`
    where some element may have no terms.
    """
    n, c = x.shape[:2]
    m = w.shape[0]
    outs = "".join(letter for letter in columns if letter not in taps)
    if groups == 1:
        # A weight that is contracted as it is can be stored in chunks.
        return contract(f"nc{columns},mc{taps}->nm{outs}", x, w, sparse=sparse)
    x = x.reshape([n, groups, c // groups, *x.shape[2:]])
    w = w.reshape([groups, m // groups, *w.shape[1:]])
    y = contract(f"ngc{columns},gmc{taps}->ngm{outs}", x, w, sparse=sparse)
    return y.reshape([n, m, *y.shape[3:]])


@decomposes("Conv")
def conv(node: Node, x: Array, w: Array, b: Array | None = None) -> Array:
    chosen = windows_of(node, x.shape[2:], w.shape[2:])
    y = convolved(x, w, node.integer("group", 1), chosen)
    return y if b is None else y + per_channel(b, y.rank)


@decomposes("ConvInteger")
def conv_integer(
    node: Node, x: Array, w: Array, x_zero: Array | None = None, w_zero: Array | None = None
) -> Array:
    chosen = windows_of(node, x.shape[2:], w.shape[2:])
    offset = None if w_zero is None else w_zero.reshape([w_zero.size, *[1] * (w.rank - 1)])
    x, w = shifted(x, x_zero, rows=False), shifted(w, offset, rows=False)
    return Array(convolved(x, w, node.integer("group", 1), chosen).value, i32)


@decomposes("ConvTranspose")
def conv_transpose(node: Node, x: Array, w: Array, b: Array | None = None) -> Array:
    rank, groups = x.rank - 2, node.integer("group", 1)
    n, c = x.shape[:2]
    chosen = transposed_windows(node, x.shape[2:], w.shape[2:])
    x = x.reshape([n, groups, c // groups, *x.shape[2:]])
    w = w.reshape([groups, c // groups, *w.shape[1:]])
    ins, taps = SPATIAL[:rank], SPATIAL[rank : 2 * rank]
    blocks = contract(f"ngc{ins},gcm{taps}->ngm{ins}{taps}", x, w)
    y = overlapped(blocks, 3, chosen)
    y = y.reshape([n, y.shape[1] * y.shape[2], *y.shape[3:]])
    return y if b is None else y + per_channel(b, y.rank)


def transposed_windows(node: Node, extents: Sequence[int], sizes: Sequence[int]) -> list[Window]:
    """Of each axis of the result, the windows to which the elements spread."""
    rank = len(extents)
    strides = node.integers("strides", [1] * rank)
    dilations = node.integers("dilations", [1] * rank)
    pads = node.integers("pads", [0] * 2 * rank)
    extra = node.integers("output_padding", [0] * rank)
    auto_pad = node.text("auto_pad", "NOTSET")
    chosen: list[Window] = []
    for axis, (extent, size) in enumerate(zip(extents, sizes, strict=True)):
        stride, dilation = strides[axis], dilations[axis]
        whole = stride * (extent - 1) + (size - 1) * dilation + 1 + extra[axis]
        before, wanted = pads[axis], whole - pads[axis] - pads[rank + axis]
        if node.has("output_shape") or auto_pad.startswith("SAME"):
            shape = node.integers(
                "output_shape", [n * s for n, s in zip(extents, strides, strict=True)]
            )
            wanted = shape[-rank:][axis]
            total = max(0, whole - wanted)
            before = total // 2 if auto_pad == "SAME_UPPER" else total - total // 2
        chosen.append(Window(wanted, size, stride, dilation, before))
    return chosen


def overlapped(blocks: Array, first: int, chosen: Sequence[Window]) -> Array:
    """
    [..., windows, places] -> [..., elements]: each place of each window is put back to where it
    looked, and what meets there is added up. The axes of windows begin at `first`.
    """
    rank = len(chosen)
    if blocks.size == 0:
        extents = [window.extent for window in chosen]
        return full([*blocks.shape[:first], *extents], 0, blocks.element)
    letters = LETTERS[: blocks.rank]
    ins, taps = letters[first : first + rank], letters[first + rank :]
    outs = LETTERS[blocks.rank : blocks.rank + rank]
    for axis, window in enumerate(chosen):
        found, pair = outs[axis], ins[axis] + taps[axis]
        result = letters.replace(ins[axis], found).replace(taps[axis], "")
        ids = places(window, blocks.shape[letters.index(ins[axis])])
        indices = f"{letters},{pair}->{result}"
        blocks = scatter(Reduction.SUM, indices, blocks, ids, window.extent)
        letters = result
    return blocks.filled(0)


@decomposes("Col2Im")
def col2im(node: Node, x: Array, image_shape: Array, block_shape: Array) -> Array:
    extents = [int(n) for n in node.value(image_shape)]
    sizes = [int(n) for n in node.value(block_shape)]
    chosen = windows_of(node, extents, sizes)
    counts, rank = [window.count for window in chosen], len(extents)
    n, c = x.shape[0], x.shape[1] // prod(sizes)
    blocks = x.reshape([n, c, *sizes, *counts])
    ins, taps = range(2 + rank, 2 + 2 * rank), range(2, 2 + rank)
    return overlapped(blocks.transpose([0, 1, *ins, *taps]), 2, chosen)
