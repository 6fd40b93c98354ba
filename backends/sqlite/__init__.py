"""SQLite, through the standard library's driver."""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from tensorjoin.backend import Backend, Target
from tensorjoin.backends.interrupts import held
from tensorjoin.backends.sqlite import profile

if TYPE_CHECKING:
    from tensorjoin.backends.database import Database
    from tensorjoin.backends.spelling import Spelling

COSTS = files(__name__) / "costs"


def _spelling() -> "Spelling":
    from tensorjoin.backends.sqlite.spelling import SPELLING

    return SPELLING


def _open(path: Path | str | None) -> "Database":
    # Ctrl-C in the middle of an import, some packages take for a broken installation.
    with held():
        from tensorjoin.backends.sqlite.database import SqliteDatabase

    return SqliteDatabase(None if path is None else Path(path))


SQLITE = Target(profile.SQLITE, _spelling, COSTS / "sqlite.json")
SQLITE_64K = Target(profile.SQLITE_64K, _spelling, COSTS / "sqlite_64k.json")

BACKEND = Backend(
    name="sqlite",
    label="SQLite",
    schemes=("sqlite",),
    url_form="sqlite:///path",
    place="file",
    targets=(SQLITE, SQLITE_64K),
    open=_open,
)
