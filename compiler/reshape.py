"""Which axes of a reshape split into which. Knows no IR."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class AxisGroup:
    """Axes `old` of the input hold the same elements, in the same order, as axes `new`."""

    old: tuple[int, ...]
    new: tuple[int, ...]


def axis_groups(old: Sequence[int], new: Sequence[int]) -> list[AxisGroup]:
    """
    The finest grouping under which a row-major reshape from `old` to `new` works group by group:
    [p, 8, 2, 4] -> [p, 4, 2, 8] is p -> p, 8 -> (4, 2), (2, 4) -> 8. Negative extents are unknown
    and match each other. Raises ValueError where the shapes hold different numbers of elements.
    """
    groups: list[AxisGroup] = []
    i = j = 0
    while i < len(old) or j < len(new):
        start = (i, j)
        if i < len(old) and j < len(new) and old[i] < 0 and new[j] < 0:
            i, j = i + 1, j + 1
        else:
            left = right = 1
            while i < len(old) and old[i] == 1 and (j == len(new) or new[j] != 1):
                i += 1
            while j < len(new) and new[j] == 1 and (i == len(old) or old[i] != 1):
                j += 1
            if i < len(old) and j < len(new) and old[i] > 0 and new[j] > 0:
                left, right = old[i], new[j]
                i, j = i + 1, j + 1
                while left != right:
                    if left < right and i < len(old) and old[i] > 0:
                        left, i = left * old[i], i + 1
                    elif right < left and j < len(new) and new[j] > 0:
                        right, j = right * new[j], j + 1
                    else:
                        raise ValueError(f"{list(old)} does not reshape to {list(new)}")
            elif (i, j) == start:
                raise ValueError(f"{list(old)} does not reshape to {list(new)}")
        groups.append(AxisGroup(tuple(range(start[0], i)), tuple(range(start[1], j))))
    return groups
