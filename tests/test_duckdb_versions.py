"""Files of DuckDB of several versions, as far as one version can tell; `make engines` has more."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import duckdb
import numpy as np
import pytest
from engine_versions.environments import oldest
from models.llama import write_checkpoint

from tensorjoin.backends.connect import connect
from tensorjoin.backends.duckdb import database as backend
from tensorjoin.backends.duckdb.versions import STORAGE_VERSION, SlowVersions, slowness
from tensorjoin.errors import TensorjoinError
from tensorjoin.program import Statement
from tensorjoin.tools.sql_llm import main

HEADER = 4096
FUTURE = 1001
"""A storage version that no DuckDB has yet."""


def storage(url: str) -> str:
    """What a file is written for."""
    query = Statement("SELECT tags FROM duckdb_databases() WHERE path IS NOT NULL")
    with closing(connect(url, create=True)) as database:
        ((tags,),) = database.query(query)
    assert isinstance(tags, Mapping)
    return tags["storage_version"]


def write_header(path: Path, version: int) -> None:
    """Make a file one of another storage version, its checksum being right."""
    content = bytearray(path.read_bytes())
    content[12:20] = version.to_bytes(8, "little")
    words = np.frombuffer(bytes(content[8:HEADER]), dtype="<u8")
    total = np.bitwise_xor.reduce(words * np.uint64(0xBF58476D1CE4E5B9)) ^ np.uint64(5381)
    content[:8] = int(total).to_bytes(8, "little")
    path.write_bytes(content)


def test_storage_is_that_of_the_oldest_version_admitted():
    _, _, version = oldest("duckdb").partition("==")
    assert STORAGE_VERSION.startswith(f"v{version}")


def test_new_files_are_for_the_oldest_version(tmp_path: Path):
    url = f"duckdb:///{tmp_path / 'm.db'}"
    assert storage(url) == f"{STORAGE_VERSION}+"
    assert storage(url) == f"{STORAGE_VERSION}+"


@pytest.mark.parametrize("written", ["v1.0.0", "latest"])
def test_a_file_that_is_there_keeps_its_storage(written: str, tmp_path: Path):
    path = tmp_path / "m.db"
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS m (STORAGE_VERSION '{written}')")
        connection.execute("CREATE TABLE m.t AS SELECT 1 AS v")
        query = "SELECT tags FROM duckdb_databases() WHERE database_name = 'm'"
        ((before,),) = connection.execute(query).fetchall()
    url = f"duckdb:///{path}"
    with closing(connect(url, create=True)) as database:
        database.insert("t", {"v": np.array([2])})
    assert storage(url) == before["storage_version"]
    with closing(connect(url, create=False)) as database:
        assert database.query(Statement("SELECT SUM(v) FROM t")) == [(3,)]


def test_a_file_of_a_newer_version(tmp_path: Path):
    path = tmp_path / "m.db"
    with closing(connect(f"duckdb:///{path}", create=True)):
        pass
    write_header(path, FUTURE)
    with pytest.raises(TensorjoinError, match="upgrade the package duckdb") as error:
        connect(f"duckdb:///{path}", create=False)
    assert str(error.value) == (
        f"cannot open {path}: it was written for a newer DuckDB than {duckdb.__version__}, which is"
        " installed: upgrade the package duckdb"
    )


MADE_UP = (SlowVersions("9.9.1", "9.10", "a token takes an hour: install DuckDB 9.10"),)


@pytest.mark.parametrize(
    ("version", "is_slow"),
    [("9.9.0", False), ("9.9.1", True), ("9.9.20", True), ("9.9.2-dev3", True), ("9.10.0", False)],
)
def test_slow_versions(version: str, is_slow: bool):
    line = f"DuckDB {version} is known to be slow: a token takes an hour: install DuckDB 9.10"
    assert slowness(version, MADE_UP) == (line if is_slow else None)


def test_load_names_a_slow_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    checkpoint = str(write_checkpoint(tmp_path / "one-layer", "one-layer"))
    for name, slow in (("fast", ()), ("slow", MADE_UP)):
        monkeypatch.setattr(backend, "SLOW", slow)
        monkeypatch.setattr(backend.DuckdbDatabase, "version", lambda self: "9.9.2")
        assert main(["load", checkpoint, "--db", f"duckdb:///{tmp_path / name}.db"]) == 0
        lines = capsys.readouterr().err.splitlines()
        assert lines[0].startswith("loaded one-layer")
        assert lines[1:] == [line for line in [slowness("9.9.2", slow)] if line is not None]
