"""
Relations as plain tables: a mapping from column to array, all of one length.

Vectors are arrays of two axes. The keys of a relation must be unique: an operator that breaks that
is an error here, not a relation with duplicates.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from xdsl.dialects.builtin import VectorType
from xdsl.utils.exceptions import InterpretationError

from tensorjoin.dialects import rel
from tensorjoin.dialects.layout import LayoutAttr, Storage
from tensorjoin.dialects.rel import RelationType
from tensorjoin.dialects.transform import transforms_of
from tensorjoin.interpreter.scalars import Array, widened
from tensorjoin.interpreter.ten import weight_of
from tensorjoin.lanes import lane_bits, pack_lanes, quantize

Relation: TypeAlias = Mapping[str, Array]


def rows(relation: Relation) -> int:
    return len(next(iter(relation.values()))) if relation else 0


def take(relation: Relation, selection: Array) -> dict[str, Array]:
    return {name: values[selection] for name, values in relation.items()}


def row_numbers(columns: Sequence[Array], count: int) -> Array:
    """A number for each row, equal where all `columns` are; in their order."""
    numbers = np.zeros(count, np.int64)
    for column in columns:
        values, inverse = np.unique(column, return_inverse=True)
        _, numbers = np.unique(numbers * max(len(values), 1) + inverse, return_inverse=True)
    return numbers


def fold(function: str, values: Array, group: Array, first: Array) -> Array:
    """`function` of the values in each group; `first` is the first row of each."""
    match function:
        case "count":
            return np.bincount(group, minlength=len(first))
        case "sum":
            total = np.zeros((len(first), *values.shape[1:]), values.dtype)
            np.add.at(total, group, values)
            return total
        case "max" | "min":
            best = values[first]
            (np.maximum if function == "max" else np.minimum).at(best, group, values)
            return best
        case _:
            raise InterpretationError(f"no aggregate {function}")


def pack(values: Array, slots: Array, size: int, group: Array, groups: int) -> Array:
    """
    Vectors of `size`, one for each group, zero where no row has the slot; `values` [rows] are
    elements, or [rows, length] vectors that follow each other.
    """
    length = values.shape[1] if values.ndim == 2 else 1
    kind = np.int64 if values.dtype.kind == "i" else np.float64
    vectors = np.zeros((groups, -(-size // length), length), kind)
    np.add.at(vectors, (group, slots), values.reshape(-1, length))
    return vectors.reshape(groups, -1)[:, :size]


def join(left: Relation, right: Relation) -> dict[str, Array]:
    """The natural join of two relations, in the order of the left one's rows."""
    shared = [name for name in left if name in right]
    count = rows(left)
    keys = [np.concatenate([left[name], right[name]]) for name in shared]
    numbers = row_numbers(keys, count + rows(right))
    order = np.argsort(numbers[count:], kind="stable")
    known = numbers[count:][order]
    start = np.searchsorted(known, numbers[:count], "left")
    matches = np.searchsorted(known, numbers[:count], "right") - start
    of_left = np.repeat(np.arange(count), matches)
    offset = np.arange(len(of_left)) - np.repeat(np.cumsum(matches) - matches, matches)
    of_right = order[np.repeat(start, matches) + offset]
    return {**take(right, of_right), **take(left, of_left)}


def checked(relation: Relation, type: RelationType) -> dict[str, Array]:
    """The columns of `type`, if its keys are unique and within their extents."""
    keys = [relation[name] for name in type.extents]
    for (name, extent), key in zip(type.extents.items(), keys, strict=True):
        if len(key) and (key.min() < 0 or (extent >= 0 and key.max() >= extent)):
            raise InterpretationError(f"key {name} is {key.min()} to {key.max()}, not in {type}")
    count = rows(relation)
    if count and row_numbers(keys, count).max() + 1 != count:
        raise InterpretationError(f"several rows of a {type} have one key")
    return {name: relation[name] for name in type.types}


def table_of_tensor(array: Array, keys: Sequence[str], column: str) -> dict[str, Array]:
    """A row for each element of a tensor that is not masked."""
    here = ~np.ma.getmaskarray(array)
    return {**dict(zip(keys, np.argwhere(here).T, strict=True)), column: np.ma.getdata(array)[here]}


def tensor_of_table(
    relation: Relation, keys: Sequence[str], column: str, shape: Sequence[int]
) -> Array:
    """The tensor whose elements are the rows; masked where there is no row."""
    values = relation[column]
    data, absent = np.zeros((1, *shape), values.dtype), np.ones((1, *shape), np.bool_)
    index = (np.zeros(len(values), np.int64), *(relation[key] for key in keys))
    data[index], absent[index] = values, False
    return np.ma.array(data[0], mask=absent[0])


def weight_table(table: rel.TableOp, weights: Mapping[str, npt.ArrayLike]) -> dict[str, Array]:
    """The rows of a weight, one for each element or chunk, as the layout of its table says."""
    type, layout = table.schema, table.layout
    sources = [source.data for source in table.sources or ()]
    is_layered = any("{}" in source for source in sources)
    layers = next(iter(type.extents.values())) if is_layered else 1
    transforms = transforms_of(table.transforms)
    tensors = [
        np.concatenate([weight_of(weights, source, [layer], transforms) for source in sources])
        * (1 if table.gain is None else weight_of(weights, table.gain.data, [layer], transforms))
        for layer in range(layers)
    ]
    data = np.stack(tensors) if is_layered else tensors[0]
    keys, columns = list(type.extents), list(type.values)
    if layout is None or not layout.is_chunked:
        return table_of_tensor(data, keys, columns[0])
    if layout.parted.data:
        inner = unfolded(list(type.extents.values())[is_layered:], layout, data.shape[-1])
        data = data.reshape(*data.shape[:is_layered], *inner)
    axis, size = layout.axis.data + is_layered, layout.size.data
    chunks = -(-data.shape[axis] // size)
    missing = [(0, chunks * size - n if a == axis else 0) for a, n in enumerate(data.shape)]
    shape = (*data.shape[:axis], chunks, size, *data.shape[axis + 1 :])
    vectors = np.moveaxis(np.pad(data, missing).reshape(shape), axis + 1, -1)
    if layout.is_packed:
        return lane_table(vectors, layout, keys, type, is_layered)
    if layout.storage.data == Storage.HALVES:
        vectors = widened(vectors.astype(np.float16))
    parts = in_parts(vectors, layout, int(is_layered))
    index = np.indices(parts[0].shape[:-1]).reshape(len(keys), -1)
    first = type.values[columns[0]]
    width = first.get_shape()[0] if isinstance(first, VectorType) else 1
    cut = [piece for part in parts for piece in np.split(part.reshape(-1, size), size // width, 1)]
    if not isinstance(first, VectorType):
        cut = [piece[:, 0] for piece in cut]
    values = dict(zip(columns, cut, strict=True))
    return {**dict(zip(keys, index, strict=True)), **values}


def unfolded(extents: Sequence[int], layout: LayoutAttr, width: int) -> list[int]:
    """The shape of a weight in parts of one index each, its last axis being `width` long."""
    shape = [*extents[:-1], width]
    shape.insert(layout.parted.data, layout.parts.data)
    return shape


def in_parts(vectors: Array, layout: LayoutAttr, first: int) -> Sequence[Array]:
    """What lies beside each other of a weight, whose axes begin at `first`."""
    parts = np.split(vectors, layout.parts.data, axis=first + layout.parted.data)
    if layout.parted.data == 0:
        return parts
    return [np.squeeze(part, first + layout.parted.data) for part in parts]


def lane_table(
    vectors: Array, layout: LayoutAttr, keys: Sequence[str], type: RelationType, is_layered: bool
) -> dict[str, Array]:
    """The rows of a weight in lanes: packed integers, and each lane's scale by groups."""
    lanes, first = layout.lanes.data, int(is_layered)
    missing = [(0, -n % lanes if a == first else 0) for a, n in enumerate(vectors.shape)]
    padded = np.pad(vectors, missing).astype(np.float32)
    groups, group = layout.columns.data, layout.group
    grouped = padded.reshape(*padded.shape[:-1], groups, group)
    integers, scales = quantize(grouped, layout.bits.data)
    width = lane_bits(group, layout.bits.data)
    rows_first = np.moveaxis(integers.reshape(padded.shape), first, 0)
    packed = np.moveaxis(pack_lanes(rows_first, width, lanes), 0, first)
    split = (*scales.shape[:first], -1, lanes, *scales.shape[first + 1 :])
    of_lanes = np.moveaxis(scales.reshape(split), first + 1, -1)
    parts = {"v": packed.reshape(-1, packed.shape[-1]), "s": of_lanes.reshape(-1, groups * lanes)}
    stored = np.float64 if layout.storage.data == Storage.DOUBLES else np.int64
    columns = {"v": parts["v"].astype(stored), "s": widened(parts["s"])}
    index = np.indices(packed.shape[:-1]).reshape(len(keys), -1)
    if "v" not in type.values:
        columns = {f"{n}_{k}": c for n, cs in columns.items() for k, c in enumerate(cs.T)}
    return {**dict(zip(keys, index, strict=True)), **columns}


def no_rows(type: RelationType) -> dict[str, Array]:
    keys = dict.fromkeys(type.extents, np.zeros(0, np.int64))
    return {**keys, **dict.fromkeys(type.values, np.zeros(0))}


def input_table(columns: Mapping[str, npt.ArrayLike], type: RelationType) -> dict[str, Array]:
    """The rows of an input, whose keys may be left out: rows are numbered from 0 on each axis."""
    table = {name: widened(values) for name, values in columns.items()}
    keys = list(type.extents)
    if all(key in table for key in keys):
        return {name: np.atleast_1d(table[name]) for name in type.types}
    # A scan may read the keys alone: they are those of any column.
    names = [*type.values] or [*table][:1]
    numbered = [table_of_tensor(table[name], keys, name) for name in names]
    return {name: values for part in numbered for name, values in part.items()}
