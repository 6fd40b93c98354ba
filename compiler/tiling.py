"""How long the chunks of an axis are. Knows no IR."""


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
