"""How a weight is made of a tensor that a checkpoint stores. Knows no IR."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Protocol

import numpy as np
import numpy.typing as npt

PIECE_BYTES = 1 << 24
"""What is read of a tensor at a time where its rows are not those of the weight."""

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Transform:
    """
    A weight as it is made of a stored tensor, step by step: the matrix is transposed, its rows are
    put in another order, some of them are taken, and 1 is added to each element.

    For the order, the rows are taken as a grid of the extents `grid`, in row-major order, and read
    along its axes in the order `axes`: with the grid (heads, half, 2) and the axes (0, 2, 1), rows
    that stand in pairs are put in halves, within each head.
    """

    tensor: str
    transposed: bool = False
    grid: tuple[int, ...] = ()
    axes: tuple[int, ...] = ()
    rows: tuple[int, int, int] | None = None
    """From which row to before which of how many; all where it is not given."""
    plus_one: bool = False

    def at(self, layer: int) -> "Transform":
        """The transform of a layer, whose number `{}` stands for."""
        return replace(self, tensor=self.tensor.replace("{}", str(layer)))

    def stored_shape(self, shape: Shape) -> Shape:
        """The shape of the tensor of which a weight of a certain shape is made."""
        whole = shape if self.rows is None else (self.rows[2], *shape[1:])
        return whole[::-1] if self.transposed else whole

    def shape(self, stored: Shape) -> Shape:
        """The shape of the weight that is made of a tensor of a certain shape."""
        whole = stored[::-1] if self.transposed else stored
        return whole if self.rows is None else (self.rows[1] - self.rows[0], *whole[1:])

    def refusal(self, shape: Shape) -> str | None:
        """Why no weight of this shape can be made so; None where it can."""
        if self.transposed and len(shape) != 2:
            return f"a weight of {len(shape)} axes is no transposed matrix"
        start, stop, total = self.rows or (0, shape[0], shape[0])
        if not 0 <= start < stop <= total or stop - start != shape[0]:
            return f"rows {start} to {stop} of {total} are not the {shape[0]} of the weight"
        if sorted(self.axes) != list(range(len(self.grid))):
            return f"{list(self.axes)} is no order of the axes of the grid {list(self.grid)}"
        if self.grid and prod(self.grid) != total:
            return f"the grid {list(self.grid)} does not hold {total} rows"
        return None

    def numbers(self, total: int) -> npt.NDArray[np.int64]:
        """Which of `total` stored rows are those of the weight: int64 [rows of the weight]."""
        every = np.arange(total, dtype=np.int64)
        if self.grid:
            every = every.reshape(self.grid).transpose(self.axes).reshape(-1)
        start, stop, _ = self.rows or (0, total, total)
        return every[start:stop]

    def applied(self, stored: np.ndarray) -> np.ndarray:
        """The weight that is made of a tensor."""
        whole = stored.T if self.transposed else stored
        taken = whole[self.numbers(len(whole))]
        return taken + np.ones((), taken.dtype) if self.plus_one else taken


class Described(Protocol):
    """What is known of a tensor before its elements are read."""

    @property
    def shape(self) -> tuple[int, ...]: ...


class Tensors(Protocol):
    """A file of tensors, read by rows."""

    @property
    def entries(self) -> Mapping[str, Described]: ...

    def read_rows(self, name: str, start: int, stop: int, /) -> np.ndarray: ...


@dataclass(frozen=True)
class Made:
    """A weight that is made of a tensor; it has a shape like one."""

    transform: Transform
    shape: tuple[int, ...]


class TransformedTensors:
    """A file of tensors, and the weights of a layer that are made of these, by their names."""

    def __init__(self, tensors: Tensors, transforms: Mapping[str, Transform], layer: int):
        self.tensors = tensors
        self.made: dict[str, Made] = {}
        for name, transform in transforms.items():
            transform = transform.at(layer)
            shape = transform.shape(tensors.entries[transform.tensor].shape)
            self.made[name.replace("{}", str(layer))] = Made(transform, shape)

    @property
    def entries(self) -> Mapping[str, Described]:
        return {**self.tensors.entries, **self.made}

    def read_rows(self, name: str, start: int, stop: int, /) -> np.ndarray:
        """
        Rows of a tensor, or of a weight that is made of one.

        Of the tensor, no more than PIECE_BYTES, or one row, are in memory at a time.
        """
        if (made := self.made.get(name)) is None:
            return self.tensors.read_rows(name, start, stop)
        transform = made.transform
        stored = self.tensors.entries[transform.tensor].shape
        total = stored[-1] if transform.transposed else stored[0]
        wanted = transform.numbers(total)[start:stop]

        def read(first: int, last: int) -> np.ndarray:
            return self.tensors.read_rows(transform.tensor, first, last)

        if transform.transposed:
            rows = _columns(read, stored, wanted)
        elif transform.grid:
            rows = _rows(read, stored, wanted)
        else:
            rows = read(int(wanted[0]), int(wanted[-1]) + 1)
        return rows + np.ones((), rows.dtype) if transform.plus_one else rows


def _rows_at_a_time(stored: Shape) -> int:
    return max(1, PIECE_BYTES // (np.dtype(np.float32).itemsize * max(1, prod(stored[1:]))))


def _rows(
    read: Callable[[int, int], np.ndarray], stored: Shape, wanted: npt.NDArray[np.int64]
) -> np.ndarray:
    """The rows with these numbers, in this order."""
    step = _rows_at_a_time(stored)
    order = np.argsort(wanted)
    ascending, pieces = wanted[order], list[np.ndarray]()
    begin = 0
    while begin < len(ascending):
        first = int(ascending[begin])
        end = int(np.searchsorted(ascending, first + step))
        block = read(first, int(ascending[end - 1]) + 1)
        pieces.append(block[ascending[begin:end] - first])
        begin = end
    return np.concatenate(pieces)[np.argsort(order)]


def _columns(
    read: Callable[[int, int], np.ndarray], stored: Shape, wanted: npt.NDArray[np.int64]
) -> np.ndarray:
    """The columns with these numbers, as rows."""
    step = _rows_at_a_time(stored)
    pieces = [
        read(first, min(first + step, stored[0]))[:, wanted].T
        for first in range(0, stored[0], step)
    ]
    return np.concatenate(pieces, axis=1)
