"""The backends: values, names, transactions, errors and interrupts, on every engine."""

import gc
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import psycopg
import pytest
from conftest import with_database
from execution import TARGETS
from interrupted_lines import interrupted_at_each_line
from psycopg import sql

from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database
from tensorjoin.backends.sqlite.database import has_math_functions
from tensorjoin.errors import TensorjoinError
from tensorjoin.program import Statement
from tensorjoin.testing.backend_contract import BackendContract, create_table, one_line, rows

NOBODY = 65534


def placeholder(database: Database, name: str, position: int = 1) -> str:
    return {"sqlite": f":{name}", "duckdb": f"${name}", "postgres": f"${position}"}[
        database.dialect
    ]


def insertion(database: Database) -> Statement:
    """Into the one column i of t."""
    return Statement(f"INSERT INTO t VALUES ({placeholder(database, 'i')})", ("i",))


@contextmanager
def unprivileged() -> Iterator[Path]:
    """A directory of a user whom file permissions bind, which is not so for root."""
    with tempfile.TemporaryDirectory() as name:
        user = os.geteuid()
        if user == 0:
            os.chown(name, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield Path(name)
        finally:
            os.seteuid(user)


class TestContract(BackendContract):
    """On each of our engines."""

    @pytest.fixture
    def url(self, database_url: str) -> str:
        return database_url


# Values


def test_statement_without_rows(database: Database) -> None:
    database.execute(Statement("SELECT 1"))
    assert database.query(Statement("CREATE TABLE t (i INTEGER)")) == []
    assert database.query(Statement("SELECT i FROM t")) == []


def test_integers_of_all_sizes_share_a_statement(database: Database) -> None:
    statement = Statement(f"SELECT CAST({placeholder(database, 'i')} AS BIGINT)", ("i",))
    for value in (0, 1, -1, 1 << 15, 1 << 31, 1 << 62, -(1 << 63)):
        assert database.query(statement, {"i": value}) == [(value,)]
    if database.dialect == "postgres":
        prepared = database.query(
            Statement("SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name <> ''")
        )
        assert prepared.count((["bigint"],)) == 1


def test_statement_survives_its_table(database: Database) -> None:
    statement = Statement(f"SELECT i FROM t WHERE i > {placeholder(database, 'least')}", ("least",))
    for kind in ("INTEGER", "REAL", "BIGINT"):
        create_table(database, "t", {"i": kind})
        database.insert("t", {"i": np.array([1, 2, 3])})
        for least in (0, 2, 3):
            assert len(database.query(statement, {"least": least})) == 3 - least
        database.execute(Statement("DROP TABLE t"))
        with pytest.raises(TensorjoinError):
            database.query(statement, {"least": 0})


# Bulk insertion


def test_insert_lets_go_of_its_arrays(database: Database) -> None:
    """In the middle of a transaction: a model is loaded in one, and may be larger than memory."""
    create_table(database, "t", {"a": "INT", "v": "REAL"})
    with database.transaction():
        array = np.zeros(1000, dtype=np.float32)
        reference = weakref.ref(array)
        database.insert("t", {"a": np.arange(1000), "v": array})
        del array
        gc.collect()
        assert reference() is None


def test_insert_rounds_once(database: Database) -> None:
    exact = np.linspace(-1, 1, 1001)
    for table, kind, values in [
        ("a", "REAL", exact),
        ("b", "REAL", exact.astype(np.float32)),
        ("c", "DOUBLE PRECISION", exact),
        ("d", "DOUBLE PRECISION", exact.astype(np.float32)),
    ]:
        create_table(database, table, {"i": "SMALLINT", "f": kind})
        database.insert(table, {"i": np.arange(1001), "f": values})
        stored = np.array([value for _, value in rows(database, table, "i")])
        # SQLite has no single precision.
        narrow = kind == "REAL" and database.dialect != "sqlite"
        assert np.array_equal(stored, values.astype(np.float32) if narrow else values)


def test_insert_negative_zero(database: Database) -> None:
    create_table(database, "t", {"f": "REAL"})
    database.insert("t", {"f": np.array([-0.0], np.float32)})
    ((value,),) = database.query(Statement("SELECT f FROM t"))
    assert value == 0
    # SQLite stores a whole REAL as an integer, and there is only one zero among those.
    assert np.signbit(value) == (database.dialect != "sqlite")


def test_insert_vectors(database: Database) -> None:
    vectors = np.random.default_rng(0).standard_normal((5, 64)).astype(np.float32)
    vectors[0, 0] = -0.0
    if not database.target.profile.vectors:
        with pytest.raises(ValueError, match="2 dimensions"):
            database.insert("t", {"v": vectors})
        return
    database.execute(Statement("CREATE TABLE t (i INTEGER, v FLOAT[64], w FLOAT[3])"))
    with database.transaction():
        database.insert("t", {"w": vectors[:, :3], "i": np.arange(5), "v": vectors})
        database.insert("t", {"w": vectors[:0, :3], "i": np.arange(0), "v": vectors[:0]})
    stored = rows(database, "t", "i")
    assert np.array([v for _, v, _ in stored], np.float32).tobytes() == vectors.tobytes()
    assert np.array([w for _, _, w in stored], np.float32).tobytes() == vectors[:, :3].tobytes()


@pytest.mark.parametrize(
    ("kind", "dtype"), [("FLOAT", np.float32), ("DOUBLE", np.float64), ("BIGINT", np.int64)]
)
def test_insert_long_vectors(kind: str, dtype: type[np.generic]) -> None:
    """A row of weights whole, of more rows than the engine takes at a time."""
    bits = np.random.default_rng(0).integers(0, 256, (2500, 576 * np.dtype(dtype).itemsize))
    vectors = bits.astype(np.uint8).view(dtype)
    database = connect("duckdb:///:memory:", create=True)
    try:
        database.execute(Statement(f"CREATE TABLE t (i INTEGER, v {kind}[])"))
        database.insert("t", {"i": np.arange(2500), "v": vectors})
        stored = np.array([v for _, v in rows(database, "t", "i")], dtype)
    finally:
        database.close()
    # Random bits hold NaN of every kind, infinities and subnormal numbers.
    assert np.array_equal(stored, vectors, equal_nan=dtype is not np.int64)


@pytest.mark.parametrize(
    ("kind", "dtype"), [("vector", np.float32), ("halfvec", np.float16)], ids=["vector", "halfvec"]
)
def test_insert_vectors_of_pgvector(
    kind: str, dtype: type[np.floating], postgres_database_url: str
) -> None:
    vectors = np.random.default_rng(0).standard_normal((5, 576)).astype(dtype)
    database = connect(postgres_database_url, create=True)
    try:
        if not database.query(
            Statement("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'")
        ):
            pytest.skip("the server has no pgvector")
        database.execute(Statement("CREATE EXTENSION vector"))
        database.execute(Statement(f"CREATE TABLE t (i INTEGER, v {kind})"))
        database.insert("t", {"i": np.arange(5), "v": vectors})
        stored = database.query(Statement("SELECT v::real[] FROM t ORDER BY i"))
    finally:
        database.close()
    assert np.array([v for (v,) in stored], dtype).tobytes() == vectors.tobytes()


def test_insert_keeps_nan(database: Database) -> None:
    """SQLite has none: NULL stands for it."""
    create_table(database, "t", {"f": "DOUBLE PRECISION"})
    database.insert("t", {"f": np.array([np.nan])})
    ((stored,),) = rows(database, "t", "f")
    assert stored is None if database.dialect == "sqlite" else np.isnan(stored)


def test_insert_out_of_range(database: Database) -> None:
    if database.dialect == "sqlite":
        pytest.skip("SQLite's integers have one range")
    create_table(database, "t", {"i": "INTEGER"})
    with pytest.raises(TensorjoinError) as error:
        database.insert("t", {"i": np.array([1, 1 << 40])})
    one_line(error)
    assert rows(database, "t", "i") == []


def test_insert_all_or_nothing(database: Database) -> None:
    database.execute(Statement("CREATE TABLE t (i INTEGER UNIQUE)"))
    with pytest.raises(TensorjoinError) as error:
        database.insert("t", {"i": np.arange(100_000) % 99_999})
    one_line(error)
    assert rows(database, "t", "i") == []
    database.insert("t", {"i": np.arange(1)})
    assert rows(database, "t", "i") == [(0,)]


# Names


def test_tables_and_views(database: Database) -> None:
    assert database.tables() == set()
    database.execute(Statement("CREATE TABLE t (i INTEGER PRIMARY KEY)"))
    database.execute(Statement("CREATE VIEW v AS SELECT i FROM t"))
    database.execute(Statement("CREATE TEMPORARY TABLE scratch (i INTEGER)"))
    assert database.tables() == {"t", "v", "scratch"}


# Several statements


# Transactions


def test_transaction_interrupted_at_each_line(database: Database) -> None:
    """It is whole or undone, and the next one begins."""
    create_table(database, "t", {"i": "INTEGER"})
    insert = insertion(database)

    def transaction() -> None:
        with database.transaction():
            database.execute(insert, {"i": 1})
            database.execute_all([(insert, {"i": 2}), (insert, {"i": 3})])

    interruptions = whole = 0
    for was_interrupted in interrupted_at_each_line(transaction):
        interruptions += was_interrupted
        found = len(rows(database, "t", "i"))
        whole += found > 0
        assert found in ((0, 3) if was_interrupted else (3,))
        with database.transaction():
            database.execute(Statement("DELETE FROM t"))
    # As many were undone as were interrupted before the COMMIT.
    assert interruptions > 50
    assert 0 < whole < interruptions


# A child writes, says so, and then writes on or computes until it is stopped.
CHILD = """
import sys
import numpy as np
from tensorjoin.backends.connect import connect
from tensorjoin.program import Statement

url, action = sys.argv[1:]
database = connect(url, create=False)
try:
    with database.transaction():
        database.execute(Statement("DELETE FROM t"))
        database.execute(Statement("CREATE TABLE u (i INTEGER)"))
        database.insert("t", {"i": np.arange(3000)})
        print("ready", flush=True)
        while action == "load":
            database.insert("t", {"i": np.arange(100_000)})
        database.query(Statement(
            "WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 1000000000)"
            " SELECT count(*) FROM r"
        ))
except KeyboardInterrupt:
    (count,) = database.query(Statement("SELECT count(*) FROM t"))
    print("interrupted", *count, *sorted(database.tables()), flush=True)
finally:
    database.close()
"""


@pytest.mark.parametrize(
    ("stop", "action"),
    [(signal.SIGINT, "load"), (signal.SIGINT, "compute"), (signal.SIGKILL, "load")],
)
def test_stopped_process_leaves_no_trace(
    database_url: str, stop: signal.Signals, action: str
) -> None:
    database = connect(database_url, create=True)
    create_table(database, "t", {"i": "INTEGER"})
    database.insert("t", {"i": np.array([7])})
    database.close()
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, database_url, action], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.2)
        child.send_signal(stop)
        try:
            output, _ = child.communicate(timeout=10)
        finally:
            child.kill()
    if stop == signal.SIGINT:
        assert output == "interrupted 1 t\n"
    database = connect(database_url, create=False)
    try:
        assert rows(database, "t", "i") == [(7,)]
        assert database.tables() == {"t"}
    finally:
        database.close()


PIPELINE = """
import sys
from tensorjoin.backends.connect import connect
from tensorjoin.program import Statement

database = connect(sys.argv[1], create=False)
slow = Statement("SELECT count(*) FROM generate_series(1, 20000) AS a, generate_series(1, 20000)")
try:
    print("ready", flush=True)
    with database.transaction():
        database.execute_all([(slow, {})] * 500)
except KeyboardInterrupt:
    database.close()
"""


def test_interrupted_pipeline_is_silent(postgres_database_url: str) -> None:
    """The driver logs that a pipeline was aborted, and that is for nobody's terminal."""
    with subprocess.Popen(
        [sys.executable, "-c", PIPELINE, postgres_database_url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.5)
        child.send_signal(signal.SIGINT)
        assert child.communicate(timeout=10) == ("", "")


# Errors


def test_two_statements_are_refused(database: Database) -> None:
    with pytest.raises(TensorjoinError) as error:
        database.execute(Statement("SELECT 1; SELECT 2"))
    one_line(error)


@pytest.mark.parametrize("url", ["mysql://user:secret@host/name", "model.db", "", "://"])
def test_unknown_scheme(url: str) -> None:
    with pytest.raises(TensorjoinError, match="unknown database URL") as error:
        connect(url, create=True)
    message = one_line(error)
    assert all(f"{scheme}://" in message for scheme in ("sqlite", "duckdb", "postgresql"))
    assert "secret" not in message


files = pytest.mark.parametrize("scheme", ["sqlite", "duckdb"])


@files
def test_memory(scheme: str) -> None:
    database = connect(f"{scheme}:///:memory:", create=True)
    try:
        database.require_writable()
        assert database.query(Statement("SELECT 1")) == [(1,)]
    finally:
        database.close()


@files
def test_relative_path(scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    connect(f"{scheme}:///test.db", create=True).close()
    assert (tmp_path / "test.db").exists()


@files
@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("//model.db", "write {scheme}:///path"),
        ("///", "write {scheme}:///path"),
        ("///{tmp}/missing/test.db", "no directory {tmp}/missing: create it first"),
        ("///{tmp}", "{tmp} is a directory: name a database file in it"),
        ("///{tmp}/junk", "{tmp}/junk is not a {engine} database: choose another file"),
    ],
)
def test_impossible_file(scheme: str, url: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "junk").write_bytes(b"neither SQLite nor DuckDB" * 1000)
    names = {"scheme": scheme, "tmp": str(tmp_path)}
    with pytest.raises(TensorjoinError) as error:
        connect(f"{scheme}:{url.format(**names)}", create=True)
    engine = {"sqlite": "SQLite", "duckdb": "DuckDB"}[scheme]
    assert message.format(**names, engine=engine) in one_line(error)


@files
def test_file_of_the_other_engine(scheme: str, tmp_path: Path) -> None:
    other = {"sqlite": "duckdb", "duckdb": "sqlite"}[scheme]
    database = connect(f"{other}:///{tmp_path}/test.db", create=True)
    create_table(database, "t", {"i": "INTEGER"})
    database.close()
    with pytest.raises(TensorjoinError, match="is not a .* database: choose another file"):
        connect(f"{scheme}:///{tmp_path}/test.db", create=True)


@files
def test_absent_file_is_not_created(scheme: str, tmp_path: Path) -> None:
    with pytest.raises(TensorjoinError) as error:
        connect(f"{scheme}:///{tmp_path}/test.db", create=False)
    assert one_line(error) == f"no database at {tmp_path}/test.db: run `sql-llm load` first"
    assert not (tmp_path / "test.db").exists()


@files
def test_unreadable_file(scheme: str) -> None:
    with unprivileged() as directory:
        url = f"{scheme}:///{directory}/test.db"
        connect(url, create=True).close()
        (directory / "test.db").chmod(0)
        with pytest.raises(TensorjoinError, match="cannot read .*/test.db: "):
            connect(url, create=False)


@files
@pytest.mark.parametrize("protected", ["test.db", "."])
def test_read_only(scheme: str, protected: str) -> None:
    with unprivileged() as directory:
        url = f"{scheme}:///{directory}/test.db"
        database = connect(url, create=True)
        create_table(database, "t", {"i": "INTEGER"})
        database.require_writable()
        database.close()
        before = sorted(directory.iterdir())
        mode = (directory / protected).stat().st_mode
        (directory / protected).chmod(mode & ~0o222)
        database = connect(url, create=False)
        try:
            with pytest.raises(TensorjoinError, match="cannot write to") as error:
                database.require_writable()
            one_line(error)
            # What only reads goes on, with temporary tables of its own.
            assert rows(database, "t", "i") == []
            database.execute(Statement("CREATE TEMPORARY TABLE scratch (i INTEGER)"))
            database.insert("scratch", {"i": np.arange(2)})
            assert rows(database, "scratch", "i") == [(0,), (1,)]
        finally:
            database.close()
            (directory / protected).chmod(mode)
        assert sorted(directory.iterdir()) == before


@files
def test_directory_without_permission(scheme: str) -> None:
    with unprivileged() as directory:
        directory.chmod(0o500)
        with pytest.raises(TensorjoinError, match="cannot create .*/test.db: "):
            connect(f"{scheme}:///{directory}/test.db", create=True)
        directory.chmod(0)
        with pytest.raises(TensorjoinError, match="no database at .*/test.db: "):
            connect(f"{scheme}:///{directory}/test.db", create=False)
        directory.chmod(0o700)


def test_duckdb_file_in_use(tmp_path: Path) -> None:
    url = f"duckdb:///{tmp_path}/test.db"
    hold = (
        "import sys; from tensorjoin.backends.connect import connect;"
        "database = connect(sys.argv[1], create=True); print('open', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        with pytest.raises(TensorjoinError, match="in use by another process") as error:
            connect(url, create=True)
        one_line(error)
        child.communicate("\n")


def test_sqlite_file_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tensorjoin.backends.sqlite.database.BUSY_SECONDS", 0.01)
    url = f"sqlite:///{tmp_path}/test.db"
    first, second = connect(url, create=True), connect(url, create=True)
    try:
        with first.transaction(), pytest.raises(TensorjoinError, match="database is locked"):
            second.require_writable()
        second.require_writable()
    finally:
        first.close()
        second.close()


@pytest.mark.parametrize(("page_size", "target"), [(None, "sqlite_64k"), (4096, "sqlite")])
def test_sqlite_pages(page_size: int | None, target: str, tmp_path: Path) -> None:
    """A new file has large pages, and temporary tables those of the file; any keeps its own."""
    path = tmp_path / "test.db"
    if page_size is not None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA page_size = {page_size}")
            connection.execute("CREATE TABLE t (x)")
    for _ in range(2):
        database = connect(f"sqlite:///{path}", create=True)
        database.execute(Statement("CREATE TABLE IF NOT EXISTS u (x)"))
        database.execute(Statement("CREATE TEMPORARY TABLE v (x)"))
        pages = [database.query(Statement(f"PRAGMA {name}.page_size")) for name in ("main", "temp")]
        assert pages == [[(page_size or 65536,)]] * 2
        assert database.dialect == "sqlite"
        assert database.target.name == target
        assert database.target.profile.row_format == TARGETS[target].profile.row_format
        assert all(database.runs(name) for name in ("sqlite", "sqlite_64k"))
        assert not database.runs("duckdb")
        database.close()


def test_sqlite_pages_of_a_file_that_another_process_makes(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    database = connect(f"sqlite:///{path}", create=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
    assert database.target.name == "sqlite"
    database.close()


def test_sqlite_pages_of_a_file_that_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tensorjoin.backends.sqlite.database.BUSY_SECONDS", 0.01)
    path = tmp_path / "test.db"
    database = connect(f"sqlite:///{path}", create=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TensorjoinError, match="database is locked"):
            assert database.target.name
    database.close()


def test_sqlite_without_math_functions() -> None:
    connection = sqlite3.connect(":memory:")
    assert has_math_functions(connection)
    connection.set_authorizer(
        lambda action, *_: (
            sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_FUNCTION else sqlite3.SQLITE_OK
        )
    )
    assert not has_math_functions(connection)
    connection.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:secret@127.0.0.1:1/name",
        "postgres://user:secret@127.0.0.1:1/name",
        "postgresql://user:secret@/name?host=/nowhere",
        "postgresql://user:se/secret@127.0.0.1:1/name",
        "postgresql://user:se@secret@127.0.0.1:1/name",
        "postgresql://user:se:secret@127.0.0.1:x/name",
        "postgresql://user:secret@127.0.0.1:1/name?wrong=1",
    ],
)
def test_postgres_out_of_reach(url: str) -> None:
    with pytest.raises(TensorjoinError, match="PostgreSQL") as error:
        connect(url, create=True)
    assert "secret" not in one_line(error)


def test_postgres_unknown_database(postgres_url: str) -> None:
    with pytest.raises(TensorjoinError, match='database "no such" does not exist') as error:
        connect(with_database(postgres_url, "no%20such"), create=False)
    one_line(error)


def test_postgres_wrong_password(postgres_database_url: str) -> None:
    with psycopg.connect(postgres_database_url, autocommit=True) as server:
        ((name,),) = server.execute("SHOW hba_file").fetchall()
        rules = Path(name)
        if not os.access(rules, os.W_OK):
            pytest.skip("the server's rules are out of reach")
        role = "tensorjoin_locked"
        server.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'right'").format(sql.Identifier(role))
        )
        before = rules.read_text()
        try:
            rules.write_text(f"local all {role} scram-sha-256\n{before}")
            server.execute("SELECT pg_reload_conf()")
            url = postgres_database_url.replace("postgres:@", f"{role}:secret@")
            with pytest.raises(TensorjoinError, match="password authentication failed") as error:
                connect(url, create=False)
            assert "secret" not in one_line(error)
        finally:
            rules.write_text(before)
            server.execute("SELECT pg_reload_conf()")
            server.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def test_postgres_read_only(postgres_database_url: str) -> None:
    separator = "&" if "?" in postgres_database_url else "?"
    option = "options=-c%20default_transaction_read_only%3Don"
    database = connect(f"{postgres_database_url}{separator}{option}", create=False)
    try:
        with pytest.raises(TensorjoinError, match="cannot write to schema 'public'"):
            database.require_writable()
    finally:
        database.close()
    database = connect(postgres_database_url, create=False)
    try:
        database.require_writable()
    finally:
        database.close()


def test_duckdb_sets_pieces_apart(tmp_path: Path):
    """A group of rows is of one piece; rows of nulls fill it, and wide rows make small pieces."""
    with closing(connect(f"duckdb:///{tmp_path / 'm.db'}", create=True)) as database:
        assert database.row_group_rows(100, 1024) == 100
        narrow, wide = database.row_group_rows(3000, 1024), database.row_group_rows(3000, 1 << 15)
        assert wide <= 256 < narrow <= 2048
        create_table(database, "t", {"layer": "INT", "v": "FLOAT"})
        with database.transaction():
            for layer in range(2):
                for rows in (300, 200):
                    layers = np.full(rows, layer, dtype=np.int64)
                    database.insert("t", {"layer": layers, "v": np.ones(rows, dtype=np.float32)})
                database.pad_row_group("t", "layer")
        groups = database.query(
            Statement("SELECT rowid // 2048, MIN(layer), MAX(layer), COUNT(v) FROM t GROUP BY 1")
        )
        assert sorted(groups) == [(0, 0, 0, 500), (1, 1, 1, 500)]


def test_duckdb_loads_on_one_thread(tmp_path: Path):
    """And runs on as many as before, even if a load fails."""
    threads = Statement("SELECT current_setting('threads')")
    with closing(connect(f"duckdb:///{tmp_path / 'm.db'}", create=True)) as database:
        before = database.query(threads)
        create_table(database, "t", {"k": "INT"})
        with database.loading(), database.transaction():
            database.insert("t", {"k": np.arange(3)})
            assert database.query(threads) == [(1,)]
        assert database.query(threads) == before
        with pytest.raises(TensorjoinError), database.loading(), database.transaction():
            database.insert("t", {"k": np.array([1 << 40])})
        assert database.query(threads) == before
