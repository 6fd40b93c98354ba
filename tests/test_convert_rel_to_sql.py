"""`convert-rel-to-sql`, executed: the SQL on each engine gives what the interpreter gives."""

import numpy as np
import pytest
from xdsl.utils.exceptions import VerifyException

from tensorjoin.backends.database import Database
from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.rel.allocate_scratch import AllocateScratchPass
from tensorjoin.passes.rel_to_sql.convert_rel_to_sql import ConvertRelToSqlPass
from tensorjoin.passes.sql.merge_ctes import MergeCtesPass
from tensorjoin.testing.engines import assert_rows, assert_same_on, execute
from tensorjoin.testing.modules import applied

X = {
    "x": {
        "p": np.repeat(np.arange(3), 4),
        "i": np.tile(np.arange(4), 3),
        "v": np.array([0.5, -1.5, 2.0, -0.25, 3.0, 0.0, 1.0, 1.0, -4.0, 0.125, 8.0, 2.5]),
        "n": np.array([7, -7, 6, -6, 1, -1, 0, 5, -5, 100, -100, 3]),
    }
}
TABLES = """
rel.table input @x : <[p: ?, i: 4], v: f64, n: i64>
"""
SCAN = "%x = rel.scan @x : !rel.relation<[p: ?, i: 4], v: f64, n: i64>"


def program(body: str, **outputs: str) -> str:
    """A module that reads @x and fills a table for each of `outputs`, a relation each."""
    tables = "".join(f"rel.table scratch @{n} : {type}\n" for n, type in outputs.items())
    inserts = "".join(f"rel.insert %{name} into @{name}\n" for name in outputs)
    return f"{TABLES}{tables}func.func @f() {{\n{SCAN}\n{body}\n{inserts}func.return\n}}"


def both_forms(database: Database) -> tuple[tuple[ConvertRelToSqlPass | MergeCtesPass, ...], ...]:
    """A query for each operator, and merged queries."""
    merge = MergeCtesPass(target=database.target.name)
    return ((ConvertRelToSqlPass(),), (ConvertRelToSqlPass(), merge))


def test_each_operator(database: Database):
    text = program(
        """
        %copy = rel.select %x where ge(p, 0)
        %kept = rel.select %x where and(and(gt(v, ?low float), lt(p, ?end)), or(ne(i, 0), eq(n, 1)))
        %moved = rel.project %x [h = idiv(i, 2) to 2, d = mod(i, 2) to 2, p] {w = mul(v, 2.0)}
        %sums = rel.aggregate %x by [p] {s = sum(mul(v, v)), n = count(i), hi = max(v), lo = min(v)}
        %all = rel.aggregate %x by [] {s = sum(v), n = sum(n)}
        %ranks = rel.window %x per [p] by [desc v, i] {rank = row_number(), mass = running_sum(v)}
        %order = rel.window %x per [] by [p, desc i] {rank = row_number()}
        %w = rel.values [0.5, 1.0, -1.5, 2.0, 1.0e-3, 3.0, 0.0, 4.0]
            : !rel.relation<[o: 2, i: 4], w: f64>
        %joined = rel.join %x, %w on [i]
        %r = rel.range k to 2
        %product = rel.join %sums, %r on []
        """,
        copy="<[p: ?, i: 4], v: f64, n: i64>",
        kept="<[p: ?, i: 4], v: f64, n: i64>",
        moved="<[h: 2, d: 2, p: ?], w: f64>",
        sums="<[p: ?], s: f64, n: i64, hi: f64, lo: f64>",
        all="<[], s: f64, n: i64>",
        ranks="<[p: ?, i: 4], v: f64, n: i64, rank: i64, mass: f64>",
        order="<[p: ?, i: 4], v: f64, n: i64, rank: i64>",
        joined="<[p: ?, i: 4, o: 2], v: f64, n: i64, w: f64>",
        product="<[p: ?, k: 2], s: f64, n: i64, hi: f64, lo: f64>",
        r="<[k: 2]>",
        w="<[o: 2, i: 4], w: f64>",
    )
    for passes in both_forms(database):
        results = assert_same_on(
            database, text, *passes, tables=X, parameters={"low": -2.0, "end": 2}
        )
    v = X["x"]["v"].reshape(3, 4)
    np.testing.assert_allclose(results["sums"]["s"], (v**2).sum(axis=1))
    assert results["ranks"]["rank"].tolist() == [2, 4, 1, 3, 1, 4, 2, 3, 4, 3, 1, 2]


ROWS = "<[p: ?, i: 4], v: f64, n: i64>"


def union(*names: str) -> str:
    """The rows of relations of the type of %x."""
    types = ", ".join([f"!rel.relation{ROWS}"] * len(names))
    return f"rel.union {', '.join(names)} : ({types}) -> !rel.relation{ROWS}"


def test_unions(database: Database):
    text = program(
        f"""
        %low = rel.select %x where lt(i, 2)
        %high = rel.select %x where ge(i, 2)
        %none = rel.select %x where lt(p, 0)
        %moved = rel.project %x [p = add(p, 3), i] {{v = neg(v), n}}
        %whole = {union("%high", "%low")}
        %more = {union("%low", "%moved", "%none", "%high")}
        %one = {union("%low")}
        %empty = {union("%none", "%none")}
        %again = {union("%x", "%one", "%x")}
        %sums = rel.aggregate %again by [p] {{s = sum(v), m = count(n)}}
        %nested = {union("%whole", "%moved")}
        %kept = rel.select %nested where gt(v, 0.0)
        %ranks = rel.window %more per [i] by [desc v, p] {{rank = row_number()}}
        %pairs = rel.join %sums, %whole on [p]
        """,
        whole=ROWS,
        more=ROWS,
        one=ROWS,
        empty=ROWS,
        sums="<[p: ?], s: f64, m: i64>",
        kept=ROWS,
        ranks="<[p: ?, i: 4], v: f64, n: i64, rank: i64>",
        pairs="<[p: ?, i: 4], s: f64, m: i64, v: f64, n: i64>",
    )
    for passes in both_forms(database):
        results = assert_same_on(database, text, *passes, tables=X)
    assert_rows(results["whole"], X["x"])
    assert results["empty"]["p"].size == 0
    v = X["x"]["v"].reshape(3, 4)
    np.testing.assert_allclose(results["sums"]["s"], 2 * v.sum(axis=1) + v[:, :2].sum(axis=1))
    assert results["sums"]["m"].tolist() == [10, 10, 10]


def test_unions_of_literals_and_of_several_types(database: Database):
    """Integers beside floats are floats."""
    text = program(
        """
        %a = rel.values [1, -2] : !rel.relation<[k: 2], v: i64>
        %b = rel.values [0.5, 1.5, -0.25] : !rel.relation<[k: 3], v: f64>
        %c = rel.project %b [k = add(k, 2) to 5] {v}
        %y = rel.union %a, %c
          : (!rel.relation<[k: 2], v: i64>, !rel.relation<[k: 5], v: f64>)
          -> !rel.relation<[k: 5], v: f64>
        """,
        y="<[k: 5], v: f64>",
    )
    for passes in both_forms(database):
        results = execute(database, applied(text, *passes), X)
        assert results["y"]["v"].tolist() == [1.0, -2.0, 0.5, 1.5, -0.25]


def test_a_long_union(database: Database):
    parts = "".join(
        f"%x{n} = rel.project %x [p = add(p, {3 * n}), i] {{v, n}}\n" for n in range(70)
    )
    whole = union(*(f"%x{n}" for n in range(70)))
    text = program(f"{parts}\n%y = {whole}", y=ROWS)
    for passes in both_forms(database):
        results = execute(database, applied(text, *passes), X)["y"]
        assert results["p"].tolist() == np.repeat(np.arange(210), 4).tolist()
        assert results["v"].tolist() == np.tile(X["x"]["v"], 70).tolist()


def test_scalar_functions(database: Database):
    text = program(
        """
        %y = rel.project %x [p, i] {
          a = add(mul(v, 2.0), sub(v, -1.0)), b = div(v, 4.0), c = neg(neg(v)), d = neg(-1.5),
          e = greatest(v, 0.5), f = least(v, 0.5), g = exp(v), h = sqrt(abs(v)), j = sin(v),
          k = cos(v), l = sub(sub(v, 1.0), sub(2.0, v)), m = div(8.0, div(2.0, 4.0)),
          o = if(and(gt(v, 0.0), not(eq(n, 1))), v, neg(v)), q = mul(add(v, 1.0), sub(v, 1.0)),
          r = div(to_float(n), 2.0), s = if(eq(lt(v, 0.0), gt(n, 0)), 1.0, 0.0)}
        """,
        y="<[p: ?, i: 4], " + ", ".join(f"{c}: f64" for c in "abcdefghjklmoqrs") + ">",
    )
    for passes in both_forms(database):
        assert_same_on(database, text, *passes, tables=X)


def test_integer_division_truncates_and_remainders_have_the_sign_of_the_dividend(
    database: Database,
):
    text = program(
        """
        %y = rel.project %x [p, i] {
          a = idiv(n, 2), b = mod(n, 2), c = idiv(n, -3), d = mod(n, -3), e = idiv(neg(n), 4),
          f = idiv(-7, 2), g = mod(-7, 2), h = add(mul(idiv(n, 5), 5), mod(n, 5))}
        """,
        y="<[p: ?, i: 4], " + ", ".join(f"{c}: i64" for c in "abcdefgh") + ">",
    )
    results = assert_same_on(database, text, ConvertRelToSqlPass(), tables=X)["y"]
    assert results["a"].tolist()[:4] == [3, -3, 3, -3]
    assert results["b"].tolist()[:4] == [1, -1, 0, 0]
    assert results["f"].tolist()[0] == -3
    assert results["h"].tolist() == X["x"]["n"].tolist()


def test_to_int_truncates(database: Database):
    text = program(
        "%y = rel.project %x [p, i] {a = to_int(v), b = to_int(neg(v))}",
        y="<[p: ?, i: 4], a: i32, b: i32>",
    )
    assert_same_on(database, text, ConvertRelToSqlPass(), tables=X)


def test_division_of_integers_is_refused():
    with pytest.raises(VerifyException, match="idiv"):
        applied(program("%y = rel.project %x [p, i] {a = div(n, 2)}", y="<[p: ?, i: 4], a: f64>"))


LITERALS = [1e300, 1e-300, 0.1, -0.1, 3.0, 1.0 / 3.0, 0.30000000000000004, 123456789.12345679,
            5e-5, 1e16, 9007199254740993.0, 2.2250738585072014e-308]  # fmt: skip


def test_literals_are_exact(database: Database):
    values = ", ".join(repr(v) if "." in repr(v) else repr(v).replace("e", ".0e") for v in LITERALS)
    text = f"""
    rel.table scratch @y : <[k: {len(LITERALS)}], v: f64>
    rel.table scratch @z : <[j: 1], v: f64>
    func.func @f() {{
      %y = rel.values [{values}] : !rel.relation<[k: {len(LITERALS)}], v: f64>
      rel.insert %y into @y
      %r = rel.range j to 1
      %z = rel.project %r [j] {{v = mul(1.0e300, 1.0e-300)}}
      rel.insert %z into @z
      func.return
    }}
    """
    results = execute(database, applied(text, ConvertRelToSqlPass()))
    assert results["y"]["v"].tolist() == LITERALS
    assert results["z"]["v"].tolist() == [1.0]


def test_integer_literals(database: Database):
    numbers = [0, -1, 2147483647, -2147483648, 9007199254740993, -9007199254740993]
    text = f"""
    rel.table scratch @y : <[k: {len(numbers)}], v: i64>
    func.func @f() {{
      %y = rel.values {numbers} : !rel.relation<[k: {len(numbers)}], v: i64>
      rel.insert %y into @y
      func.return
    }}
    """
    results = execute(database, applied(text, ConvertRelToSqlPass()))
    assert results["y"]["v"].tolist() == numbers


def test_negative_zero(database: Database):
    text = """
    rel.table scratch @y : <[k: 2], v: f64>
    func.func @f() {
      %y = rel.values [-0.0, 0.0] : !rel.relation<[k: 2], v: f64>
      rel.insert %y into @y
      func.return
    }
    """
    results = execute(database, applied(text, ConvertRelToSqlPass()))
    assert results["y"]["v"].tolist() == [0.0, 0.0]


def test_exp_far_below_the_underflow(database: Database):
    """PostgreSQL raises an error where others round to zero."""
    text = program(
        "%y = rel.project %x [p, i] {a = exp(mul(v, 1000.0)), b = exp(-1.0e300)}",
        y="<[p: ?, i: 4], a: f64, b: f64>",
    )
    negative = {"x": {**X["x"], "v": -np.abs(X["x"]["v"])}}
    assert_same_on(database, text, ConvertRelToSqlPass(), tables=negative)


def test_empty_relations(database: Database):
    empty = {"x": {name: column[:0] for name, column in X["x"].items()}}
    text = program(
        """
        %none = rel.range k to 0
        %kept = rel.select %x where gt(v, 0.0)
        %moved = rel.project %x [i, p] {v}
        %sums = rel.aggregate %x by [p] {s = sum(v)}
        %ranks = rel.window %x per [p] by [v, i] {rank = row_number()}
        %product = rel.join %x, %none on []
        """,
        none="<[k: 0]>",
        kept="<[p: ?, i: 4], v: f64, n: i64>",
        moved="<[i: 4, p: ?], v: f64>",
        sums="<[p: ?], s: f64>",
        ranks="<[p: ?, i: 4], v: f64, n: i64, rank: i64>",
        product="<[p: ?, i: 4, k: 0], v: f64, n: i64>",
    )
    for tables in (empty, X):
        for passes in both_forms(database):
            results = execute(database, applied(text, *passes), tables)
            assert results["none"]["k"].size == 0
            assert results["product"]["p"].size == 0
            assert (results["sums"]["p"].size == 0) == (tables is empty)


def test_a_relation_of_rows_without_columns(database: Database):
    text = program(
        """
        %r = rel.range k to 1
        %one = rel.project %r [] {}
        %y = rel.join %x, %one on []
        """,
        y="<[p: ?, i: 4], v: f64, n: i64>",
    )
    for passes in both_forms(database):
        assert_rows(execute(database, applied(text, *passes), X)["y"], X["x"])


def test_loops(database: Database):
    text = """
    rel.table input @x : <[p: ?, i: 4], v: f64, n: i64>
    rel.table scratch @y : <[p: ?, layer: 3], s: f64>
    func.func @f() {
      rel.for layer to 3 {
        %x = rel.scan @x : !rel.relation<[p: ?, i: 4], v: f64, n: i64>
        %at = rel.select %x where eq(i, ?layer)
        %y = rel.project %at [p, layer = ?layer to 3] {s = mul(v, ?scale float)}
        rel.insert %y into @y
        rel.yield
      }
      func.return
    }
    """
    for passes in both_forms(database):
        assert_same_on(database, text, *passes, tables=X, parameters={"scale": 0.5})


def test_carried_relations(database: Database):
    text = program(
        """
        %start = rel.aggregate %x by [p] {v = sum(v)}
        %y = rel.for round to 3 carrying (%start) {
        ^bb0(%z: !rel.relation<[p: ?], v: f64>):
          %next = rel.project %z [p] {v = add(mul(v, 2.0), 1.0)}
          rel.yield %next : !rel.relation<[p: ?], v: f64>
        }
        """,
        y="<[p: ?], v: f64>",
    )
    with pytest.raises(TensorjoinError, match="allocate-scratch"):
        applied(text, ConvertRelToSqlPass())
    assert_same_on(database, text, AllocateScratchPass(), ConvertRelToSqlPass(), tables=X)


def test_what_has_no_form_in_sql_is_refused():
    text = program("%y = rel.materialize %x", y="<[p: ?, i: 4], v: f64, n: i64>")
    with pytest.raises(TensorjoinError, match=r"rel\.materialize has no form in SQL"):
        applied(text, ConvertRelToSqlPass())


NAMES = ["select", 'a "quoted" name', "it's; DROP TABLE x; --", "two words", "CamelCase",
         "100 % :p $1 ?", "Größe 東京"]  # fmt: skip


def test_any_text_names_a_table(database: Database):
    for name in NAMES:
        symbol = name.replace('"', '\\"')
        text = f"""
        rel.table input @x : <[p: ?, i: 4], v: f64, n: i64>
        rel.table scratch @"{symbol}" : <[order: ?], group: f64>
        func.func @f() {{
          {SCAN}
          %at = rel.select %x where eq(i, ?group)
          %y = rel.project %at [order = p] {{group = v}}
          rel.insert %y into @"{symbol}"
          %z = rel.scan @"{symbol}" : !rel.relation<[order: ?], group: f64>
          %moved = rel.project %z [order = add(order, 10)] {{group}}
          rel.insert %moved into @"{symbol}"
          func.return
        }}
        """
        for passes in both_forms(database):
            results = execute(database, applied(text, *passes), X, {"group": 0})
            assert results[name]["order"].tolist() == [0, 1, 2, 10, 11, 12]


@pytest.mark.parametrize("keys", ["p", "p, i"])
def test_deletion(keys: str, database: Database):
    """The rows whose keys are named go, and no others; by one key, and by several."""
    schema = "[p: ?, i: 4], v: f64"
    text = f"""
    rel.table input @x : <{schema}, n: i64>
    rel.table scratch @y : <{schema}>
    func.func @f() {{
      {SCAN}
      %y = rel.project %x [p, i] {{v}}
      rel.insert %y into @y
      %some = rel.select %x where and(gt(v, 2.0), lt(p, ?end))
      %rows = rel.project %some [{keys}] {{}}
      rel.delete %rows from @y
      func.return
    }}"""
    passes = (ConvertRelToSqlPass(), MergeCtesPass(target=database.target.name))
    text = (
        text
        if keys != "p"
        else text.replace("%some [p]", "%first [p]").replace(
            "%rows =", "%first = rel.aggregate %some by [p] {n = count(i)}\n      %rows ="
        )
    )
    assert_same_on(database, text, *passes, tables=X, parameters={"end": 3})
