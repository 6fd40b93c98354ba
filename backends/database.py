"""What the compiler and the command line ask of an engine: one open connection."""

import os
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from secrets import token_hex
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from sqlglot import exp

from tensorjoin.backend import Target
from tensorjoin.backends.interrupts import held, take
from tensorjoin.backends.spelling import identifier
from tensorjoin.errors import TensorjoinError
from tensorjoin.names import OF_CONNECTION
from tensorjoin.program import Statement

Value = int | float | str | None
NO_VALUES: Mapping[str, Value] = MappingProxyType({})


class Database(ABC):
    """
    An open connection to one engine.

    Every method raises a one-line `TensorjoinError` when the engine refuses. Ctrl-C ends it, and
    `KeyboardInterrupt` is raised once the engine has ended what it was doing.
    """

    dialect: ClassVar[str]
    """The engine's name in sqlglot."""
    engine_errors: ClassVar[tuple[type[Exception], ...]]
    """What the driver raises when a statement fails."""
    version_query: ClassVar[str]
    """A query of one row, whose one column begins with the engine's version."""

    def __init__(self) -> None:
        self._in_transaction = False
        self._failed = False
        self._is_closed = False
        self.has_changed = False
        """Whether a transaction that writes has been committed."""
        self._mark = f" @{os.getpid()}-{token_hex()}"[: len(OF_CONNECTION)]
        """What the names of tables end with that are this connection's alone."""

    @cached_property
    def target(self) -> Target:
        """What to compile for: the engine as it is built, with what is installed in this database,
        and as this file is set up. It is looked at once."""
        return self._target()

    def statement(self, tree: exp.Expr, *parameters: str) -> Statement:
        """A tree as this engine writes it; the parameters are in the order of their numbers."""
        return Statement(self.target.spelling.sql(tree), parameters)

    def execute(self, statement: Statement, values: Mapping[str, Value] = NO_VALUES) -> None:
        """Run a statement; `values` may hold more names than it has parameters."""
        with self._engine_call():
            self._execute(self._own(statement), self._arguments(statement, values))

    def execute_all(self, calls: Iterable[tuple[Statement, Mapping[str, Value]]]) -> None:
        """
        Run statements with their values as `execute` does, in order, up to one that fails; outside
        of a transaction, those before it may then be undone as well.
        """
        with self._engine_call():
            self._execute_all(
                [(self._own(each), self._arguments(each, values)) for each, values in calls]
            )

    def query(
        self, statement: Statement, values: Mapping[str, Value] = NO_VALUES
    ) -> list[tuple[Any, ...]]:
        """The rows of a statement; `values` may hold more names than it has parameters."""
        with self._engine_call():
            return self._query(self._own(statement), self._arguments(statement, values))

    @contextmanager
    def transaction(self, *, writes: bool = True) -> Generator[None]:
        """
        Commit what happens inside, or none of it if anything is raised; does not nest.

        Without `writes`, only temporary tables change, and nobody else has to wait.

        Inside, Ctrl-C is taken by the methods of the database alone, and by what is
        `interruptible`. An engine's error dooms the transaction even if it is caught.
        """
        if self._in_transaction:
            raise RuntimeError("a transaction is already open")
        # Where there are no temporary tables, others do have to wait.
        locks = writes or not self.target.profile.temporary_tables
        with held():
            try:
                self._in_transaction = True
                self._failed = False
                with self._engine_call():
                    self._begin(locks)
                yield
                # Engines may answer this COMMIT with a silent ROLLBACK.
                if self._failed:
                    raise TensorjoinError(f"{self.dialect}: a statement of the transaction failed")
                with self._engine_call():
                    self._commit()
                self.has_changed = self.has_changed or writes
            except BaseException:
                self._rollback()
                raise
            finally:
                self._in_transaction = False

    def tables(self) -> set[str]:
        """The names of the tables and views which an unqualified name can reach."""
        with self._engine_call():
            return self._tables()

    def version(self) -> str:
        """The engine's version, such as 3.40.1."""
        ((text,),) = self.query(Statement(self.version_query))
        return str(text).split()[0].lstrip("v")

    def columns(self, statement: Statement) -> list[str]:
        """The names of the columns that a query has."""
        with self._engine_call():
            return self._columns(self._own(statement))

    def view_statements(
        self, view: str, helpers: str, query: str, is_large: bool
    ) -> list[Statement]:
        """
        What creates a view, and what it needs, whose names begin with `helpers`; a query is large
        if it computes what it reads several times.
        """
        return [Statement(f"CREATE VIEW {quoted_name(view)} AS {query}")]

    def drop_statements(self, view: str, helpers: str) -> list[Statement]:
        """What drops a view and all that was made for it."""
        return [Statement(f"DROP VIEW {quoted_name(view)}")]

    def runs(self, target: str) -> bool:
        """Whether what was compiled for a target runs in this database."""
        return target == self.target.name

    def insert(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        """
        Append rows, given as columns of equal length.

        A column is one-dimensional (int64, float32, float64, or object: `str` and `None`) or, where
        the target has vectors, two-dimensional (int64, float32 or float64). All rows or none.
        """
        rows = {len(column) for column in columns.values()}
        if len(rows) != 1:
            raise ValueError(f"columns of {table!r} differ in length: {sorted(rows)}")
        for name, column in columns.items():
            if column.ndim != 1 and not (column.ndim == 2 and self.target.profile.vectors):
                raise ValueError(f"column {name!r} of {table!r} has {column.ndim} dimensions")
        if rows != {0}:
            with self._engine_call():
                self._insert(self._own_name(table), columns)

    def drop_table(self, name: str) -> None:
        """Drop a table."""
        self.execute(self.statement(self.target.spelling.drop_table(name)))

    def empty_table(self, name: str) -> None:
        """Delete all rows of a table."""
        self.execute(self.statement(self.target.spelling.empty_table(name)))

    @contextmanager
    def loading(self) -> Generator[None]:
        """Around a transaction that inserts many blocks of rows: the engine may set itself up."""
        yield

    def row_group_rows(self, rows: int, row_bytes: int) -> int:
        """
        Into pieces of how many rows so many of a size are best cut, each of which is set apart.
        """
        return rows

    def pad_row_group(self, table: str, column: str) -> None:
        """
        Have the rows that are inserted next lie apart from those before, where the engine reads
        rows in large groups; rows in which `column` and all else is null may fill the last group.
        """
        return

    def analyze(self, table: str) -> None:
        """Let an engine that plans by statistics look at what a table now holds."""
        return

    def expect_rows(self, rows: int) -> None:
        """Prepare for statements over tables of up to so many rows."""
        return

    def slowness(self) -> str | None:
        """One line about this version of the engine if it is known to be slow."""
        return None

    @abstractmethod
    def _target(self) -> Target: ...

    @abstractmethod
    def limit_memory(self, size: int) -> None:
        """
        Let the engine hold about `size` bytes, and the rest in files; before anything else is done.
        """

    @abstractmethod
    def require_writable(self) -> None:
        """Refuse, without changing anything, if nothing could be written here."""

    def close(self) -> None:
        """
        Close the connection; what is not committed is lost. A call that cannot be ended is left to
        the end of the process.
        """
        with held():
            try:
                if not self._is_closed:
                    self._drop_own_tables()
            finally:
                self._is_closed = True
                self._close()

    def _drop_own_tables(self) -> None:
        """Drop the ordinary tables that stand for temporary ones, as far as the engine lets us."""
        # What was not asked for its target has run no program.
        if "target" not in self.__dict__ or self.target.profile.temporary_tables:
            return
        with suppress(TensorjoinError), self.transaction(writes=False):
            for name in self.tables():
                if name.endswith(self._mark):
                    self.drop_table(name)

    def _own(self, statement: Statement) -> Statement:
        """A statement of a program, in which the tables of a connection are those of this one."""
        if OF_CONNECTION not in statement.sql:
            return statement
        return replace(statement, sql=self._own_name(statement.sql))

    def _own_name(self, name: str) -> str:
        return name.replace(OF_CONNECTION, self._mark)

    @abstractmethod
    def _close(self) -> None: ...

    @abstractmethod
    def _execute(self, statement: Statement, arguments: dict[str, Value]) -> None: ...

    def _execute_all(self, calls: Sequence[tuple[Statement, dict[str, Value]]]) -> None:
        for statement, arguments in calls:
            take()
            self._execute(statement, arguments)

    @abstractmethod
    def _query(
        self, statement: Statement, arguments: dict[str, Value]
    ) -> list[tuple[Any, ...]]: ...

    @abstractmethod
    def _begin(self, writes: bool) -> None: ...

    @abstractmethod
    def _commit(self) -> None: ...

    @abstractmethod
    def _rollback(self) -> None:
        """Must not raise, nor be interrupted: it runs while another exception is on its way."""

    @abstractmethod
    def _tables(self) -> set[str]: ...

    @abstractmethod
    def _columns(self, statement: Statement) -> list[str]: ...

    @abstractmethod
    def _insert(self, table: str, columns: Mapping[str, np.ndarray]) -> None: ...

    def _arguments(self, statement: Statement, values: Mapping[str, Value]) -> dict[str, Value]:
        try:
            return {name: values[name] for name in statement.parameters}
        except KeyError as error:
            raise TensorjoinError(f"no value for the parameter {error} of a statement") from error

    def _interruption(self, error: Exception) -> BaseException | None:
        """What Ctrl-C raised, if the driver's error stands for that."""
        return None

    @contextmanager
    def _engine_call(self) -> Generator[None]:
        """Around all that is asked of the engine: a safe point, and errors of one line."""
        with held():
            take()
            try:
                yield
            except (*self.engine_errors, OverflowError) as error:
                self._failed = True
                if (interruption := self._interruption(error)) is not None:
                    raise interruption from error
                raise TensorjoinError(f"{self.dialect}: {first_line(error)}") from error
            except BaseException:
                self._failed = True
                raise


def first_line(error: Exception) -> str:
    """The first line of an engine's message; engines go on with the statement and a caret."""
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__


def quoted_name(name: str) -> str:
    """The name of a table or view as every engine reads it."""
    return identifier(name).sql()


def insertion(table: str, columns: Iterable[str], source: exp.Expr) -> exp.Insert:
    """INSERT INTO `table` (the names of `columns`) followed by `source`."""
    target = exp.Table(this=identifier(table))
    names = [identifier(name) for name in columns]
    return exp.Insert(this=exp.Schema(this=target, expressions=names), expression=source)


def may(path: Path, mode: int) -> bool:
    """Whether the process, as the user it acts for, has an access (`os.R_OK`, ...) to `path`."""
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def require_writable_file(path: Path) -> None:
    """Refuse a database file which cannot be written, or beside which no journal can be."""
    if not may(path, os.W_OK):
        raise TensorjoinError(f"cannot write to {path}: give yourself write permission to the file")
    if not may(path.parent, os.W_OK | os.X_OK):
        raise TensorjoinError(
            f"cannot write to {path.parent}: a database needs room for its journal beside its file"
        )
