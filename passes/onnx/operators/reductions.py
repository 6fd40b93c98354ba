"""Sums, products and extremes over axes; sums along them."""

from collections.abc import Callable, Mapping, Sequence

from xdsl.dialects.builtin import i64

from tensorjoin.passes.onnx.array import Array, along, constant, iota, where
from tensorjoin.passes.onnx.node import Node, decomposes
from tensorjoin.passes.onnx.operators.elementwise import absolute, exp, log, root
from tensorjoin.passes.onnx.operators.shapes import axes_of

Reduce = Callable[[Array, Sequence[int], bool], Array]


def log_sum_exp(x: Array, axes: Sequence[int], keep: bool) -> Array:
    """The maximum is taken out, so that no power overflows."""
    if x.size == 0:
        return log(x.sum(axes, keep))
    highest = x.max(axes, keep=True)
    bounded = where((highest - highest).equals(0.0), highest, constant(0.0, x.element))
    total = log(exp(x - bounded).sum(axes, keep=True)) + bounded
    return total if keep else total.squeeze(axes)


REDUCTIONS: Mapping[str, Reduce] = {
    "ReduceL1": lambda x, axes, keep: absolute(x).sum(axes, keep),
    "ReduceL2": lambda x, axes, keep: root((x * x).sum(axes, keep)),
    "ReduceLogSum": lambda x, axes, keep: log(x.sum(axes, keep)),
    "ReduceLogSumExp": log_sum_exp,
    "ReduceMax": lambda x, axes, keep: x.max(axes, keep),
    "ReduceMean": lambda x, axes, keep: x.mean(axes, keep),
    "ReduceMin": lambda x, axes, keep: x.min(axes, keep),
    "ReduceProd": lambda x, axes, keep: x.prod(axes, keep),
    "ReduceSum": lambda x, axes, keep: x.sum(axes, keep),
    "ReduceSumSquare": lambda x, axes, keep: (x * x).sum(axes, keep),
}


@decomposes(*REDUCTIONS)
def reduce(node: Node, x: Array, axes: Array | None = None) -> Array:
    chosen = axes_of(node, axes, x.rank)
    if not chosen:
        if node.integer("noop_with_empty_axes", 0):
            # Without axes each element is a sum of its own.
            return REDUCTIONS[node.op_type](x.unsqueeze([x.rank]), [x.rank], False)
        chosen = list(range(x.rank))
    if not chosen:
        return REDUCTIONS[node.op_type](x.reshape([1]), [0], False)
    return REDUCTIONS[node.op_type](x, sorted(chosen), bool(node.integer("keepdims", 1)))


@decomposes("ArgMax", "ArgMin")
def arg_extreme(node: Node, x: Array) -> Array:
    axis = node.axis(x.rank, default=0)
    best = x.max([axis], keep=True) if node.op_type == "ArgMax" else x.min([axis], keep=True)
    places = along(iota(x.shape[axis]), axis, x.rank)
    is_best, keep = x.equals(best), bool(node.integer("keepdims", 1))
    if node.integer("select_last_index", 0):
        return where(is_best, places, constant(-1, i64)).max([axis], keep)
    return where(is_best, places, constant(x.shape[axis], i64)).min([axis], keep)


@decomposes("Hardmax")
def hardmax(node: Node, x: Array) -> Array:
    if node.version < 13:
        axis = node.integer("axis", 1) % max(x.rank, 1)
        rows = 1
        for extent in x.shape[:axis]:
            rows *= extent
        return hard(x.reshape([rows, x.size // max(rows, 1)]), 1).reshape(x.shape)
    return hard(x, node.axis(x.rank, default=-1))


def hard(x: Array, axis: int) -> Array:
    places = along(iota(x.shape[axis]), axis, x.rank)
    last = constant(x.shape[axis], i64)
    first = where(x.equals(x.max([axis], keep=True)), places, last).min([axis], keep=True)
    return places.equals(first).cast(x.element)


@decomposes("CumSum", "CumProd")
def cumulative(node: Node, x: Array, axis: Array) -> Array:
    along_axis = int(node.value(axis).reshape(-1)[0]) % max(x.rank, 1)
    if node.integer("reverse", 0):
        x = x.reverse(along_axis)
    exclusive = bool(node.integer("exclusive", 0))
    if exclusive:
        start = 0 if node.op_type == "CumSum" else 1
        x = x.slice(along_axis, 0, x.shape[along_axis] - 1).pad(along_axis, 1, 0, start)
    total = x.running_sum(along_axis) if node.op_type == "CumSum" else products(x, along_axis)
    return total.reverse(along_axis) if node.integer("reverse", 0) else total


def products(x: Array, axis: int) -> Array:
    """The product up to each element, by doubling the reach log2(n) times (Hillis and Steele)."""
    reach = 1
    while reach < x.shape[axis]:
        shifted = x.slice(axis, 0, x.shape[axis] - reach).pad(axis, reach, 0, 1)
        x = x * shifted
        reach *= 2
    return x
