"""SQLite, through the standard library's driver."""

import contextlib
import sqlite3
from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import sqlite_utils
from sqlglot import exp

from tensorjoin.backend import Target
from tensorjoin.backends.database import (
    Database,
    Value,
    first_line,
    insertion,
    require_writable_file,
)
from tensorjoin.backends.interrupts import take
from tensorjoin.backends.sqlite import SQLITE, SQLITE_64K
from tensorjoin.errors import TensorjoinError
from tensorjoin.program import Statement

BUSY_SECONDS = 5.0
BATCH_VALUES = 1 << 15
"""
Values turned into Python objects at a time: few enough to stay in the processor's cache. See
docs/notes/loading.md#batches-of-sqlite.
"""
INTERRUPT_STEPS = 1_000_000
"""Virtual machine instructions between two looks at pending signals: some 10 ms."""
SETTINGS = ("PRAGMA temp_store = MEMORY", "PRAGMA cache_size = -65536")
LARGE_PAGES = 65536
"""
Bytes of the largest pages. A row of a table with a clustered key is kept together up to a quarter
of a page; the rest of a longer one is read from a list of pages. See
docs/notes/rows.md#whole-rows-in-a-page.
"""


class Look:
    """A safe point within statements, as a callback: what is raised in one only ends that."""

    raised: BaseException | None = None

    def __call__(self) -> int:
        try:
            take()
        except BaseException as raised:
            self.raised = raised
            return 1
        return 0


class SqliteDatabase(Database):
    """A SQLite file; `None` stands for a database in memory."""

    dialect = "sqlite"
    engine_errors = (sqlite3.Error,)
    version_query = "SELECT sqlite_version()"

    def __init__(self, path: Path | None) -> None:
        super().__init__()
        self._path = path
        where = ":memory:" if path is None else str(path)
        try:
            self._connection = sqlite3.connect(
                where, timeout=BUSY_SECONDS, isolation_level=None, cached_statements=1024
            )
        except sqlite3.Error as error:
            raise TensorjoinError(f"cannot open {where}: {first_line(error)}") from error
        try:
            for setting in SETTINGS:
                self._connection.execute(setting)
            self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            self._set_page_size()
        except sqlite3.Error as error:
            self._connection.close()
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
                raise TensorjoinError(
                    f"{where} is not a SQLite database: choose another file"
                ) from error
            raise TensorjoinError(f"cannot open {where}: {first_line(error)}") from error
        # The driver stays inside SQLite for the whole of a statement; a callback is where Python
        # gets to handle Ctrl-C.
        self._look = Look()
        self._connection.set_progress_handler(self._look, INTERRUPT_STEPS)
        self._has_math = has_math_functions(self._connection)

    def _set_page_size(self) -> None:
        """Let a file that is new have large pages, and temporary tables those of the file."""
        ((pages,),) = self._connection.execute("PRAGMA page_count")
        if not pages:
            self._connection.execute(f"PRAGMA page_size = {LARGE_PAGES}")
        ((size,),) = self._connection.execute("PRAGMA page_size")
        self._connection.execute(f"PRAGMA temp.page_size = {size}")

    def _target(self) -> Target:
        # Of a file that was empty, another process may have made one meanwhile.
        self.tables()
        ((size,),) = self.query(Statement("PRAGMA page_size"))
        target = SQLITE if size < LARGE_PAGES else SQLITE_64K
        if self._has_math:
            return target
        return replace(target, profile=replace(target.profile, functions=frozenset()))

    def runs(self, target: str) -> bool:
        # What was compiled for other pages is slower on these, and right.
        return target in (SQLITE.name, SQLITE_64K.name)

    def limit_memory(self, size: int) -> None:
        settings = (
            # The heap's limit is the process's: caches and sorters give way to each other.
            f"PRAGMA soft_heap_limit = {size}",
            f"PRAGMA main.cache_size = -{size // 2048}",
            # Temporary tables are a file of their own, which is written once its cache is full.
            "PRAGMA temp_store = FILE",
            f"PRAGMA temp.cache_size = -{size // 4096}",
        )
        with self._engine_call():
            for setting in settings:
                self._connection.execute(setting)

    def require_writable(self) -> None:
        if self._path is not None:
            require_writable_file(self._path)
        with self._engine_call():
            self._begin(writes=True)
            self._rollback()

    def _close(self) -> None:
        self._connection.close()

    def _execute(self, statement: Statement, arguments: dict[str, Value]) -> None:
        self._query(statement, arguments)

    def _query(self, statement: Statement, arguments: dict[str, Value]) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement.sql, arguments).fetchall()

    def _interruption(self, error: Exception) -> BaseException | None:
        raised, self._look.raised = self._look.raised, None
        if raised is None and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            # Another signal's handler raised something as the callback began.
            return KeyboardInterrupt()
        return raised

    def _columns(self, statement: Statement) -> list[str]:
        return [column[0] for column in self._connection.execute(statement.sql).description]

    def _begin(self, writes: bool) -> None:
        self._connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")

    def _commit(self) -> None:
        self._connection.execute("COMMIT")

    def _rollback(self) -> None:
        # SQLite itself has rolled back already after some errors, such as a full disk.
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _tables(self) -> set[str]:
        listing = sqlite_utils.Database(self._connection, recursive_triggers=False)
        temporary = self._connection.execute(
            "SELECT name FROM sqlite_temp_master WHERE type IN ('table', 'view')"
        )
        names = {*listing.table_names(), *listing.view_names(), *(name for (name,) in temporary)}
        return {name for name in names if not name.startswith("sqlite_")}

    def _insert(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        row = exp.Tuple(expressions=[exp.Placeholder() for _ in columns])
        sql = insertion(table, columns, exp.Values(expressions=[row])).sql(self.dialect)
        rows = len(next(iter(columns.values())))
        step = max(1, BATCH_VALUES // len(columns))
        with self._savepoint():
            for start in range(0, rows, step):
                take()
                batch = [column[start : start + step].tolist() for column in columns.values()]
                self._connection.executemany(sql, zip(*batch, strict=True))

    @contextlib.contextmanager
    def _savepoint(self) -> Generator[None]:
        # Outside a transaction, each row would be one. Unlike BEGIN IMMEDIATE, this does not lock
        # the file if the table is a temporary one.
        self._connection.execute("SAVEPOINT insertion")
        try:
            yield
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK TO insertion")
                self._connection.execute("RELEASE insertion")
            raise
        self._connection.execute("RELEASE insertion")


def has_math_functions(connection: sqlite3.Connection) -> bool:
    """Whether this build of SQLite has `exp` and its siblings."""
    try:
        connection.execute("SELECT exp(1)").fetchone()
    except sqlite3.Error:
        return False
    return True
