"""What is known of the versions of DuckDB that the package may be installed with."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

STORAGE_VERSION = "v1.4.0"
"""What new files are written for: the oldest of the versions. Files and tokens of a model of 15M
parameters are as large and as fast as in the storage of 2.0."""


@dataclass(frozen=True)
class SlowVersions:
    """Versions from `since` on, and below `before`, with what was measured."""

    since: str
    before: str
    reason: str


SLOW = (
    SlowVersions(
        "1.4",
        "1.5",
        "a token takes 1.8 to 2.2 times as long as with 2.0.0",
    ),
    SlowVersions(
        "1.5",
        "2.0",
        "a token takes 1.4 to 1.7 times as long as with 2.0.0",
    ),
    SlowVersions(
        "2.0.1",
        "2.0.2",
        "it reads all layers in each round of a recursion, and a token of a model of 135M"
        " parameters takes 1.8 to 2.7 times as long as with 2.0.0",
    ),
)
"""Of models of 0.3M, 15M and 135M parameters, one token a run in the faster form of the program, on
two cores: 80, 125 and 597 ms with 1.4.0, 60, 97 and 453 with 1.5.6, 36, 70 and 313 with 2.0.0, and
32, 90 and 583 with 2.0.1; at other hours 61 to 71 and 339 to 354 with 2.0.0, and 89 and 830 to 920
with 2.0.1. See docs/notes/forms.md."""


def slowness(version: str, known: Sequence[SlowVersions]) -> str | None:
    """One line about a version that is known to be slow."""
    for slow in known:
        if parts(slow.since) <= parts(version) < parts(slow.before):
            return f"DuckDB {version} is known to be slow: {slow.reason}"
    return None


def parts(version: str) -> tuple[int, ...]:
    """'1.4.0' -> (1, 4, 0)"""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
