"""Order: the k largest, what is not zero, what is chosen or unique."""

from math import prod

from xdsl.dialects.builtin import i64

from tensorjoin.passes.onnx.array import (
    LETTERS,
    Array,
    along,
    constant,
    full,
    iota,
    scatter,
    stack,
    where,
)
from tensorjoin.passes.onnx.node import Node, decomposes


@decomposes("TopK")
def top_k(node: Node, x: Array, k: Array | None = None) -> list[Array]:
    count = int(node.value(k).reshape(-1)[0]) if k is not None else node.integer("k")
    axis = node.axis(x.rank, default=-1)
    places = x.rank_along(axis, descending=bool(node.integer("largest", 1)))
    return [
        by_rank(x, places, axis, count),
        by_rank(
            along(iota(x.shape[axis]), axis, x.rank).broadcast_to(x.shape), places, axis, count
        ),
    ]


def by_rank(x: Array, places: Array, axis: int, count: int) -> Array:
    """The first `count` elements of an axis in the order of `places`."""
    shape = [count if k == axis else n for k, n in enumerate(x.shape)]
    if 0 in shape:
        return full(shape, 0, x.element)
    letters = LETTERS[: x.rank]
    result = letters[:axis] + LETTERS[x.rank] + letters[axis + 1 :]
    return scatter(None, f"{letters},{letters}->{result}", x, places, count, sparse=False)


def places_of(kept: Array) -> Array:
    """Where each true element of a vector comes among them; -1 for the others."""
    return where(kept, kept.cast(i64).running_sum(0) - 1, constant(-1, i64))


def compacted(x: Array, places: Array, axis: int, count: int) -> Array:
    """The elements of an axis that have a place, in order."""
    shape = [count if k == axis else n for k, n in enumerate(x.shape)]
    if 0 in shape:
        return full(shape, 0, x.element)
    letters = LETTERS[: x.rank]
    result = letters[:axis] + LETTERS[x.rank] + letters[axis + 1 :]
    indices = f"{letters},{letters[axis]}->{result}"
    return scatter(None, indices, x, places, count, sparse=False)


def true_elements(node: Node, kept: Array) -> tuple[Array, int]:
    """The places of the true elements of a vector, and how many there are."""
    total = kept.cast(i64).sum()
    return places_of(kept), int(node.value(total).item()) if kept.size else 0


@decomposes("NonZero")
def non_zero(node: Node, x: Array) -> Array:
    """How many there are is a shape, and known when compiling; which, is computed."""
    places, count = true_elements(node, x.reshape([x.size]).differs(0))
    numbers = iota(x.size)
    coordinates: list[Array] = []
    for axis, extent in enumerate(x.shape):
        inner = prod(x.shape[axis + 1 :])
        row = numbers / inner
        coordinates.append(row - row / extent * extent)
    return stack([compacted(c, places, 0, count) for c in coordinates], 0)


@decomposes("Compress")
def compress(node: Node, x: Array, condition: Array) -> Array:
    """How many elements are kept is a shape; which, is computed."""
    axis = node.axis(x.rank) if node.has("axis") else 0
    x = x if node.has("axis") else x.reshape([x.size])
    length = min(condition.size, x.shape[axis])
    places, count = true_elements(node, condition.slice(0, 0, length))
    return compacted(x.slice(axis, 0, length), places, axis, count)
