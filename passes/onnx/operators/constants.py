"""Operators whose result is known from shapes alone."""

from math import ceil

import numpy as np
from xdsl.dialects.builtin import f32, i64

from tensorjoin.dialects.onnx.elements import ELEMENTS
from tensorjoin.passes.onnx.array import Array, along, constant, full, iota, where
from tensorjoin.passes.onnx.node import Node, decomposes


@decomposes("Shape")
def shape(node: Node, x: Array) -> Array:
    start, end = node.integer("start", 0), node.integer("end", x.rank)
    return constant(np.array(x.shape[slice(start, end)], np.int64), i64)


@decomposes("Size")
def size(node: Node, x: Array) -> Array:
    return constant(x.size, i64)


@decomposes("ConstantOfShape")
def constant_of_shape(node: Node, shape: Array) -> Array:
    extents = node.value_integers(shape) or []
    if not node.has("value"):
        return full(extents, 0.0, f32)
    value, element = node.tensor("value")
    return constant(value.reshape(()), element).broadcast_to(extents)


@decomposes("Range")
def range_(node: Node, start: Array, limit: Array, delta: Array) -> Array:
    first, last, step = (float(node.value(x).item()) for x in (start, limit, delta))
    count = max(0, ceil((last - first) / step))
    numbers = iota(count).cast(start.element)
    return start.reshape([]) + numbers * delta.reshape([])


@decomposes("EyeLike")
def eye_like(node: Node, x: Array) -> Array:
    element = ELEMENTS[node.integer("dtype")] if node.has("dtype") else x.element
    rows, columns = x.shape
    row, column = along(iota(rows), 0, 2), along(iota(columns), 1, 2)
    return (column - row).equals(node.integer("k", 0)).cast(element)


@decomposes("Trilu")
def trilu(node: Node, x: Array, k: Array | None = None) -> Array:
    diagonal = 0 if k is None else int(node.value(k).item())
    rows, columns = x.shape[-2:]
    if x.size == 0:
        return x
    distance = along(iota(columns), 1, 2) - along(iota(rows), 0, 2)
    kept = distance >= diagonal if node.integer("upper", 1) else distance <= diagonal
    return where(kept, x, constant(0, x.element))


@decomposes("OneHot")
def one_hot(node: Node, indices: Array, depth: Array, values: Array) -> Array:
    count = int(node.value(depth).reshape(-1)[0])
    axis = node.integer("axis", -1)
    axis = axis + indices.rank + 1 if axis < 0 else axis
    ids = indices.cast(i64)
    ids = where(ids < 0, ids + count, ids).unsqueeze([axis])
    hot = ids.equals(along(iota(count), axis, indices.rank + 1))
    off, on = values.slice(0, 0, 1).reshape([]), values.slice(0, 1, 1).reshape([])
    return where(hot, on, off)
