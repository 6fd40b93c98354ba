"""How long the chunks of an axis are. Knows no IR."""

from math import isqrt

LEAST_STEPPED = 32
"""
The least elements of a vector in columns that are packed in two steps. These save n - 2 sqrt(n)
comparisons and cost a group more, which is worth it from 8 to 12 comparisons on, or 16 to 22
elements, on all engines that were measured: see docs/notes/costs.md#coefficients and
docs/notes/rows.md#packing-a-whole-row. So this is no engine's, but on the safe side of each.
"""


def chunk_size(extent: int, chunk: int) -> int:
    """
    The length of equal chunks that cover `extent`, at most `chunk`: the extent if it fits, else its
    largest divisor above half of `chunk`, else the length that leaves the least of the last chunk
    empty: 64 -> 64, 172 -> 43, 131 -> 44 for a chunk of 64.
    """
    if extent <= chunk:
        return extent
    divisors = (size for size in range(chunk, chunk // 2, -1) if extent % size == 0)
    balanced = -(-extent // -(-extent // chunk))
    return next(divisors, balanced)


def step_size(size: int) -> int:
    """The length of the parts of which a vector in columns is packed: about as many as long."""
    return chunk_size(size, isqrt(size))


def comparisons(size: int) -> float:
    """
    How often each element of a vector in columns is compared with a place when it is packed: by
    every column, or in two steps by those of its part, and the part by every column.
    """
    if size < LEAST_STEPPED:
        return size
    step = step_size(size)
    return step + size / step
