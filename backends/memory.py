"""The memory budget of a process, and the engine's share of it."""

from tensorjoin.errors import TensorjoinError

MEGABYTE = 1_000_000
RESERVED = 200 * MEGABYTE
"""Python, its libraries, the compiler, and the blocks of weights on their way to the engine."""
LEAST = 400 * MEGABYTE
"""The least budget. See docs/notes/grouping.md#memory-of-a-grouped-aggregate."""


def engine_share(budget: int) -> int:
    """
    The bytes of a budget that the engine may fill.

    Raises TensorjoinError where the budget is less than a process needs.
    """
    if budget < LEAST:
        raise TensorjoinError(
            f"a memory budget of {budget / MEGABYTE:.0f} MB is too small: Python and its libraries"
            f" are part of it, allow at least {LEAST // MEGABYTE}MB"
        )
    return budget - RESERVED
