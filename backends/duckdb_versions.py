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
        "a token takes 2.0 to 3.7 times as long as with 2.0.0: upgrade the package duckdb",
    ),
    SlowVersions(
        "1.5",
        "2.0",
        "a token takes 1.4 to 1.7 times as long as with 2.0.0: upgrade the package duckdb",
    ),
)
"""Of models of 0.3M, 15M and 135M parameters, one token a run and one recursion for all layers, on
two cores: 131, 200 and 616 ms with 1.4.0 (of the first, 106 to plan the recursion), 60, 97 and 505
with 1.5.6, 36, 70 and 302 with 2.0.0."""


def slowness(version: str, known: Sequence[SlowVersions]) -> str | None:
    """One line about a version that is known to be slow."""
    for slow in known:
        if parts(slow.since) <= parts(version) < parts(slow.before):
            return f"DuckDB {version} is known to be slow: {slow.reason}"
    return None


def parts(version: str) -> tuple[int, ...]:
    """'1.4.0' -> (1, 4, 0)"""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
