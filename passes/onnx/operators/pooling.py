"""Pools: windows are gathered, and folded, one axis after the other."""

from collections.abc import Callable, Sequence
from math import prod

from xdsl.dialects.builtin import i64

from tensorjoin.passes.onnx.array import (
    Array,
    Number,
    along,
    constant,
    highest,
    iota,
    lowest,
    scatter,
    where,
)
from tensorjoin.passes.onnx.node import Node, decomposes
from tensorjoin.passes.onnx.operators.convolution import gathered, is_covered, windows_of
from tensorjoin.passes.onnx.operators.elementwise import absolute, power
from tensorjoin.passes.onnx.windows import Window

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
