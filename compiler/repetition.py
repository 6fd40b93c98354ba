"""Find the part of a sequence that repeats: the layers of a network. Knows no IR."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Repetition:
    """`count` equal pieces of `period` items each, from `start` on."""

    start: int
    period: int
    count: int

    @property
    def covered(self) -> int:
        return self.period * self.count


def repetitions(items: Sequence[Hashable]) -> list[Repetition]:
    """
    The maximal repetitions in `items`, those that cover most first, then those of short period.

    Items i and i + period are compared along runs, for each period: quadratic in the length.
    """
    found = [r for period in range(1, len(items) // 2 + 1) for r in _with_period(items, period)]
    return sorted(found, key=lambda r: (-r.covered, r.period, r.start))


def _with_period(items: Sequence[Hashable], period: int) -> Iterator[Repetition]:
    start = 0
    for i in range(len(items) - period + 1):
        if i < len(items) - period and items[i] == items[i + period]:
            continue
        count = (i - start) // period + 1
        if count > 1:
            spare = (i - start) % period
            for shift in range(spare + 1):
                yield Repetition(start + shift, period, count)
        start = i + 1
