"""Blocks of weights on their way into a table."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tensorjoin.backends.connect import connect
from tensorjoin.errors import TensorjoinError
from tensorjoin.program import Chunks, Statement, Table
from tensorjoin.runtime import weights
from tensorjoin.runtime.weights import ahead, inserted, load_weight


def test_items_come_in_order():
    assert list(ahead(iter(range(1, 50)))) == list(range(1, 50))
    assert list(ahead(iter([]))) == []


def test_what_fails_ahead_fails_in_its_turn():
    def items() -> Iterator[int]:
        yield 1
        raise TensorjoinError("no more")

    made = ahead(items())
    assert next(made) == 1
    with pytest.raises(TensorjoinError, match="no more"):
        next(made)


def test_no_thread_is_left_behind():
    before = threading.active_count()
    with closing(ahead(iter(range(1, 9)))) as made:
        assert next(made) == 1
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_integers_hold_no_infinity():
    chunks = Chunks(axis=1, size=4, vector=0, bits=8, lanes=2)
    table = Table("w", "weight", {"o": 1, "i": 1}, (), Statement(""), ("w",), chunks)
    block = np.array([[1, 2, np.inf, 4], [1, 2, 3, 4]], dtype=np.float32)
    with pytest.raises(TensorjoinError, match="the tensor 'w' holds an infinity"):
        list(inserted([("w", 0, block)], table, allows_nan=False))


@dataclass(frozen=True)
class Arrays:
    """Tensors in memory."""

    entries: Mapping[str, np.ndarray]

    def read_rows(self, name: str, start: int, stop: int, /) -> np.ndarray:
        return self.entries[name][start:stop]


@pytest.mark.parametrize("block_bytes", [1, 2000, 1 << 24])
@pytest.mark.parametrize("parted", [0, 1])
def test_parts_lie_beside_each_other(
    parted: int, block_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """However small the blocks: two sources, row by row, or heads of [2, 3] rows, both in a row."""
    monkeypatch.setattr(weights, "BLOCK_BYTES", block_bytes)
    rng = np.random.default_rng(0)
    tensors = {name: rng.normal(size=(12, 8)).astype(np.float32) for name in "ab"}
    keys = {"h": 4, "f": 3, "i": 2} if parted else {"o": 12, "i": 2}
    chunks = Chunks(axis=len(keys) - 1 + parted, size=4, vector=0, parts=2, parted=parted)
    columns = [f"v{part}_{k}" for part in range(2) for k in range(4)]
    declared = ", ".join([*(f"{key} INT" for key in keys), *(f"{name} REAL" for name in columns)])
    create = Statement(f"CREATE TABLE w ({declared})")
    table = Table("w", "weight", keys, tuple(columns), create, ("a", "b"), chunks)
    elements: list[int] = []
    with closing(connect(f"sqlite:///{tmp_path / 'w.db'}", create=True)) as database:
        database.execute(create)
        load_weight(database, Arrays(tensors), table, elements.append)
        select = Statement(f"SELECT * FROM w ORDER BY {', '.join(keys)}")
        rows = np.array(database.query(select), dtype=np.float64)
    assert sum(elements) == 2 * 12 * 8
    whole = np.concatenate([tensors["a"], tensors["b"]])
    pairs = whole.reshape(4, 2, 3, 8) if parted else whole.reshape(1, 2, 12, 8)
    # [rows, chunks, parts, elements]
    expected = np.moveaxis(pairs, 1, 2).reshape(12, 2, 2, 4).swapaxes(1, 2)
    np.testing.assert_array_equal(rows[:, : len(keys)], np.argwhere(np.ones([*keys.values()])))
    np.testing.assert_array_equal(rows[:, len(keys) :], expected.reshape(24, 8))


@pytest.mark.parametrize("shape", [(10, 8), (4, 3, 8)])
def test_what_is_no_matrix_of_whole_heads_is_refused(shape: tuple[int, ...], tmp_path: Path):
    chunks = Chunks(axis=3, size=8, vector=0, parts=2, parted=1)
    columns = tuple(f"v{part}_{k}" for part in range(2) for k in range(8))
    table = Table("w", "weight", {"h": 2, "f": 3, "i": 1}, columns, Statement(""), ("a",), chunks)
    tensors = Arrays({"a": np.zeros(shape, dtype=np.float32)})
    with (
        closing(connect(f"sqlite:///{tmp_path / 'w.db'}", create=True)) as database,
        pytest.raises(TensorjoinError, match="'a' is no matrix of 6 rows or a multiple"),
    ):
        load_weight(database, tensors, table, lambda _: None)
