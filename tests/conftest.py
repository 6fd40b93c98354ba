"""Databases for the tests: each engine, a fresh database for each test."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from execution import compiled_once
from postgres_server import postgres_server
from psycopg import sql

from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database
from tensorjoin.driver import VERIFY_EACH
from tensorjoin.runtime import load

ENGINES = ("sqlite", "duckdb", "postgres")
NUMBERS = count()

# A shell's background job ignores Ctrl-C, and so would every process that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
# As early as this, since fixtures of a module compile before those of a function run.
os.environ[VERIFY_EACH] = "1"


@pytest.fixture(scope="session", autouse=True)
def _compile_once() -> Iterator[None]:
    """Compiling took half of the time of all tests, and the same model has the same program."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "compile_language_model", compiled_once(load.compile_language_model))
        yield


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the user's settings, so that no calibration of this machine has a say."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server: `TENSORJOIN_POSTGRES_URL`, or one that lives as long as the session."""
    if url := os.environ.get("TENSORJOIN_POSTGRES_URL"):
        yield url
        return
    with postgres_server() as url:
        yield url


@pytest.fixture
def postgres_database_url(postgres_url: str) -> Iterator[str]:
    """A new PostgreSQL database, dropped after the test."""
    name = f"tensorjoin_test_{os.getpid()}_{next(NUMBERS)}"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield with_database(postgres_url, name)
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def pgvector_url(postgres_database_url: str) -> str:
    """A new PostgreSQL database with the extension pgvector."""
    with psycopg.connect(postgres_database_url, autocommit=True) as server:
        server.execute("CREATE EXTENSION vector")
    return postgres_database_url


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh database, on each engine in turn."""
    if request.param == "postgres":
        return request.getfixturevalue("postgres_database_url")
    return f"{request.param}:///{tmp_path}/test.db"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open connection to a fresh database, on each engine in turn."""
    with closing(connect(database_url, create=True)) as opened:
        yield opened


@pytest.fixture
def pgvector(pgvector_url: str) -> Iterator[Database]:
    """An open connection to a new PostgreSQL database with the extension pgvector."""
    with closing(connect(pgvector_url, create=False)) as opened:
        yield opened


def with_database(url: str, name: str) -> str:
    """`url` with another database."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()
