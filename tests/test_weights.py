"""Blocks of weights on their way into a table."""

import threading
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from tensorjoin.errors import TensorjoinError
from tensorjoin.program import Chunks, Statement, Table
from tensorjoin.runtime.weights import ahead, inserted


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
