"""PostgreSQL, through psycopg."""

import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8BinaryDumper

from tensorjoin.backend import Target
from tensorjoin.backends.database import Database, Value, first_line, quoted_name
from tensorjoin.backends.postgres import PGVECTOR, POSTGRES
from tensorjoin.backends.worker import Worker
from tensorjoin.errors import TensorjoinError
from tensorjoin.program import Statement

# Statements are short: compiling one costs more than it saves. Their joins are ordered already, and
# by better estimates: temporary tables have no statistics. What a token leaves in these is some
# megabytes, and would go through files. See
# docs/notes/joins.md#temporary-tables-without-statistics and docs/notes/tokens.md#a-token-of-15m.
SETTINGS = (
    "SET client_min_messages = warning",
    "SET jit = off",
    "SET join_collapse_limit = 1",
    "SET temp_buffers = '64MB'",
)
TABLES = Statement(
    "SELECT relname::text FROM pg_catalog.pg_class"
    " WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND (relnamespace = pg_my_temp_schema()"
    " OR relnamespace = quote_ident(current_schema())::regnamespace)"
)
PGVECTOR_INSTALLED = Statement(
    "SELECT to_regtype('halfvec') IS NOT NULL FROM pg_catalog.pg_extension WHERE extname = 'vector'"
)
"""Whether pgvector, if it is installed, is one that has half vectors; 0.7 is the first."""
CONNECT_SECONDS = 10
CANCEL_SECONDS = 0.5
"""What a request to cancel may take; it is made again as long as the statement runs."""
BATCH_BYTES = 1 << 20
"""Rows sent at a time: few enough to stay in the processor's cache."""
COPY_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_END = b"\xff\xff"
WIRE_TYPES = {"int2": ">i2", "int4": ">i4", "int8": ">i8", "float4": ">f4", "float8": ">f8"}
"""PostgreSQL's number types, and how numpy calls their form on the wire."""

# The driver logs what it ignores as a cancelled pipeline ends, and Python prints what is logged and
# nobody handles.
logging.getLogger("psycopg").addHandler(logging.NullHandler())


class PostgresDatabase(Database):
    """A PostgreSQL server's database, given as a `postgresql://` URL."""

    dialect = "postgres"
    engine_errors = (psycopg.Error,)
    version_query = "SHOW server_version"

    def __init__(self, url: str) -> None:
        super().__init__()
        parts = _parts(url)
        try:
            self._connection = psycopg.connect(
                **parts, autocommit=True, cursor_factory=psycopg.RawCursor
            )
        except psycopg.Error as error:
            raise TensorjoinError(
                f"cannot connect to {_where(parts)}: {_reason(error)};"
                " check the URL, and that the server is running"
            ) from error
        # One dumper for all integers: psycopg's own picks int2, int4 or int8 by the value, and
        # each is another prepared statement.
        self._connection.adapters.register_dumper(int, Int8BinaryDumper)
        self._connection.prepared_max = None
        with self._engine_call():
            for setting in SETTINGS:
                self._connection.execute(setting)
        self._cursor = self._connection.cursor(binary=True)
        # Ctrl-C inside the driver leaves, now and then, a connection with a command under way.
        self._worker = Worker(self._cancel)

    def _target(self) -> Target:
        for (half_vectors,) in self.query(PGVECTOR_INSTALLED):
            return replace(PGVECTOR, profile=replace(PGVECTOR.profile, half_vectors=half_vectors))
        return POSTGRES

    def runs(self, target: str) -> bool:
        return target in (POSTGRES.name, self.target.name)

    def analyze(self, table: str) -> None:
        self.execute(Statement(f"ANALYZE {quoted_name(table)}"))

    def limit_memory(self, size: int) -> None:
        # The server's shared memory is not ours to set, only what it adds for this session.
        # Several sorts and hashes may be under way in one statement.
        kilobytes = size // 1024
        shares = {
            "temp_buffers": kilobytes // 4,
            "maintenance_work_mem": kilobytes // 4,
            "work_mem": kilobytes // 16,
        }
        with self._engine_call():
            for name, share in shares.items():
                self._connection.execute("SELECT set_config($1, $2, false)", [name, f"{share}kB"])

    def require_writable(self) -> None:
        rows = self.query(
            Statement(
                "SELECT current_schema(), current_setting('transaction_read_only') = 'off'"
                " AND has_schema_privilege(current_schema(), 'CREATE')"
            )
        )
        schema, writable = rows[0]
        if not writable:
            raise TensorjoinError(
                f"cannot write to schema {schema!r}: connect as a role that may create tables there"
            )

    def _close(self) -> None:
        # The driver has no lock that would keep the one from the other's call.
        if self._worker.close():
            self._connection.close()

    def view_statements(
        self, view: str, helpers: str, query: str, is_large: bool
    ) -> list[Statement]:
        """
        A large query is planned in a function, which has settings: its common table expressions
        have no statistics, and loops over loops are chosen for what is taken for one row.
        """
        if not is_large:
            return super().view_statements(view, helpers, query, is_large)
        inner, rows = quoted_name(f"{helpers}query"), quoted_name(f"{helpers}rows")
        return [
            Statement(f"CREATE VIEW {inner} AS {query}"),
            Statement(
                f"CREATE FUNCTION {rows}() RETURNS SETOF {inner} LANGUAGE sql STABLE"
                " SET enable_nestloop = off SET jit = off"
                f" BEGIN ATOMIC SELECT * FROM {inner}; END"
            ),
            Statement(f"CREATE VIEW {quoted_name(view)} AS SELECT * FROM {rows}()"),
        ]

    def drop_statements(self, view: str, helpers: str) -> list[Statement]:
        return [
            *super().drop_statements(view, helpers),
            Statement(f"DROP FUNCTION IF EXISTS {quoted_name(f'{helpers}rows')}()"),
            Statement(f"DROP VIEW IF EXISTS {quoted_name(f'{helpers}query')}"),
        ]

    def _execute(self, statement: Statement, arguments: dict[str, Value]) -> None:
        self._worker.run(lambda: self._run(statement, arguments))

    def _execute_all(self, calls: Sequence[tuple[Statement, dict[str, Value]]]) -> None:
        self._worker.run(lambda: self._run_all(calls))

    def _query(self, statement: Statement, arguments: dict[str, Value]) -> list[tuple[Any, ...]]:
        return self._worker.run(
            lambda: (
                cursor.fetchall() if (cursor := self._run(statement, arguments)).description else []
            )
        )

    def _run(
        self, statement: Statement, arguments: dict[str, Value]
    ) -> psycopg.Cursor[tuple[Any, ...]]:
        parameters = list(arguments.values())
        return self._cursor.execute(statement.sql.encode(), parameters, prepare=True)

    def _run_all(self, calls: Sequence[tuple[Statement, dict[str, Value]]]) -> None:
        """Send each statement while those before it run."""
        with self._connection.pipeline():
            for statement, arguments in calls:
                self._run(statement, arguments)

    def _cancel(self) -> None:
        with contextlib.suppress(psycopg.Error):
            self._connection.cancel_safe(timeout=CANCEL_SECONDS)

    def _columns(self, statement: Statement) -> list[str]:
        found = self._worker.run(lambda: self._run(statement, {}).description)
        return [column.name for column in found or ()]

    def _begin(self, writes: bool) -> None:
        self._worker.run(lambda: self._connection.execute("BEGIN"))

    def _commit(self) -> None:
        self._worker.run(lambda: self._connection.execute("COMMIT"))

    def _rollback(self) -> None:
        # A session whose call does not end is out of reach.
        with contextlib.suppress(psycopg.Error, TensorjoinError):
            if self._connection.info.transaction_status != TransactionStatus.IDLE:
                self._worker.run(lambda: self._connection.execute("ROLLBACK"), cancels=False)

    def _tables(self) -> set[str]:
        return {name for (name,) in self._query(TABLES, {})}

    def _insert(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        self._worker.run(lambda: self._copy(table, columns))

    def _copy(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        binary = self._wire_columns(table, columns)
        copy = sql.SQL("COPY {} ({}) FROM STDIN {}").format(
            sql.Identifier(table),
            sql.SQL(", ").join(sql.Identifier(name) for name in columns),
            sql.SQL("(FORMAT BINARY)") if binary else sql.SQL(""),
        )
        with self._cursor.copy(copy) as stream:
            if binary:
                stream.write(COPY_SIGNATURE)
                row_bytes = sum(column.itemsize for column in binary)
                step = max(1, BATCH_BYTES // row_bytes)
                for start in range(0, len(binary[0]), step):
                    stream.write(_wire_rows([c[start : start + step] for c in binary]))
                stream.write(COPY_END)
            else:
                lists = (column.tolist() for column in columns.values())
                for row in zip(*lists, strict=True):
                    stream.write_row(row)

    def _wire_columns(self, table: str, columns: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The columns as the table stores them, or nothing if one has to go as text."""
        rows = self._cursor.execute(
            "SELECT attname::text, typname::text"
            " FROM pg_catalog.pg_attribute JOIN pg_catalog.pg_type ON pg_type.oid = atttypid"
            " WHERE attrelid = quote_ident($1)::regclass AND attnum > 0",
            [table],
        ).fetchall()
        types = {name: WIRE_TYPES.get(type_name) for name, type_name in rows}
        wire: list[np.ndarray] = []
        for name, column in columns.items():
            if column.ndim == 2:
                wire.append(_wire_vectors(column))
                continue
            wire_type = types.get(name)
            if wire_type is None or column.dtype.kind not in "if":
                return []
            with np.errstate(over="ignore", invalid="ignore"):
                converted = column.astype(wire_type)
            if not np.array_equal(converted, column):
                return []
            wire.append(converted)
        return wire


def _wire_vectors(column: np.ndarray) -> np.ndarray:
    """
    Vectors as pgvector's types receive them: dimensions, nothing, and for each element two bytes
    (`halfvec`) if they are float16, else four (`vector`).
    """
    rows, size = column.shape
    element = ">f2" if column.dtype == np.float16 else ">f4"
    vectors = np.zeros(rows, [("size", ">i2"), ("unused", ">i2"), ("values", element, (size,))])
    vectors["size"] = size
    vectors["values"] = column
    return vectors


def _wire_rows(columns: list[np.ndarray]) -> bytes:
    """Rows of numbers in COPY's binary form: the count of fields, then each with its length."""
    fields: list[tuple[str, object]] = [("count", ">i2")]
    for index, column in enumerate(columns):
        fields += [(f"length{index}", ">i4"), (f"value{index}", column.dtype)]
    rows = np.empty(len(columns[0]), dtype=np.dtype(fields))
    rows["count"] = len(columns)
    for index, column in enumerate(columns):
        rows[f"length{index}"] = column.dtype.itemsize
        rows[f"value{index}"] = column
    return rows.tobytes()


def _parts(url: str) -> dict[str, Any]:
    """A URL's connection parameters."""
    try:
        parts: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, **conninfo_to_dict(url)}
    except psycopg.Error:
        parts = {}
    # The driver's own message might quote a piece of the password, as might what a password with
    # an @ or a slash makes of the rest.
    if not parts or any("@" in str(parts.get(name)) for name in ("host", "port", "dbname")):
        raise TensorjoinError(
            "not a PostgreSQL URL: write postgresql://user:password@host:port/database,"
            " with special characters percent-encoded"
        )
    return parts


def _where(parts: dict[str, Any]) -> str:
    """Database and server, without the password."""
    host = parts.get("host") or parts.get("hostaddr") or "the default host"
    return f"PostgreSQL database {parts.get('dbname') or 'of the user'!r} at {host}"


def _reason(error: psycopg.Error) -> str:
    """The line that says why: the last part, after the addresses that were tried."""
    line = first_line(error)
    return line.rpartition("FATAL:")[2].strip()
