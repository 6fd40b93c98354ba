"""The order of a join, by estimated cost. Knows no IR."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from math import prod

EXHAUSTIVE_UP_TO = 5
"""
So many inputs are ordered by trying all orders; more are ordered greedily. That is the compiler's
own time: 120 orders of five inputs, 5,040 of seven.
"""


@dataclass(frozen=True)
class Input:
    """One input of a natural join."""

    extents: Mapping[str, int]
    """The estimated number of values of each key."""
    index: tuple[str | None, ...] | None = None
    """
    The keys by which rows are stored, in order; None among them stands for a key that is fixed, or
    that the join does not see. No index at all: the rows are computed, and found by hashing.
    """

    width: int = 1
    """The elements of a row; a vector has many."""
    behind: int = 0
    """The elements of what the input is itself a join of: they would be hashed in its place."""

    count: int | None = None
    """The estimated rows, if they are fewer than the keys could tell apart."""

    @property
    def rows(self) -> int:
        return prod(self.extents.values()) if self.count is None else self.count

    def looked_at(self, bound: set[str]) -> float:
        """The rows that a look-up reads when the keys `bound` are known."""
        if self.index is None:
            return self.matching(bound)
        read = self.rows
        for key in self.index:
            if key is not None and key not in bound:
                break
            read //= self.extents[key] if key is not None else 1
        return max(1, read)

    def matching(self, bound: set[str]) -> float:
        """The rows that a look-up finds when the keys `bound` are known."""
        return self.rows / prod(extent for key, extent in self.extents.items() if key in bound)


Cost = Callable[[Sequence[Input]], float]


def cost(inputs: Sequence[Input]) -> float:
    """
    The rows that nested loops over `inputs` in this order look at: the System R model (Selinger et
    al. 1979) with an index only where the known keys are a prefix of those it is ordered by.
    """
    bound: set[str] = set()
    rows, total = 1.0, 0.0
    for number, item in enumerate(inputs):
        # What is hashed is stored once, with all that its rows hold, whatever is found in it.
        total += item.rows * item.width if item.index is None and number else 0
        total += rows * item.looked_at(bound)
        rows *= item.matching(bound)
        bound |= set(item.extents)
    return total


def hash_cost(build: float, inputs: Sequence[Input]) -> float:
    """
    What hash joins over `inputs` in this order handle: each input but the first becomes a hash
    table, with all that its rows hold, and the rows joined so far stream past. An element that
    enters the table costs `build`, where a row looked up in it costs 1.
    """
    bound: set[str] = set()
    rows, total = 1.0, 0.0
    for number, item in enumerate(inputs):
        hashed = build * max(item.rows * item.width, item.behind)
        total += rows + hashed if number else item.rows
        rows *= item.matching(bound)
        bound |= set(item.extents)
    return total + rows


def join_order(inputs: Sequence[Input], cost: Cost = cost) -> list[int]:
    """The cheapest order, as positions in `inputs`; of equals the one nearest to the given."""
    if len(inputs) <= EXHAUSTIVE_UP_TO:
        orders = permutations(range(len(inputs)))
        return list(min(orders, key=lambda order: cost([inputs[k] for k in order])))
    chosen: list[int] = []
    while len(chosen) < len(inputs):
        left = [k for k in range(len(inputs)) if k not in chosen]
        chosen.append(min(left, key=lambda k: cost([inputs[j] for j in (*chosen, k)])))
    return chosen


def skipped_keys(inputs: Sequence[Input]) -> dict[str, int]:
    """
    The keys that only one input has and that stand in its index before a key which others have too,
    with their extents: joined with a range of them, the input is found by key (a skip scan).
    """
    skipped: dict[str, int] = {}
    for number, item in enumerate(inputs):
        others = {key for k, other in enumerate(inputs) if k != number for key in other.extents}
        free: dict[str, int] = {}
        for key in item.index or ():
            if key in others:
                skipped |= free
            elif key is not None:
                free[key] = item.extents[key]
    return skipped
