"""
The contract of a backend, as tests: what the rest of the project relies on.

    import pytest
    from tensorjoin.testing.backend_contract import BackendContract

    class TestMine(BackendContract):
        @pytest.fixture
        def url(self, tmp_path):
            return f"mine:///{tmp_path}/test.db"
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import repeat

import numpy as np
import pytest
from sqlglot import exp

from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database, Value
from tensorjoin.backends.spelling import ColumnDefinition, TableDefinition, identifier
from tensorjoin.errors import TensorjoinError
from tensorjoin.pipelines import statements
from tensorjoin.program import Statement
from tensorjoin.testing.engines import assert_rows, execute
from tensorjoin.testing.modules import lowered, run

STRANGE_NAMES = (
    'two "double" quotes',
    "it's; DROP TABLE t; --",
    "100 % s %s %(a)s $1 :a ?",
    "Größe 東京 🦆",
    "select",
    "CamelCase",
)
INTEGERS = (0, 1, -1, 1 << 15, 1 << 31, 1 << 62, -(1 << 63))
MANY = 120_001
"""More rows than an engine takes at a time."""
RELATIONS = """
rel.table input @x : <[p: ?, i: 4], v: f64, n: i64>
rel.table scratch @kept : <[p: ?, i: 4], v: f64, n: i64>
rel.table scratch @sums : <[p: ?], s: f64, n: i64, hi: f64, lo: f64>
rel.table scratch @ranks : <[p: ?, i: 4], v: f64, n: i64, rank: i64, mass: f64>
rel.table scratch @joined : <[p: ?, i: 4, o: 2], v: f64, n: i64, w: f64>
rel.table scratch @functions : <[p: ?, i: 4], e: f64, s: f64, c: f64, q: f64, d: i64, m: i64>
rel.table scratch @both : <[p: ?, i: 4], v: f64, n: i64>
func.func @forward() {
  %x = rel.scan @x : !rel.relation<[p: ?, i: 4], v: f64, n: i64>
  %kept = rel.select %x where and(and(gt(v, ?low float), lt(p, ?end)), or(ne(i, 0), eq(n, 1)))
  %sums = rel.aggregate %x by [p] {s = sum(mul(v, v)), n = count(i), hi = max(v), lo = min(v)}
  %ranks = rel.window %x per [p] by [desc v, i] {rank = row_number(), mass = running_sum(v)}
  %w = rel.values [0.5, 1.0, -1.5, 2.0, 1.0e-3, 3.0, 0.0, 4.0] : !rel.relation<[o: 2, i: 4], w: f64>
  %joined = rel.join %x, %w on [i]
  %functions = rel.project %x [p, i]
    {e = exp(div(v, 10.0)), s = sin(v), c = cos(v), q = sqrt(abs(v)), d = idiv(n, 7), m = mod(n, 7)}
  %low = rel.select %x where lt(i, 2)
  %high = rel.select %x where ge(i, 2)
  %both = rel.union %high, %low
    : (!rel.relation<[p: ?, i: 4], v: f64, n: i64>, !rel.relation<[p: ?, i: 4], v: f64, n: i64>)
    -> !rel.relation<[p: ?, i: 4], v: f64, n: i64>
  rel.insert %kept into @kept
  rel.insert %sums into @sums
  rel.insert %ranks into @ranks
  rel.insert %joined into @joined
  rel.insert %functions into @functions
  rel.insert %both into @both
  func.return
}
"""
ROWS = {
    "x": {
        "p": np.repeat(np.arange(3), 4),
        "i": np.tile(np.arange(4), 3),
        "v": np.array([0.5, -1.5, 2.0, -0.25, 3.0, 0.0, 1.0, 1.0, -4.0, 0.125, 8.0, 2.5]),
        "n": np.array([7, -7, 6, -6, 1, -1, 0, 5, -5, 100, -100, 3]),
    }
}


def create_table(database: Database, name: str, columns: Mapping[str, str]) -> None:
    """A table whose columns have types by their names in PostgreSQL."""
    types = {
        column: ColumnDefinition(exp.DataType.build(kind, dialect="postgres"))
        for column, kind in columns.items()
    }
    definition = TableDefinition(name, "state", types)
    database.execute(database.statement(database.target.spelling.create_table(definition)))


def rows(database: Database, table: str, order: str) -> list[tuple[object, ...]]:
    """All rows of a table, by the order of a column."""
    tree = exp.select("*").from_(exp.Table(this=identifier(table)))
    return database.query(database.statement(tree.order_by(exp.Column(this=identifier(order)))))


def one_line(error: pytest.ExceptionInfo[TensorjoinError]) -> str:
    """The message of an error, which is one line."""
    message = str(error.value)
    assert message
    assert "\n" not in message
    return message


def parameter(database: Database, name: str, position: int = 1, kind: str = "BIGINT") -> exp.Expr:
    """A parameter of a statement, as a number or a text."""
    type = exp.DataType.build(kind)
    return exp.cast(database.target.spelling.parameter(name, position, type), type)


def insertion(database: Database) -> Statement:
    """Into the one column i of t."""
    select = exp.select(parameter(database, "i", kind="INT"))
    target = exp.Schema(this=exp.Table(this=identifier("t")), expressions=[identifier("i")])
    return database.statement(exp.Insert(this=target, expression=select), "i")


def missing(database: Database) -> Statement:
    """A query of a table that does not exist."""
    return database.statement(exp.select("*").from_(exp.Table(this=identifier("missing"))))


class BackendContract:
    """Each test is a promise that an engine's connection keeps; a subclass says at which URL."""

    @pytest.fixture
    def url(self) -> str:
        """The URL of a database that does not exist yet, or is empty."""
        raise NotImplementedError("a subclass has the fixture `url`")

    @pytest.fixture
    def database(self, url: str) -> Iterator[Database]:
        with closing(connect(url, create=True)) as opened:
            yield opened

    # Values

    def test_statement_takes_only_its_own_parameters(self, database: Database) -> None:
        number = exp.Add(this=parameter(database, "one"), expression=exp.Literal.number(1))
        text = parameter(database, "two", 2, "TEXT")
        statement = database.statement(
            exp.select(number, text, exp.Literal.string("%s")), "one", "two"
        )
        values = {"zero": 0, "two": "it's", "one": 41, "three": 3}
        assert database.query(statement, values) == [(42, "it's", "%s")]
        assert database.query(statement, {"one": None, "two": None}) == [(None, None, "%s")]

    def test_missing_parameter(self, database: Database) -> None:
        statement = database.statement(exp.select(parameter(database, "one")), "one")
        with pytest.raises(TensorjoinError, match="no value for the parameter 'one'"):
            database.query(statement, {"two": 2})

    def test_integers_of_all_sizes(self, database: Database) -> None:
        statement = database.statement(exp.select(parameter(database, "i")), "i")
        for value in INTEGERS:
            assert database.query(statement, {"i": value}) == [(value,)]

    def test_integer_too_large(self, database: Database) -> None:
        statement = database.statement(exp.select(parameter(database, "i")), "i")
        with pytest.raises(TensorjoinError) as error:
            database.query(statement, {"i": 1 << 70})
        one_line(error)

    # Bulk insertion

    def test_insert_round_trip(self, database: Database) -> None:
        kinds = {"i": "BIGINT", "f": "REAL", "d": "DOUBLE PRECISION", "s": "TEXT"}
        create_table(database, "t", kinds)
        i = np.array([-(1 << 63), -1, 0, 1, (1 << 63) - 1])
        f = np.array([1e-45, -3.4028235e38, 0.1, -np.inf, 16777217.0], np.float32)
        d = np.array([5e-324, -1.7976931348623157e308, 0.1, np.inf, -1.0])
        s = np.array(["", 'it\'s a "test"; --', None, "tab\t\\N\n100%", "東京 🦆"], dtype=object)
        with database.transaction():
            database.insert("t", {"s": s, "i": i, "d": d, "f": f})
        assert rows(database, "t", "i") == list(
            zip(i.tolist(), f.tolist(), d.tolist(), s.tolist(), strict=True)
        )

    def test_insert_nothing(self, database: Database) -> None:
        create_table(database, "t", {"i": "BIGINT", "s": "TEXT"})
        database.insert("t", {"i": np.zeros(0, np.int64), "s": np.zeros(0, object)})
        assert rows(database, "t", "i") == []

    def test_insert_many(self, database: Database) -> None:
        create_table(database, "t", {"i": "INT", "f": "REAL"})
        i = np.arange(MANY)
        f = np.random.default_rng(0).standard_normal(len(i)).astype(np.float32)
        database.insert("t", {"i": i, "f": f})
        assert rows(database, "t", "i") == list(zip(i.tolist(), f.tolist(), strict=True))

    def test_insert_strided_columns(self, database: Database) -> None:
        create_table(database, "t", {"i": "INT", "f": "REAL"})
        matrix = np.arange(12, dtype=np.float32).reshape(4, 3)
        database.insert("t", {"i": np.arange(8)[::2], "f": matrix[:, 1]})
        assert rows(database, "t", "i") == [(0, 1.0), (2, 4.0), (4, 7.0), (6, 10.0)]

    def test_insert_refuses_uneven_columns(self, database: Database) -> None:
        with pytest.raises(ValueError, match="differ in length"):
            database.insert("t", {"i": np.arange(2), "j": np.arange(3)})

    # Names

    def test_names(self, database: Database) -> None:
        for name in STRANGE_NAMES:
            create_table(database, name, {name: "INT", "other": "TEXT"})
            database.insert(name, {name: np.array([1, 2]), "other": np.array(["a", None], object)})
            database.insert(name, {name: np.array([3])})
            assert rows(database, name, name) == [(1, "a"), (2, None), (3, None)]
        assert database.tables() == set(STRANGE_NAMES)

    # Several statements

    def test_execute_all(self, database: Database) -> None:
        create_table(database, "t", {"i": "INT"})
        database.execute_all(zip(repeat(insertion(database)), [{"i": i} for i in range(3)]))
        assert rows(database, "t", "i") == [(0,), (1,), (2,)]

    def test_execute_all_ends_with_what_fails(
        self, database: Database, capfd: pytest.CaptureFixture[str]
    ) -> None:
        create_table(database, "t", {"i": "INT"})
        insert = insertion(database)
        calls: list[tuple[Statement, Mapping[str, Value]]] = [
            (insert, {"i": 1}),
            (missing(database), {}),
            (insert, {"i": 2}),
        ]
        with pytest.raises(TensorjoinError, match="missing") as error, database.transaction():
            database.execute_all(calls)
        one_line(error)
        assert rows(database, "t", "i") == []
        assert capfd.readouterr() == ("", "")
        database.execute_all([(insert, {"i": 3})])
        assert rows(database, "t", "i") == [(3,)]

    # Transactions

    def test_transaction_commits(self, database: Database, url: str) -> None:
        with database.transaction():
            create_table(database, "t", {"i": "INT"})
            database.insert("t", {"i": np.arange(3)})
        database.close()
        with closing(connect(url, create=False)) as reopened:
            assert rows(reopened, "t", "i") == [(0,), (1,), (2,)]

    @pytest.mark.parametrize("exception", [RuntimeError, KeyboardInterrupt])
    def test_transaction_rolls_back(
        self, database: Database, exception: type[BaseException]
    ) -> None:
        create_table(database, "t", {"i": "INT"})
        database.insert("t", {"i": np.array([1])})
        with pytest.raises(exception), database.transaction():  # noqa: PT012
            database.insert("t", {"i": np.arange(3)})
            create_table(database, "u", {"i": "INT"})
            raise exception
        assert database.tables() == {"t"}
        assert rows(database, "t", "i") == [(1,)]
        with database.transaction():
            database.insert("t", {"i": np.array([2])})
        assert rows(database, "t", "i") == [(1,), (2,)]

    def test_failed_insert_keeps_its_own_error(self, database: Database) -> None:
        with pytest.raises(TensorjoinError, match="missing"), database.transaction():
            database.insert("missing", {"i": np.arange(3)})

    def test_caught_error_dooms_the_transaction(self, database: Database) -> None:
        create_table(database, "t", {"i": "INT"})
        doomed = pytest.raises(TensorjoinError, match="statement of the transaction failed")
        with doomed, database.transaction():  # noqa: PT012
            database.insert("t", {"i": np.arange(3)})
            with pytest.raises(TensorjoinError):
                database.execute(missing(database))
        assert rows(database, "t", "i") == []

    def test_transactions_do_not_nest(self, database: Database) -> None:
        create_table(database, "t", {"i": "INT"})
        with database.transaction():
            database.insert("t", {"i": np.arange(1)})
            with pytest.raises(RuntimeError, match="already open"), database.transaction():
                pass
        assert rows(database, "t", "i") == [(0,)]

    # Errors

    def test_engine_error_is_one_line(self, database: Database) -> None:
        with pytest.raises(TensorjoinError) as error:
            database.query(missing(database))
        message = one_line(error)
        assert message.startswith(f"{database.dialect}: ")
        assert "missing" in message
        assert isinstance(error.value.__cause__, database.engine_errors)
        with pytest.raises(TensorjoinError) as error:
            database.query(Statement("SELEKT"))
        one_line(error)

    # Meaning

    def test_relations_mean_the_same(self, database: Database) -> None:
        """What `rel` gives in the interpreter, its statements give on the engine."""
        parameters = {"low": -2.0, "end": 2}
        expected = run(RELATIONS, inputs=ROWS, parameters=parameters).outputs
        module = lowered(RELATIONS, database.target, statements())
        found = execute(database, module, ROWS, parameters)
        for name, relation in expected.items():
            assert_rows(found[name], relation)
