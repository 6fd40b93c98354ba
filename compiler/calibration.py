"""
Measured coefficients as files: those that come with the package, and those measured at home.

`sql-run calibrate` writes them to `$XDG_CONFIG_HOME/tensorjoin/costs/ENGINE-VERSION.json`, where
`$XDG_CONFIG_HOME` is `~/.config` by default. Knows no IR.
"""

import json
import math
import os
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from tensorjoin.cost import TERMS, Coefficients
from tensorjoin.errors import TensorjoinError


@dataclass(frozen=True)
class Calibration:
    """What was measured of an engine."""

    engine: str
    """The target's name."""
    version: str
    seconds: Coefficients
    """For one of each term of `Work`."""


def shipped(engine: str) -> Calibration:
    """What comes with the package: measured on one machine, as a start."""
    resource = files("tensorjoin").joinpath("costs", f"{engine}.json")
    return _parsed(resource.read_text(), str(resource))


def chosen(engine: str, file: str) -> Calibration:
    """The calibration in a file, or what comes with the package where no file is named."""
    return read(Path(file)) if file else shipped(engine)


def stored_path(engine: str, version: str) -> Path:
    """Where the calibration of an engine belongs."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "tensorjoin" / "costs" / f"{engine}-{version}.json"


def stored(engine: str, version: str) -> Path | None:
    """The calibration of an engine, if there is one that this user may look for."""
    path = stored_path(engine, version)
    return path if os.access(path, os.F_OK) else None


def current(engine: str, version: str) -> Calibration:
    """
    What was measured of this engine and version, or else what comes with the package.

    Raises TensorjoinError where the file is there and is no calibration.
    """
    path = stored(engine, version)
    return shipped(engine) if path is None else read(path)


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
    path.parent.mkdir(parents=True, exist_ok=True)
    # A reader sees the old file or the new one, and never a part.
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(asdict(measured), indent=2) + "\n")
    draft.replace(path)
    return path


def _parsed(text: str, where: str) -> Calibration:
    strange = f"{where} is no calibration of this version: run `sql-run calibrate` again"
    try:
        loaded = cast(object, json.loads(text))
    except ValueError as error:
        raise TensorjoinError(strange) from error
    fields = cast(dict[str, Any], loaded) if isinstance(loaded, dict) else {}
    seconds = fields.get("seconds")
    if not isinstance(seconds, dict):
        raise TensorjoinError(strange)
    known = cast(dict[str, Any], seconds)
    values = {term: known.get(term) for term in TERMS}
    if set(known) != set(TERMS) or not all(map(_is_time, values.values())):
        raise TensorjoinError(strange)
    return Calibration(
        str(fields.get("engine")),
        str(fields.get("version")),
        {term: float(cast(float, value)) for term, value in values.items()},
    )


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0
