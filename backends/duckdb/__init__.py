"""DuckDB, through its own driver."""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from tensorjoin.backend import Backend, Target
from tensorjoin.backends.duckdb import profile
from tensorjoin.backends.interrupts import held

if TYPE_CHECKING:
    from tensorjoin.backends.database import Database
    from tensorjoin.backends.spelling import Spelling

COSTS = files(__name__) / "costs"


def _spelling() -> "Spelling":
    from tensorjoin.backends.duckdb.spelling import SPELLING

    return SPELLING


def _open(path: Path | str | None) -> "Database":
    # Ctrl-C in the middle of an import, some packages take for a broken installation.
    with held():
        from tensorjoin.backends.duckdb.database import DuckdbDatabase

    return DuckdbDatabase(None if path is None else Path(path))


DUCKDB = Target(profile.DUCKDB, _spelling, COSTS / "duckdb.json")

BACKEND = Backend(
    name="duckdb",
    label="DuckDB",
    schemes=("duckdb",),
    url_form="duckdb:///path",
    place="file",
    targets=(DUCKDB,),
    open=_open,
)
