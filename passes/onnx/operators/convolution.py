"""Convolutions and pools: windows are gathered, then contracted or folded."""

from collections.abc import Callable, Sequence
from math import prod

from xdsl.dialects.builtin import i32, i64

from tensorjoin.dialects.ten import Reduction
from tensorjoin.passes.onnx.array import (
    LETTERS,
    Array,
    Number,
    along,
    constant,
    contract,
    full,
    gather,
    highest,
    iota,
    lowest,
    scatter,
    where,
)
from tensorjoin.passes.onnx.node import Node, decomposes
from tensorjoin.passes.onnx.operators.elementwise import absolute, power
from tensorjoin.passes.onnx.operators.linear import shifted
from tensorjoin.passes.onnx.operators.normalization import per_channel
from tensorjoin.passes.onnx.windows import Window, windows


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


def places(window: Window) -> Array:
    """[window, place]: the element that each place looks at."""
    starts = iota(window.count) * window.stride - window.before
    steps = iota(window.size) * window.dilation
    return starts.unsqueeze([1]) + steps


def gathered(x: Array, chosen: Sequence[Window], first: int) -> Array:
    """Each axis from `first` on becomes two: windows, and places; absent where there is padding."""
    for number, window in enumerate(chosen):
        axis = first + 2 * number
        ids = places(window)
        if number == 0:
            lead = x.shape[:axis]
            ids = ids.broadcast_to([*lead, *ids.shape])
            letters = LETTERS[: x.rank]
            o, k = LETTERS[x.rank: x.rank + 2]
            x = gather(f"{letters},{letters[:axis]}{o}{k}->{letters[:axis]}{o}{k}{letters[axis+1:]}", x, ids, not bool(window.inside.all()))
            continue
        x = x.take(ids, axis, sparse=not bool(window.inside.all()))
    return x


def is_covered(chosen: Sequence[Window]) -> bool:
    """Whether every window has an element."""
    return all(bool(window.inside.any(axis=1).all()) for window in chosen)


def convolved(x: Array, w: Array, groups: int, chosen: Sequence[Window]) -> Array:
    """x [n, c, ...], w [m, c / groups, ...] -> [n, m, windows...]"""
    rank = len(chosen)
    n, c = x.shape[:2]
    m = w.shape[0]
    outs, taps = LETTERS[4 : 4 + rank], LETTERS[4 + rank : 4 + 2 * rank]
    pairs = "".join(a + b for a, b in zip(outs, taps, strict=True))
    counts = [window.count for window in chosen]
    if 0 in counts or x.size == 0:
        return full([n, m, *counts], 0, x.element)
    sparse = not is_covered(chosen)
    if groups == 1:
        y = contract(f"ac{pairs},dc{taps}->ad{outs}", gathered(x, chosen, 2), w, sparse=sparse)
        return y.filled(0)
    x = x.reshape([n, groups, c // groups, *x.shape[2:]])
    w = w.reshape([groups, m // groups, *w.shape[1:]])
    y = contract(f"abc{pairs},bdc{taps}->abd{outs}", gathered(x, chosen, 3), w, sparse=sparse)
    return y.filled(0).reshape([n, m, *counts])


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
    extents, sizes = x.shape[2:], w.shape[2:]
    strides = node.integers("strides", [1] * rank)
    dilations = node.integers("dilations", [1] * rank)
    pads = node.integers("pads", [0] * 2 * rank)
    extra = node.integers("output_padding", [0] * rank)
    auto_pad = node.text("auto_pad", "NOTSET")
    whole = [
        stride * (extent - 1) + (size - 1) * dilation + 1 + more
        for extent, size, stride, dilation, more in zip(
            extents, sizes, strides, dilations, extra, strict=True
        )
    ]
    befores, counts = list(pads[:rank]), list[int]()
    for axis in range(rank):
        wanted = None
        if node.has("output_shape"):
            wanted = node.integers("output_shape")[-rank:][axis]
        elif auto_pad.startswith("SAME"):
            wanted = extents[axis] * strides[axis]
        if wanted is None:
            wanted = whole[axis] - pads[axis] - pads[rank + axis]
        else:
            total = max(0, whole[axis] - wanted)
            befores[axis] = total // 2 if auto_pad == "SAME_UPPER" else total - total // 2
        counts.append(wanted)

    x = x.reshape([n, groups, c // groups, *extents])
    w = w.reshape([groups, c // groups, *w.shape[1:]])
    m = w.shape[2] * groups
    ins, taps = LETTERS[4 : 4 + rank], LETTERS[4 + rank : 4 + 2 * rank]
    outs = LETTERS[4 + 2 * rank : 4 + 3 * rank]
    letters = f"abd{ins}{taps}"
    y = contract(f"abc{ins},bcd{taps}->{letters}", x, w)
    for axis in range(rank):
        starts = iota(extents[axis]) * strides[axis] - befores[axis]
        ids = starts.unsqueeze([1]) + iota(sizes[axis]) * dilations[axis]
        result = letters.replace(ins[axis], outs[axis]).replace(taps[axis], "")
        pair = ins[axis] + taps[axis]
        y = scatter(Reduction.SUM, f"{letters},{pair}->{result}", y, ids, counts[axis])
        letters = result
    y = y.filled(0).reshape([n, m, *counts])
    return y if b is None else y + per_channel(b, y.rank)


Fold = Callable[[Array, int], Array]
"""What becomes of the elements of a window along an axis."""


def folded(x: Array, chosen: Sequence[Window], first: int, neutral: Number, fold: Fold) -> Array:
    """
    Each axis from `first` on becomes windows, folded before the next axis is gathered: what folds
    a window over all axes at once reads as many elements as the product of its sizes.
    """
    for axis, window in enumerate(chosen, first):
        x = fold(looked_at(x, window, axis, neutral), axis + 1)
    return x


def looked_at(x: Array, window: Window, axis: int, neutral: Number) -> Array:
    """An axis becomes windows and places; a window that lies in the padding has `neutral`."""
    found = gathered(x, [window], axis)
    return found if is_covered([window]) else found.filled(neutral)


@decomposes("MaxPool")
def max_pool(node: Node, x: Array) -> list[Array]:
    chosen = windows_of(node, x.shape[2:], node.integers("kernel_shape"))
    least = lowest(x.element)
    if node.outputs == 1:
        return [folded(x, chosen, 2, least, lambda a, axis: a.max([axis]))]
    extents = x.shape[2:]
    steps = [
        prod(extents[:axis]) if node.integer("storage_order", 0) else prod(extents[axis + 1 :])
        for axis in range(len(extents))
    ]
    plane = prod(extents)
    number = constant(0, i64)
    for axis, step in enumerate([x.shape[1] * plane, plane, *steps]):
        number = number + along(iota(x.shape[axis]) * step, axis, x.rank)
    return list(best_of(x, number, chosen))


def best_of(x: Array, number: Array, chosen: Sequence[Window]) -> tuple[Array, Array]:
    """The largest element of each window, and the least of the numbers of those as large."""
    never = int(highest(i64))
    for axis, window in enumerate(chosen, 2):
        found = looked_at(x, window, axis, lowest(x.element))
        x = found.max([axis + 1])
        is_best = found.equals(x.unsqueeze([axis + 1]))
        numbers = looked_at(number, window, axis, never)
        number = where(is_best, numbers, constant(never, i64)).min([axis + 1])
    return x, number


@decomposes("AveragePool")
def average_pool(node: Node, x: Array) -> Array:
    chosen = windows_of(node, x.shape[2:], node.integers("kernel_shape"))
    total = folded(x, chosen, 2, 0, lambda a, axis: a.sum([axis]))
    for axis, window in enumerate(chosen, 2):
        counted = window.padded if node.integer("count_include_pad", 0) else window.inside
        # A window that counts nothing has summed up nothing.
        shares = constant(1.0 / counted.sum(axis=1).clip(1), x.element)
        total = total * along(shares, axis, total.rank)
    return total


@decomposes("LpPool")
def lp_pool(node: Node, x: Array) -> Array:
    chosen = windows_of(node, x.shape[2:], node.integers("kernel_shape"))
    p = float(node.integer("p", 2))
    powers = power(absolute(x), constant(p, x.element))
    total = folded(powers, chosen, 2, 0, lambda a, axis: a.sum([axis]))
    return power(total, constant(1 / p, x.element))


def p_norm(x: Array, p: int, axes: Sequence[int]) -> Array:
    size = power(absolute(x), constant(float(p), x.element)).sum(axes)
    return power(size, constant(1 / p, x.element))


@decomposes("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def global_pool(node: Node, x: Array) -> Array:
    axes = list(range(2, x.rank))
    match node.op_type:
        case "GlobalAveragePool":
            return x.mean(axes, keep=True)
        case "GlobalMaxPool":
            return x.max(axes, keep=True)
        case _:
            return p_norm(x, node.integer("p", 2), axes).unsqueeze(axes)


@decomposes("MaxUnpool")
def max_unpool(node: Node, x: Array, indices: Array, shape: Array | None = None) -> Array:
    rank = x.rank - 2
    sizes, pads = node.integers("kernel_shape"), node.integers("pads", [0] * 2 * rank)
    strides = node.integers("strides", [1] * rank)
    extents = [
        (n - 1) * stride - pads[k] - pads[rank + k] + size
        for k, (n, stride, size) in enumerate(zip(x.shape[2:], strides, sizes, strict=True))
    ]
    inferred = [*x.shape[:2], *extents]
    wanted = node.value_integers(shape) or inferred
    flat = scatter(
        None,
        "a,a->b",
        x.reshape([x.size]),
        Array(indices.value, i64).reshape([x.size]),
        prod(inferred),
    )
    spread = flat.filled(0).reshape(inferred)
    for axis, (have, want) in enumerate(zip(inferred, wanted, strict=True)):
        spread = spread.pad(axis, 0, want - have, 0)
    return spread
