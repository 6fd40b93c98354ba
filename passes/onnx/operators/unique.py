"""What is there once, of what may be there several times."""

from collections.abc import Sequence

from xdsl.dialects.builtin import i64

from tensorjoin.dialects.ten import Reduction
from tensorjoin.passes.onnx.array import Array, concat, constant, full, iota, scatter, where
from tensorjoin.passes.onnx.node import Node, decomposes
from tensorjoin.passes.onnx.operators.sorting import by_rank, compacted


@decomposes("Unique")
def unique(node: Node, x: Array) -> Sequence[Array]:
    """How many there are is a shape, and known when compiling; which, is computed."""
    axis = node.axis(x.rank) if node.has("axis") else 0
    x = x if node.has("axis") else x.reshape([x.size])
    extent = x.shape[axis]
    if extent == 0:
        return [x, *[full([0], 0, i64)] * 3]
    is_first, group = groups(x) if x.rank == 1 else groups_of_slices(x, axis)
    count = int(node.value(is_first.cast(i64).sum()).item())
    places = where(is_first, group, constant(-1, i64))
    if not node.integer("sorted", 1):
        appearance = compacted(iota(extent), places, 0, count).rank_along(0)
        group = appearance.take(group, 0)
        places = where(is_first, group, constant(-1, i64))
    return [
        compacted(x, places, axis, count),
        compacted(iota(extent), places, 0, count),
        group,
        scatter(Reduction.SUM, "a,a->b", full([extent], 1, i64), group, count, sparse=False),
    ]


def groups(x: Array) -> tuple[Array, Array]:
    """Of each element, whether it is the first of its equals; how many are less, each once."""
    order = x.rank_along(0)
    ascending = by_rank(x, order, 0, x.size)
    before, after = ascending.slice(0, 0, x.size - 1), ascending.slice(0, 1, x.size - 1)
    is_new = concat([constant([1], i64), before.differs(after).cast(i64)], 0)
    return is_new.take(order, 0).differs(0), (is_new.running_sum(0) - 1).take(order, 0)


def groups_of_slices(x: Array, axis: int) -> tuple[Array, Array]:
    """The same of the slices along an axis, which are ordered as words are."""
    order = [axis, *(other for other in range(x.rank) if other != axis)]
    extent = x.shape[axis]
    rows = x.transpose(order).reshape([extent, x.size // extent])
    left, right = rows.unsqueeze([1]), rows.unsqueeze([0])
    # What decides is the first place to differ: an even number says less, an odd one more.
    places = iota(rows.shape[1]) * 2 + (left > right).cast(i64)
    equal = 2 * rows.shape[1]
    decision = where(left.differs(right), places, constant(equal, i64)).min([2])
    numbers = iota(extent)
    is_equal = decision.equals(equal)
    first = where(is_equal, numbers, constant(extent, i64)).min([1])
    is_first = first.equals(numbers)
    is_more = (decision & constant(1, i64)).differs(0)
    return is_first, (is_more & is_first).cast(i64).sum([1])
