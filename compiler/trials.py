"""
What passes of a model took on an engine, remembered until the engine is another version.

One file for each engine, beside the calibrations: a model's program, by a digest, and the line of
each of its forms. Knows no IR.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import cast

from tensorjoin.calibration import settings_folder, write_json
from tensorjoin.forms import FORMS, Line


def path(engine: str) -> Path:
    """Where the trials of an engine are kept."""
    return settings_folder() / "trials" / f"{engine}.json"


def remembered(engine: str, version: str, program: str) -> dict[str, Line] | None:
    """The lines found for a program on this version; None where there was no trial."""
    lines = _programs(engine, version).get(program)
    if not isinstance(lines, dict) or set(cast(dict[str, object], lines)) != set(FORMS):
        return None
    found = cast(dict[str, dict[str, object]], lines)
    try:
        return {form: Line(**dict(_seconds(line))) for form, line in found.items()}
    except (AttributeError, TypeError):
        return None


def remember(engine: str, version: str, program: str, lines: Mapping[str, Line]) -> None:
    """Keep the lines of a program; trials on another version of the engine are forgotten."""
    programs = _programs(engine, version)
    programs[program] = {form: asdict(line) for form, line in lines.items()}
    # Whoever may not write here tries again next time.
    with suppress(OSError):
        write_json(path(engine), {"version": version, "programs": programs})


def _programs(engine: str, version: str) -> dict[str, object]:
    try:
        stored = cast(object, json.loads(path(engine).read_text()))
    except (OSError, ValueError):
        return {}
    fields = cast(dict[str, object], stored) if isinstance(stored, dict) else {}
    programs = fields.get("programs")
    if fields.get("version") != version or not isinstance(programs, dict):
        return {}
    return cast(dict[str, object], programs)


def _seconds(line: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    """The fields of a line; raises TypeError where one is no number."""
    for name, value in line.items():
        if not isinstance(value, int | float):
            raise TypeError(name)
        yield name, value
