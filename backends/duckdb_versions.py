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


SLOW: tuple[SlowVersions, ...] = ()


def slowness(version: str, known: Sequence[SlowVersions]) -> str | None:
    """One line about a version that is known to be slow."""
    for slow in known:
        if parts(slow.since) <= parts(version) < parts(slow.before):
            return f"DuckDB {version} is known to be slow: {slow.reason}"
    return None


def parts(version: str) -> tuple[int, ...]:
    """'1.4.0' -> (1, 4, 0)"""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
