"""The canonicalization of `sql`, executed: the same rows on each engine, before and after."""

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.transforms.canonicalize import CanonicalizePass

from tensorjoin.backends.database import Database
from tensorjoin.dialects import sql
from tensorjoin.testing.engines import Rows, assert_same_before_and_after

P, INDEX = np.repeat(np.arange(3), 2), np.tile(np.arange(2), 3)
V, W = np.array([0.5, -1.5, 2.0, -1.5, 3.0, 0.5]), np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
TABLES = {
    "t": {"p": P, "i": INDEX, "v": V, "w": W},
    "u": {"q": [0, 1, 2, 3], "x": [1.0, 2.0, 3.0, 0.0]},
}
HEAD = """
sql.create_table input @t : <[p: ?, i: 2], v: f64, w: f64>
sql.create_table input @u : <[q: ?], x: f64>
"""
SCANS = """
%v = sql.table @t : !rel.relation<[p: ?, i: 2], v: f64>
%w = sql.table @t : !rel.relation<[p: ?, i: 2], w: f64>
%u = sql.table @u : !rel.relation<[q: ?], x: f64>
"""


def canonicalized(database: Database, query: str, type: str) -> tuple[Rows, ModuleOp]:
    """The rows of one query that reads %v, %w and %u."""
    text = f"""{HEAD}
    sql.create_table scratch @y : {type}
    func.func @f() {{
      {SCANS}
      %y = sql.select {query} : !rel.relation{type}
      sql.insert %y into @y
      func.return
    }}"""
    rows, after = assert_same_before_and_after(database, text, CanonicalizePass(), tables=TABLES)
    return rows["y"], after


def sources(module: ModuleOp) -> int:
    (query,) = (op for op in module.walk() if isinstance(op, sql.SelectOp))
    return len(query.sources)


def test_a_self_join_on_the_key_is_one_scan(database: Database):
    rows, after = canonicalized(
        database,
        """{p = a.p, i = b.i, s = mul(a.v, b.w)} from %v as a, %w as b
           where [eq(a.p, b.p), eq(b.i, a.i), gt(b.w, 2.0)]""",
        "<[p: ?, i: 2], s: f64>",
    )
    assert sources(after) == 1
    assert rows["s"].tolist() == (V * W)[W > 2].tolist()


def test_a_self_join_of_three_in_an_aggregate(database: Database):
    rows, after = canonicalized(
        database,
        """{p = b.p, s = sum(mul(a.v, mul(b.w, mul(c.v, u.x))))}
           from %v as a, %w as b, %u as u, %v as c
           where [eq(a.p, b.p), eq(b.i, a.i), eq(b.p, c.p), eq(c.i, b.i), eq(u.q, c.p)]
           group [b.p]""",
        "<[p: ?], s: f64>",
    )
    # `c` is equal to `a` through `b` only.
    assert sources(after) == 2
    x = np.array([1.0, 2.0, 3.0])[P]
    np.testing.assert_allclose(rows["s"], (V * W * V * x).reshape(3, 2).sum(axis=1))


def test_a_self_join_of_a_query(database: Database):
    text = f"""{HEAD}
    sql.create_table scratch @y : <[p: ?], s: f64>
    func.func @f() {{
      %v = sql.table @t : !rel.relation<[p: ?, i: 2], v: f64>
      %sum = sql.select {{p = a.p, v = sum(a.v)}} from %v as a group [a.p]
          : !rel.relation<[p: ?], v: f64>
      %y = sql.select {{p = a.p, s = mul(a.v, b.v)}} from %sum as a, %sum as b
          where [eq(a.p, b.p)] : !rel.relation<[p: ?], s: f64>
      sql.insert %y into @y
      func.return
    }}"""
    rows, after = assert_same_before_and_after(database, text, CanonicalizePass(), tables=TABLES)
    *_, query = (op for op in after.walk() if isinstance(op, sql.SelectOp))
    assert len(query.sources) == 1
    np.testing.assert_allclose(rows["y"]["s"], V.reshape(3, 2).sum(axis=1) ** 2)


def test_a_self_join_of_rows_with_one_key_fixed(database: Database):
    rows, after = canonicalized(
        database,
        """{p = a.p, s = mul(a.v, b.w)} from %v as a, %w as b
           where [eq(a.i, 1), eq(b.i, 1), eq(a.p, b.p)]""",
        "<[p: ?], s: f64>",
    )
    assert sources(after) == 1
    np.testing.assert_allclose(rows["s"], (V * W)[INDEX == 1])


def test_a_self_join_of_rows_fixed_apart_stays(database: Database):
    rows, after = canonicalized(
        database,
        """{p = a.p, s = mul(a.v, b.w)} from %v as a, %w as b
           where [eq(a.i, 0), eq(b.i, 1), eq(a.p, b.p)]""",
        "<[p: ?], s: f64>",
    )
    assert sources(after) == 2
    np.testing.assert_allclose(rows["s"], V[INDEX == 0] * W[INDEX == 1])


def test_a_self_join_on_part_of_the_key_stays(database: Database):
    rows, after = canonicalized(
        database,
        "{p = a.p, i = a.i, j = b.i, s = mul(a.v, b.w)} from %v as a, %w as b where [eq(a.p, b.p)]",
        "<[p: ?, i: 2, j: 2], s: f64>",
    )
    assert sources(after) == 2
    assert rows["s"].size == 12


def test_a_self_join_on_values_stays(database: Database):
    rows, after = canonicalized(
        database,
        """{p = a.p, i = a.i, q = b.p, j = b.i} from %v as a, %v as b where [eq(a.v, b.v)]""",
        "<[p: ?, i: 2, q: ?, j: 2]>",
    )
    assert sources(after) == 2
    assert rows["p"].size == sum(int((v == V).sum()) for v in V)


def test_a_self_join_of_crossed_keys_stays(database: Database):
    rows, after = canonicalized(
        database,
        """{p = a.p, i = a.i, s = b.w} from %v as a, %w as b where [eq(a.p, b.i), eq(a.i, b.p)]""",
        "<[p: ?, i: 2], s: f64>",
    )
    assert sources(after) == 2
    assert rows["s"].tolist() == [1.0, 3.0, 2.0, 4.0]


def test_a_window_over_a_self_join(database: Database):
    rows, after = canonicalized(
        database,
        """{p = a.p, i = b.i, n = row_number(), m = running_sum(b.w)} from %v as a, %w as b
           where [eq(a.p, b.p), eq(a.i, b.i)] per [b.i] by [desc b.w]""",
        "<[p: ?, i: 2], n: i64, m: f64>",
    )
    assert sources(after) == 1
    assert rows["n"].tolist() == [3, 3, 2, 2, 1, 1]
    assert rows["m"].tolist() == [9.0, 12.0, 8.0, 10.0, 5.0, 6.0]


def test_a_shifted_column_is_isolated(database: Database):
    rows, _ = canonicalized(
        database,
        """{q = u.q, p = a.p, i = a.i} from %u as u, %v as a
           where [eq(u.q, sub(a.p, -1)), ge(u.q, sub(a.i, 1)), lt(a.i, sub(u.q, 0))]""",
        "<[q: ?, p: ?, i: 2]>",
    )
    expected = [
        (q, p, i)
        for q in range(4)
        for p, i in zip(P.tolist(), INDEX.tolist(), strict=True)
        if q == p + 1 and q >= i - 1 and i < q
    ]
    assert list(zip(*(rows[c].tolist() for c in "qpi"), strict=True)) == expected


def test_floats_are_compared_as_written(database: Database):
    """1e-16 + 1 is 1: what holds of x < v - 1 need not hold of x + 1 < v."""
    rows, after = canonicalized(
        database,
        "{q = u.q} from %u as u where [lt(1.0e-17, sub(u.x, 1.0)), lt(u.q, sub(u.x, 1))]",
        "<[q: ?]>",
    )
    assert rows["q"].tolist() == []
    (query,) = (op for op in after.walk() if isinstance(op, sql.SelectOp))
    assert str(query.where).count("sub") == 2
