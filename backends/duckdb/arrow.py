"""Columns of numpy in Arrow's memory format, which an engine reads in place."""

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

import nanoarrow  # pyright: ignore[reportMissingTypeStubs]
import numpy as np


class _Array(Protocol):
    @property
    def schema(self) -> object: ...


class _Stream(Protocol):
    def __arrow_c_stream__(self, requested_schema: object) -> object: ...


class _Library(Protocol):
    """The part of nanoarrow used here; its own annotations name classes of compiled modules."""

    def int64(self) -> object: ...

    def float32(self) -> object: ...

    def float64(self) -> object: ...

    def string(self) -> object: ...

    def fixed_size_list(self, value_type: object, list_size: int) -> object: ...

    def struct(self, fields: Mapping[str, object]) -> object: ...

    def c_array(self, obj: object, schema: object) -> _Array: ...

    def c_array_from_buffers(
        self,
        schema: object,
        length: int,
        buffers: Sequence[np.ndarray | None],
        *,
        children: Sequence[_Array] = (),
    ) -> _Array: ...

    def c_array_stream(self, obj: _Array) -> _Stream: ...


_arrow = cast(_Library, nanoarrow)
_TYPES = {"int64": _arrow.int64(), "float32": _arrow.float32(), "float64": _arrow.float64()}


class ArrowColumns:
    """
    Columns of equal length, named `c0`, `c1`, ..., as a stream of Arrow that may be read again and
    again.

    A column is one-dimensional (int64, float32, float64, or object: `str` and `None`) or
    two-dimensional (int64, float32 or float64), each row a list of fixed size. NaN is a number.
    """

    def __init__(self, columns: Sequence[np.ndarray]) -> None:
        self.names = [f"c{number}" for number in range(len(columns))]
        self._columns = list(columns)

    def clear(self) -> None:
        """Let go of the arrays; the stream cannot be read any more."""
        self._columns.clear()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """A capsule as Arrow's PyCapsule interface defines it."""
        arrays = [_array(column) for column in self._columns]
        schemas = (array.schema for array in arrays)
        rows = _arrow.c_array_from_buffers(
            _arrow.struct(dict(zip(self.names, schemas, strict=True))),
            len(self._columns[0]),
            [None],
            children=arrays,
        )
        return _arrow.c_array_stream(rows).__arrow_c_stream__(requested_schema)


def _array(column: np.ndarray) -> _Array:
    """A column as an array of Arrow, in the same memory where it is contiguous."""
    if column.dtype == object:
        return _arrow.c_array(column.tolist(), _arrow.string())
    flat = np.ascontiguousarray(column).reshape(-1)
    element = _TYPES[column.dtype.name]
    elements = _arrow.c_array_from_buffers(element, len(flat), [None, flat])
    if column.ndim == 1:
        return elements
    rows, size = column.shape
    lists = _arrow.fixed_size_list(element, size)
    return _arrow.c_array_from_buffers(lists, rows, [None], children=[elements])
