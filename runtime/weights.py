"""Stream a checkpoint's tensors into the rows of a weight table."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from math import prod
from typing import TypeVar

import numpy as np

from tensorjoin.backends.database import Database
from tensorjoin.backends.worker import Worker
from tensorjoin.errors import TensorjoinError
from tensorjoin.interface import LAYER
from tensorjoin.lanes import lane_bits, pack_lanes, quantize
from tensorjoin.program import Chunks, Table
from tensorjoin.transforms import Tensors, TransformedTensors

T = TypeVar("T")

BLOCK_BYTES = 1 << 24
"""
The bytes of rows in one insertion, counting elements as float32 and keys as int64. The next rows
are made meanwhile. See docs/notes/loading.md#blocks-of-a-load.
"""

LARGEST_HALF = float(np.finfo(np.float16).max)


def load_weight(
    database: Database,
    checkpoint: Tensors,
    table: Table,
    done: Callable[[int], None],
    allows_nan: bool = False,
) -> None:
    """
    Fill a table from its sources; calls `done` with the number of elements of each block.

    Raises TensorjoinError where a tensor holds NaN, unless that is allowed.
    """
    layers = table.keys.get(LAYER)
    rows = prod(extent for key, extent in table.keys.items() if key != LAYER)
    size = database.row_group_rows(rows, row_bytes(table.chunks))
    for layer in range(layers or 1):
        pieces = RowGroupWriter(database, table.name, size)
        tensors = checkpoint
        if table.transforms:
            tensors = TransformedTensors(checkpoint, table.transforms, layer)
        stream = source_blocks(tensors, table, layer)
        if table.chunks is not None and table.chunks.lanes > 1:
            stream = whole_lanes(stream, table.chunks.lanes)
        if table.chunks is not None and table.chunks.parts > 1:
            stream = (
                parts_of(stream, table)
                if table.chunks.parted
                else side_by_side(tensors, table, layer)
            )
        with closing(ahead(inserted(stream, table, allows_nan))) as made:
            for elements, columns in made:
                if layers is not None:
                    count = len(next(iter(columns.values())))
                    columns = {LAYER: np.full(count, layer, dtype=np.int64), **columns}
                    pieces.insert(columns)
                else:
                    database.insert(table.name, columns)
                done(elements)
        pieces.end()


def row_bytes(chunks: Chunks | None) -> int:
    """The bytes of a row's elements."""
    if chunks is None:
        return np.dtype(np.float32).itemsize
    element = np.int64 if chunks.bits else np.float16 if chunks.halves else np.float32
    return chunks.size * chunks.parts * np.dtype(element).itemsize


def inserted(
    stream: Iterable["Block"], table: Table, allows_nan: bool
) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """How many elements each block has, and the columns of its rows."""
    for tensor, start, block in stream:
        if not allows_nan and np.isnan(block).any():
            raise TensorjoinError(f"the tensor {tensor!r} holds NaN: no weight can")
        if table.chunks is not None and table.chunks.halves:
            block = halved(tensor, block)
        if table.chunks is not None and table.chunks.bits and not np.isfinite(block).all():
            raise TensorjoinError(
                f"the tensor {tensor!r} holds an infinity, and integers do not: load it without"
                " --bits"
            )
        yield block.size, rows_of(block, start, table)


def ahead(items: Iterator[T]) -> Generator[T]:
    """The same items, the next one made in another thread while one is used."""
    # Nothing cuts a block short, but one is soon made.
    worker = Worker(cancel=lambda: None)
    try:
        future = worker.start(lambda: next(items, None))
        while (item := worker.result(future)) is not None:
            future = worker.start(lambda: next(items, None))
            yield item
    finally:
        worker.close()


def halved(tensor: str, block: np.ndarray) -> np.ndarray:
    """A block as float16."""
    if (largest := np.abs(block).max(initial=0)) > LARGEST_HALF:
        raise TensorjoinError(
            f"the tensor {tensor!r} holds a weight of {largest:g}, and 16 bits hold no more than"
            f" {LARGEST_HALF:g}: load it without them"
        )
    return block.astype(np.float16)


@dataclass
class RowGroupWriter:
    """The rows of a layer on their way into a table, in pieces that lie apart."""

    database: Database
    table: str
    size: int
    filled: int = 0
    """The rows of the piece that is not full."""

    def insert(self, columns: Mapping[str, np.ndarray]) -> None:
        start, rows = 0, len(columns[LAYER])
        while start < rows:
            stop = min(rows, start + self.size - self.filled)
            self.database.insert(self.table, {n: c[start:stop] for n, c in columns.items()})
            self.filled += stop - start
            start = stop
            if self.filled == self.size:
                self.end()

    def end(self) -> None:
        if self.filled:
            self.database.pad_row_group(self.table, LAYER)
        self.filled = 0


Block = tuple[str, int, np.ndarray]
"""A slice along the first axis of a table's tensor: from which source, where it starts, and it."""


def source_blocks(checkpoint: Tensors, table: Table, layer: int) -> Iterator[Block]:
    """The slices of a table's sources, which follow each other along the first axis."""
    offset, gain = 0, gain_of(checkpoint, table, layer)
    for source in table.sources:
        tensor = source.replace("{}", str(layer))
        for start, block in blocks(checkpoint, tensor, table):
            yield tensor, offset + start, block if gain is None else block * gain
        offset += checkpoint.entries[tensor].shape[0]


def side_by_side(checkpoint: Tensors, table: Table, layer: int) -> Iterator[Block]:
    """The slices of all sources at once, each a part: [parts, rows, ...]."""
    sources = [replace(table, sources=(source,)) for source in table.sources]
    streams = [source_blocks(checkpoint, source, layer) for source in sources]
    for slices in zip(*streams, strict=True):
        names, starts, parts = zip(*slices, strict=True)
        yield " | ".join(names), starts[0], np.stack(parts)


def parts_of(stream: Iterable[Block], table: Table) -> Iterator[Block]:
    """The slices cut into the axes that a table has keys of, and the parts of one: [parts, ...]."""
    chunks = table.chunks
    assert chunks is not None
    rows = prod(inner := inner_shape(table))
    for tensor, start, block in stream:
        if block.ndim != 2 or start % rows or len(block) % rows:
            raise TensorjoinError(
                f"the tensor {tensor!r} is no matrix of {rows} rows or a multiple of that, which"
                f" {table.name!r} has in parts"
            )
        cut = block.reshape(-1, *inner, block.shape[-1])
        yield tensor, start // rows, np.moveaxis(cut, chunks.parted, 0)


def inner_shape(table: Table) -> tuple[int, ...]:
    """The axes between the first and the last into which a tensor's rows are cut."""
    if table.chunks is None or table.chunks.parted == 0:
        return ()
    extents = [extent for key, extent in table.keys.items() if key != LAYER]
    extents.insert(table.chunks.parted, table.chunks.parts)
    return tuple(extents[1:-1])


def gain_of(checkpoint: Tensors, table: Table, layer: int) -> np.ndarray | None:
    """What a table's tensor is multiplied by along its last axis."""
    if table.gain is None:
        return None
    name = table.gain.replace("{}", str(layer))
    return checkpoint.read_rows(name, 0, checkpoint.entries[name].shape[0])


def whole_lanes(stream: Iterable[Block], lanes: int) -> Iterator[Block]:
    """The slices cut where lanes begin; the last one is filled up with zeros."""
    tensor, begin, rest = "", 0, None
    for tensor, start, block in stream:
        if rest is not None and len(rest):
            block, start = np.concatenate([rest, block]), begin
        whole = len(block) // lanes * lanes
        if whole:
            yield tensor, start, block[:whole]
        begin, rest = start + whole, block[whole:]
    if rest is not None and len(rest):
        missing = [(0, lanes - len(rest)), *((0, 0),) * (rest.ndim - 1)]
        yield tensor, begin, np.pad(rest, missing)


def blocks(checkpoint: Tensors, tensor: str, table: Table) -> Iterator[tuple[int, np.ndarray]]:
    """Slices of a tensor along its first axis, whole chunks each, with where they start."""
    shape, chunks = checkpoint.entries[tensor].shape, table.chunks
    size = 1 if chunks is None else chunks.size
    elements = BLOCK_BYTES // copies(chunks) // (4 * size + 8 * len(table.keys)) * size
    per_row = int(np.prod(shape[1:], dtype=np.int64))
    step = max(1, elements // max(1, per_row))
    if chunks is not None and chunks.axis == 0:
        step = max(1, step // size) * size
    step = max(1, step // (rows := prod(inner_shape(table)))) * rows
    for start in range(0, shape[0], step):
        yield start, checkpoint.read_rows(tensor, start, min(start + step, shape[0]))


def copies(chunks: Chunks | None) -> int:
    """How many blocks there are at once: of each part, and again where they are cut."""
    if chunks is None:
        return 1
    return chunks.parts * (2 if 0 < chunks.vector < chunks.size else 1)


def rows_of(block: np.ndarray, start: int, table: Table) -> dict[str, np.ndarray]:
    """The columns of a table's rows for a block whose first axis begins at `start`."""
    names = [name for name in table.keys if name != LAYER]
    if table.chunks is None:
        keys = index_columns(block.shape, start, names)
        return {**keys, table.values[0]: block.reshape(-1)}
    if table.chunks.parts > 1:
        axis = table.chunks.axis - (table.chunks.parted > 0)
        chunks = replace(table.chunks, parts=1, parted=0, axis=axis)
        count = len(table.values) // len(block)
        rows: dict[str, np.ndarray] = {}
        for number, part in enumerate(block):
            values = table.values[number * count : (number + 1) * count]
            rows |= rows_of(part, start, replace(table, chunks=chunks, values=values))
        return rows
    if table.chunks.bits:
        return lane_rows(block, start, table.chunks, names, table.values)
    axis, size = table.chunks.axis, table.chunks.size
    cut = chunked(block, axis, size)
    first = start // size if axis == 0 else start
    keys = index_columns(cut.shape[:-1], first, names)
    columns = column_parts(cut.reshape(-1, size), table.chunks.vector)
    return {**keys, **dict(zip(table.values, columns, strict=True))}


def column_parts(chunks: np.ndarray, vector: int) -> np.ndarray:
    """
    Chunks [rows, size] by columns: [columns, rows, vector], or [size, rows] where that is 0.
    """
    if not vector:
        return chunks.T
    count = chunks.shape[1] // vector
    # Each in one piece of memory, for an engine to read in place.
    return np.ascontiguousarray(np.moveaxis(chunks.reshape(-1, count, vector), 1, 0))


def lane_rows(
    block: np.ndarray, start: int, chunks: Chunks, names: list[str], values: Sequence[str]
) -> dict[str, np.ndarray]:
    """The columns of a block's rows in lanes: packed integers, and each lane's scale by groups."""
    cut, group = chunked(block, chunks.axis, chunks.size), chunks.size // chunks.groups
    integers, scales = quantize(cut.reshape(*cut.shape[:-1], chunks.groups, group), chunks.bits)
    width, lanes = lane_bits(group, chunks.bits), chunks.lanes
    packed = pack_lanes(integers.reshape(cut.shape), width, lanes)
    of_lanes = np.moveaxis(scales.reshape(-1, lanes, *scales.shape[1:]), 1, -1)
    vectors, scaled = packed.reshape(-1, chunks.size), of_lanes.reshape(-1, chunks.groups * lanes)
    in_doubles = chunks.vector > 0
    columns = [vectors.astype(np.float64), scaled] if in_doubles else [*vectors.T, *scaled.T]
    keys = index_columns(packed.shape[:-1], start // lanes, names)
    return {**keys, **dict(zip(values, columns, strict=True))}


def chunked(block: np.ndarray, axis: int, size: int) -> np.ndarray:
    """[..., n, ...] -> [..., n / size, ..., size], filled up with zeros."""
    if missing := -block.shape[axis] % size:
        padding = [(0, 0)] * block.ndim
        padding[axis] = (0, missing)
        block = np.pad(block, padding)
    shape = block.shape
    split = block.reshape(*shape[:axis], shape[axis] // size, size, *shape[axis + 1 :])
    return np.moveaxis(split, axis + 1, -1)


def index_columns(shape: tuple[int, ...], start: int, names: list[str]) -> Mapping[str, np.ndarray]:
    """The indices of all elements in row-major order, one column for each axis."""
    indices = np.indices(shape, dtype=np.int64).reshape(len(shape), -1)
    columns = dict(zip(names, indices, strict=True))
    columns[names[0]] = columns[names[0]] + start
    return columns
