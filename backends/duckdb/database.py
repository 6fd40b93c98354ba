"""DuckDB, through its own driver."""

import contextlib
import os
from collections.abc import Generator, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from sqlglot import exp

from tensorjoin.backend import Target
from tensorjoin.backends.database import (
    Database,
    Value,
    first_line,
    insertion,
    may,
    require_writable_file,
)
from tensorjoin.backends.duckdb import DUCKDB
from tensorjoin.backends.duckdb.arrow import ArrowColumns
from tensorjoin.backends.duckdb.versions import SLOW, STORAGE_VERSION, slowness
from tensorjoin.backends.interrupts import held
from tensorjoin.backends.spelling import identifier
from tensorjoin.backends.worker import Worker
from tensorjoin.errors import TensorjoinError
from tensorjoin.program import Statement

MEMORY = ":memory:"
IN_MEMORY = "memory"
"""What DuckDB calls the database in memory, so that no file can be called so."""
FILE_NAMED_MEMORY = "memory_db"
SOURCE = "tensorjoin insertion"
ROW_GROUP = 2048
"""
The fewest rows that a group of a file may have. A thread takes whole groups. See
docs/notes/loading.md#row-groups-of-long-rows.
"""
GROUP_BYTES = 1 << 23
"""
The most bytes of a group. A scan copies one group at a time into a buffer, which should stay in the
processor's cache. See docs/notes/rows.md#small-groups-of-wide-rows.
"""
LEAST_ROWS = 256
"""The fewest rows worth a group, which has room for more."""
KEPT_OPTIMIZERS = {
    "filter_pushdown",
    # A round of a recursion reads the weights of its layer alone. See
    # docs/notes/recursion.md.
    "join_filter_pushdown",
    # Each query that is not inlined is a pipeline more, which every round sets up.
    "cte_inlining",
}
MAGIC = b"DUCK"
MAGIC_OFFSET = 8


class DuckdbDatabase(Database):
    """A DuckDB file; `None` stands for a database in memory."""

    dialect = "duckdb"
    engine_errors = (duckdb.Error,)
    version_query = "SELECT version()"

    def __init__(self, path: Path | None) -> None:
        super().__init__()
        self._path = path
        self._parsed: dict[str, duckdb.Statement] = {}
        if path is not None and path.exists():
            _check_magic(path)
        # In the main thread, the driver makes an error of its own of what a signal raises.
        with held():
            self._open(path)

    def _target(self) -> Target:
        return DUCKDB

    def _open(self, path: Path | None) -> None:
        read_only = path is not None and path.exists() and not may(path, os.W_OK)
        # An extension would be fetched from the network in the middle of a statement.
        self._connection = duckdb.connect(
            MEMORY if path is None else f"{MEMORY}{path.resolve()}",
            config={"autoinstall_known_extensions": False},
        )
        try:
            if path is not None:
                self._attach(path, read_only)
        except duckdb.Error as error:
            self._connection.close()
            if "Could not set lock" in first_line(error):
                raise TensorjoinError(
                    f"{path} is in use by another process: end it first"
                ) from error
            if "newer version of DuckDB" in str(error):
                raise TensorjoinError(
                    f"cannot open {path}: it was written for a newer DuckDB than"
                    f" {duckdb.__version__}, which is installed: upgrade the package duckdb"
                ) from error
            raise TensorjoinError(f"cannot open {path}: {first_line(error)}") from error
        # The driver looks for Ctrl-C between its tasks, and one task may be most of a long query;
        # DuckDB itself looks at its flag all the time.
        self._worker = Worker(self._connection.interrupt)
        self._connection.execute("SET enable_progress_bar = false")
        self._disable_optimizers()
        threads = self._connection.execute("SELECT current_setting('threads')").fetchall()
        self._threads = int(threads[0][0])

    def _attach(self, path: Path, read_only: bool) -> None:
        """
        Open a file by an ATTACH, which alone sets how many rows a row group has, and which engines
        can read a new file; the connections of a process to one file share an instance of the
        engine, where it may be attached already.
        """
        name = FILE_NAMED_MEMORY if path.stem == IN_MEMORY else None
        options = [attach_option("ROW_GROUP_SIZE", exp.Literal.number(ROW_GROUP))]
        if read_only:
            options.append(attach_option("READ_ONLY"))
        if not path.exists():
            # One that is there keeps its own, and DuckDB refuses to lower it.
            options.append(attach_option("STORAGE_VERSION", exp.Literal.string(STORAGE_VERSION)))
        file = exp.Literal.string(str(path))
        attach = exp.Attach(
            this=exp.alias_(file, identifier(name)) if name else file,
            exists=True,
            expressions=options,
        )
        self._connection.execute(attach.sql(self.dialect))
        catalogs = "SELECT database_name FROM duckdb_databases() WHERE path IS NOT NULL"
        ((catalog,),) = self._connection.execute(catalogs).fetchall()
        self._connection.execute(exp.Use(this=identifier(catalog)).sql(self.dialect))
        # Unpacking costs more than reading, as long as the weights are in memory.
        self._set("force_compression", "uncompressed")

    def _disable_optimizers(self) -> None:
        # Joins come in order and columns pruned; for short statements, doing it again takes longer
        # than running them.
        names = self._connection.execute("SELECT name FROM duckdb_optimizers()").fetchall()
        self._set("disabled_optimizers", ",".join(n for (n,) in names if n not in KEPT_OPTIMIZERS))

    def _set(self, name: str, value: str) -> None:
        assigned = exp.EQ(this=exp.var(name), expression=exp.Literal.string(value))
        setting = exp.Set(expressions=[exp.SetItem(this=assigned)])
        self._connection.execute(setting.sql(self.dialect))

    @contextlib.contextmanager
    def loading(self) -> Generator[None]:
        # A block is a row group or two: other threads would only get in the way. The option is that
        # of all connections to the file, so what is left behind is not what was found, but its
        # default.
        with self._engine_call():
            self._worker.run(lambda: self._connection.execute("SET threads = 1"))
        try:
            yield
        finally:
            with self._engine_call():
                self._worker.run(lambda: self._connection.execute("RESET threads"))

    def row_group_rows(self, rows: int, row_bytes: int) -> int:
        # Whole groups, as many for each thread.
        threads = min(self._threads, max(1, rows // LEAST_ROWS))
        most = min(ROW_GROUP, max(LEAST_ROWS, GROUP_BYTES // row_bytes))
        groups = ceil(ceil(rows / most) / threads) * threads
        return ceil(rows / max(1, groups))

    def pad_row_group(self, table: str, column: str) -> None:
        with self._engine_call():
            self._worker.run(lambda: self._fill_group(table, column))

    def _fill_group(self, table: str, column: str) -> None:
        counted = exp.select(exp.Count(this=exp.Star())).from_(exp.Table(this=identifier(table)))
        ((rows,),) = self._connection.execute(counted.sql(self.dialect)).fetchall()
        missing = exp.Anonymous(this="RANGE", expressions=[exp.Literal.number(-rows % ROW_GROUP)])
        nulls = exp.select(exp.Null()).from_(exp.Table(this=missing))
        filling = insertion(table, [column], nulls)
        self._connection.execute(filling.sql(self.dialect))

    def expect_rows(self, rows: int) -> None:
        # A thread takes whole row groups: of one, others only wait for it.
        if rows <= ROW_GROUP:
            self._worker.run(lambda: self._connection.execute("SET threads = 1"))

    def slowness(self) -> str | None:
        return slowness(self.version(), SLOW)

    def limit_memory(self, size: int) -> None:
        # DuckDB does not count the vectors of a query that is running.
        settings = {"memory_limit": f"{size * 3 // 4} bytes"}
        if self._path is not None:
            # Beside the file, as is DuckDB's own choice for the file it was opened with.
            settings["temp_directory"] = f"{self._path}.tmp"
        with self._engine_call():
            for name, value in settings.items():
                self._set(name, value)

    def require_writable(self) -> None:
        if self._path is not None:
            require_writable_file(self._path)

    def _close(self) -> None:
        self._parsed.clear()
        # To close it under a call would wait for that call.
        if self._worker.close():
            self._connection.close()

    def _execute(self, statement: Statement, arguments: dict[str, Value]) -> None:
        parsed = self._parse(statement.sql)
        self._worker.run(lambda: self._connection.execute(parsed, arguments))

    def _execute_all(self, calls: Sequence[tuple[Statement, dict[str, Value]]]) -> None:
        # Together, as each change of threads takes some 100 us.
        parsed = [(self._parse(statement.sql), arguments) for statement, arguments in calls]

        def execute() -> None:
            for statement, arguments in parsed:
                self._connection.execute(statement, arguments)

        self._worker.run(execute)

    def _query(self, statement: Statement, arguments: dict[str, Value]) -> list[tuple[Any, ...]]:
        parsed = self._parse(statement.sql)
        return self._worker.run(lambda: self._connection.execute(parsed, arguments).fetchall())

    def _parse(self, sql: str) -> duckdb.Statement:
        # A statement is parsed once; DuckDB plans it anew each time, even if prepared.
        parsed = self._parsed.get(sql)
        if parsed is None:
            statements = self._connection.extract_statements(sql)
            if len(statements) != 1:
                raise TensorjoinError(f"duckdb: {len(statements)} statements where one should be")
            parsed = self._parsed[sql] = statements[0]
        return parsed

    def _columns(self, statement: Statement) -> list[str]:
        parsed = self._parse(statement.sql)
        found = self._worker.run(lambda: self._connection.execute(parsed).description)
        return [column[0] for column in found or ()]

    def _begin(self, writes: bool) -> None:
        self._worker.run(self._connection.begin)

    def _commit(self) -> None:
        self._worker.run(self._connection.commit)

    def _rollback(self) -> None:
        # A transaction that could not begin, or could not commit, is gone already, and one whose
        # call does not end is out of reach.
        with contextlib.suppress(duckdb.Error, TensorjoinError):
            self._worker.run(self._connection.rollback, cancels=False)

    def _tables(self) -> set[str]:
        return {name for (name,) in self._query(Statement("SHOW TABLES"), {})}

    def _insert(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        self._worker.run(lambda: self._load(table, columns))

    def _load(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        source = ArrowColumns(list(columns.values()))
        rows = exp.Select(expressions=[identifier(name) for name in source.names])
        rows = rows.from_(exp.Table(this=identifier(SOURCE)))
        sql = insertion(table, columns, rows).sql(self.dialect)
        self._connection.register(SOURCE, source)
        try:
            self._connection.execute(sql)
        finally:
            # A failed transaction has no use for it, and would hide its own error behind this one.
            with contextlib.suppress(duckdb.Error):
                self._connection.unregister(SOURCE)
            # DuckDB holds on to the source until the transaction ends, and that would be the whole
            # model.
            source.clear()


def attach_option(name: str, value: exp.Expr | None = None) -> exp.AttachOption:
    return exp.AttachOption(this=exp.var(name), expression=value)


def _check_magic(path: Path) -> None:
    # DuckDB would hand a SQLite file to an extension, and fetch that from the network.
    with path.open("rb") as file:
        start = file.read(MAGIC_OFFSET + len(MAGIC))
    if start[MAGIC_OFFSET:] != MAGIC:
        raise TensorjoinError(f"{path} is not a DuckDB database: choose another file")
