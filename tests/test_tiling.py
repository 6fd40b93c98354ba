"""The length of chunks."""

import pytest

from tensorjoin.tiling import chunk_size


@pytest.mark.parametrize(
    ("extent", "chunk", "size"),
    [
        (64, 64, 64),
        (8, 64, 8),
        (128, 64, 64),
        (172, 64, 43),
        (288, 64, 48),
        (131, 64, 44),
        (66, 64, 33),
        (7, 1, 1),
        (9, 2, 2),
        (1, 1, 1),
    ],
)
def test_chunk_size(extent: int, chunk: int, size: int):
    assert chunk_size(extent, chunk) == size


def test_chunks_cover_the_axis_and_fit():
    for extent in range(1, 200):
        for chunk in range(1, 70):
            size = chunk_size(extent, chunk)
            count = -(-extent // size)
            assert 1 <= size <= chunk
            assert count * size - extent < count
            assert count <= 2 * -(-extent // chunk)
