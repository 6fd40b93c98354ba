"""Order: the k largest, what is not zero, what is chosen or unique."""

import numpy as np
from xdsl.dialects.builtin import i64

from tensorjoin.passes.onnx.array import (
    LETTERS,
    Array,
    along,
    constant,
    full,
    iota,
    scatter,
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


@decomposes("NonZero")
def non_zero(node: Node, x: Array) -> Array:
    found = np.argwhere(np.asarray(node.value(x)) != 0).T
    return constant(found.astype(np.int64), i64)


@decomposes("Compress")
def compress(node: Node, x: Array, condition: Array) -> Array:
    kept = np.flatnonzero(np.asarray(node.value(condition)))
    if not node.has("axis"):
        return x.reshape([x.size]).take(constant(kept, i64), 0)
    return x.take(constant(kept, i64), node.axis(x.rank))
