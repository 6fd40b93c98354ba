"""PostgreSQL, through psycopg, with and without the extension pgvector."""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from tensorjoin.backend import Backend, Target
from tensorjoin.backends.interrupts import held
from tensorjoin.backends.postgres import profile

if TYPE_CHECKING:
    from tensorjoin.backends.database import Database
    from tensorjoin.backends.spelling import Spelling

COSTS = files(__name__) / "costs"


def _spelling() -> "Spelling":
    from tensorjoin.backends.postgres.spelling import SPELLING

    return SPELLING


def _pgvector_spelling() -> "Spelling":
    from tensorjoin.backends.postgres.pgvector_spelling import SPELLING

    return SPELLING


def _open(url: Path | str | None) -> "Database":
    # Ctrl-C in the middle of an import, some packages take for a broken installation.
    with held():
        from tensorjoin.backends.postgres.database import PostgresDatabase

    return PostgresDatabase(str(url))


POSTGRES = Target(profile.POSTGRES, _spelling, COSTS / "postgres.json")
PGVECTOR = Target(profile.PGVECTOR, _pgvector_spelling, COSTS / "pgvector.json", POSTGRES)

BACKEND = Backend(
    name="postgres",
    label="Postgres",
    schemes=("postgresql", "postgres"),
    url_form="postgresql://user@host/database",
    place="server",
    targets=(POSTGRES, PGVECTOR),
    open=_open,
)
