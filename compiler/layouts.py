"""Which layout of a matrix is cheapest on a target. Knows no IR."""

from collections.abc import Iterator, Sequence
from math import ceil

from tensorjoin.cost import (
    Coefficients,
    MatrixLayout,
    Product,
    matrix_product,
    seconds,
    total,
)
from tensorjoin.errors import TensorjoinError
from tensorjoin.targets import TargetProfile
from tensorjoin.tiling import chunk_size

CHUNKS = (16, 32, 64, 128, 256, 512, 1024)
"""The chunks to choose from, in elements; the whole axis besides. An engine's costs choose."""

PIVOTED = (64, 128)
"""
Elements of a column to choose from, where all chunks of an axis lie in one row. An engine's costs
choose.
"""

KEYS = 4
"""Columns that a join of two chunks may have besides their elements: layer, row, output, chunk."""

HALF_BYTES = 2
"""Of an element of 16 bits."""

DOUBLE_BYTES = 8


def longest_half(profile: TargetProfile) -> int:
    """The elements of 16 bits in the longest row that a target keeps together."""
    format = profile.row_format
    if not profile.half_vectors or format.inline_bytes is None:
        raise TensorjoinError(f"{profile.name} has no vectors of 16 bits: choose 8 or 4")
    return (format.inline_bytes - format.row_bytes) // HALF_BYTES


def candidates(profile: TargetProfile, inputs: int) -> Iterator[MatrixLayout]:
    """
    The layouts of a matrix that a target has: one row for each element, or chunks of the axis that
    is summed over, `inputs` long, as vectors or else as columns.
    """
    yield MatrixLayout("rows")
    # One storage for all chunks: of two operands that meet, neither must be cut anew.
    storage = "arrays" if profile.vectors else "columns"
    for size in sorted({chunk_size(inputs, chunk) for chunk in (*CHUNKS, inputs)}):
        if storage == "arrays" or 2 * size + KEYS <= profile.max_columns:
            yield MatrixLayout(storage, size)
    for size in sorted({chunk_size(inputs, chunk) for chunk in PIVOTED if chunk < inputs}):
        columns = -(-inputs // size)
        if profile.vectors and 2 * columns + KEYS <= profile.max_columns:
            yield MatrixLayout("pivoted", size * columns, columns)


def cut(layout: MatrixLayout, profile: TargetProfile) -> MatrixLayout:
    """
    The same chunks, in columns of vectors that are no longer than the target's `longest_vector`, if
    they were; of longer ones where these would be too many.
    """
    longest, most = profile.longest_vector, profile.thresholds.vector_columns
    if longest is None or layout.storage != "arrays" or layout.size <= longest:
        return layout
    size = max(chunk_size(layout.size, longest), ceil(layout.size / most))
    columns = -(-layout.size // size)
    return MatrixLayout("pivoted", size * columns, columns)


def cheapest(
    profile: TargetProfile, products: Sequence[Product], coefficients: Coefficients
) -> MatrixLayout:
    """
    The layout of matrices with equal inputs for which the estimate of all products is lowest; long
    vectors are cut, which the estimate for few rows takes for an expense, and pays with many.
    """
    format = profile.row_format

    def estimate(layout: MatrixLayout) -> float:
        works = (matrix_product(layout, product, format) for product in products)
        return seconds(total(works), coefficients)

    return cut(min(candidates(profile, products[0].inputs), key=estimate), profile)
