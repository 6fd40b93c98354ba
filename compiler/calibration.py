"""
Measured coefficients as files: those that come with a backend, and those measured at home.

`sql-run calibrate` writes them to `$XDG_CONFIG_HOME/tensorjoin/costs/ENGINE-VERSION.json`, where
`$XDG_CONFIG_HOME` is `~/.config` by default. Knows no IR.
"""

import json
import math
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

from tensorjoin.backend import Target
from tensorjoin.cost import TERMS, Coefficients
from tensorjoin.errors import TensorjoinError
from tensorjoin.forms import FORMS, PASS_TERMS, PassCosts


@dataclass(frozen=True)
class Calibration:
    """What was measured of an engine."""

    engine: str
    """The target's name."""
    version: str
    seconds: Coefficients
    """For one of each term of `Work`."""
    passes: PassCosts = field(default_factory=dict[str, Coefficients])
    """What passes cost in each form; empty where programs have but one."""


def shipped(target: Target) -> Calibration:
    """What comes with the backend: measured on one machine, as a start."""
    return _parsed(target.costs.read_text(), str(target.costs))


def chosen(target: Target, file: str) -> Calibration:
    """The calibration in a file, or what comes with the backend where no file is named."""
    return read(Path(file)) if file else shipped(target)


def settings_folder() -> Path:
    """Where what was measured at home is kept."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "tensorjoin"


def stored_path(engine: str, version: str) -> Path:
    """Where the calibration of an engine belongs."""
    return settings_folder() / "costs" / f"{engine}-{version}.json"


def stored(engine: str, version: str) -> Path | None:
    """The calibration of an engine, if there is one that this user may look for."""
    path = stored_path(engine, version)
    return path if os.access(path, os.F_OK) else None


def current(target: Target, version: str) -> Calibration:
    """
    What was measured of this engine and version, or else what comes with the backend.

    Raises TensorjoinError where the file is there and is no calibration.
    """
    path = stored(target.name, version)
    return shipped(target) if path is None else read(path)


def read(path: Path) -> Calibration:
    """A stored calibration; raises TensorjoinError where the file is none, or cannot be read."""
    try:
        text = path.read_text()
    except OSError as error:
        raise TensorjoinError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TensorjoinError(f"{path} is no text: run `sql-run calibrate` again") from error
    return _parsed(text, str(path))


def store(measured: Calibration) -> Path:
    """Write a calibration to where it belongs, in the place of an earlier one."""
    path = stored_path(measured.engine, measured.version)
    write_json(path, asdict(measured))
    return path


def write_json(path: Path, value: object) -> None:
    """Write a file in the place of an earlier one, or leave that one as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A reader sees the old file or the new one, and never a part.
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(value, indent=2) + "\n")
    draft.replace(path)


def _parsed(text: str, where: str) -> Calibration:
    strange = f"{where} is no calibration of this version: run `sql-run calibrate` again"
    try:
        loaded = cast(object, json.loads(text))
    except ValueError as error:
        raise TensorjoinError(strange) from error
    fields = _object(loaded)
    seconds = _times(fields.get("seconds"), TERMS)
    forms = _object(fields.get("passes"))
    passes = {form: times for form in forms if (times := _times(forms[form], PASS_TERMS))}
    if seconds is None or len(passes) != len(forms) or not set(passes) <= set(FORMS):
        raise TensorjoinError(strange)
    return Calibration(str(fields.get("engine")), str(fields.get("version")), seconds, passes)


def _object(value: object) -> dict[str, object]:
    return cast(dict[str, object], value) if isinstance(value, dict) else {}


def _times(value: object, terms: tuple[str, ...]) -> dict[str, float] | None:
    """The seconds of each term, or None where they are something else."""
    known = _object(value)
    if set(known) != set(terms) or not all(map(_is_time, known.values())):
        return None
    return {term: float(cast(float, known[term])) for term in terms}


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0
