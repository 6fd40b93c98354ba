"""`fuse-scans` and `drop-unit-keys`, executed: what numpy computes, before and after."""

import numpy as np

from tensorjoin.backends.database import Database
from tensorjoin.dialects import rel
from tensorjoin.passes.rel.fuse_scans import FuseScansPass
from tensorjoin.passes.rel_to_sql.convert_rel_to_sql import ConvertRelToSqlPass
from tensorjoin.passes.sql.drop_unit_keys import DropUnitKeysPass
from tensorjoin.testing.engines import assert_rows, assert_same_before_and_after, assert_same_on
from tensorjoin.testing.modules import applied, run

P = np.array([4, 7, 9, 11])
V = np.array([0.25, 0.875, 0.5, -2.0])
TABLES = {"x": {"p": P, "a": np.zeros_like(P), "b": np.zeros_like(P), "v": V}}
TEXT = """
rel.table input @x : <[p: ?, a: 1, b: 1], v: f64>
rel.table scratch @both : <[p: ?, a: 1, b: 2], v: f64>
rel.table scratch @result : <[p: ?], label: i64, y_0: f64, y_1: f64>
func.func @f() {
  %x = rel.scan @x : !rel.relation<[p: ?, a: 1, b: 1], v: f64>
  %rest = rel.project %x [p, a, b] {v = sub(1.0, v)}
  %first = rel.project %rest [p, a, b to 2] {v}
  %second = rel.project %x [p, a, b = add(b, 1) to 2] {v}
  %both = rel.union %first, %second
    : (!rel.relation<[p: ?, a: 1, b: 2], v: f64>, !rel.relation<[p: ?, a: 1, b: 2], v: f64>)
    -> !rel.relation<[p: ?, a: 1, b: 2], v: f64>
  rel.insert %both into @both
  %most = rel.aggregate total %both by [p, a] {m = max(v)}
  %rows = rel.project %both [p, a, b] {x = v}
  %joined = rel.join %rows, %most on [p, a]
  %places = rel.project %joined [p, a, b] {n = if(eq(x, m), long(b), 2)}
  %least = rel.aggregate total %places by [p, a] {n = min(n)}
  %label = rel.project %least [p] {label = n}
  %wide = rel.aggregate %both by [p]
    {y_0 = sum(if(eq(b, 0), v, 0.0)), y_1 = sum(if(eq(b, 1), v, 0.0))}
  %result = rel.join %label, %wide on [p]
  rel.insert %result into @result
  func.return
}
"""


def test_a_pair_of_scores_and_the_higher(database: Database) -> None:
    after = applied(TEXT, FuseScansPass())
    kinds = [type(op) for op in after.walk()]
    assert rel.AggregateOp not in kinds
    assert rel.UnionOp not in kinds
    before = run(TEXT, inputs=TABLES).outputs
    for name, relation in run(after, inputs=TABLES).outputs.items():
        assert_rows(relation, before[name])
    found = assert_same_on(database, TEXT, FuseScansPass(), ConvertRelToSqlPass(), tables=TABLES)
    pairs = np.stack([1.0 - V, V], axis=1)
    both, result = found["both"], found["result"]
    np.testing.assert_array_equal(both["v"][np.lexsort([both["b"], both["p"]])], pairs.reshape(-1))
    order = np.argsort(result["p"])
    assert result["label"][order].tolist() == pairs.argmax(axis=1).tolist()
    np.testing.assert_array_equal(result["y_0"][order], pairs[:, 0])
    np.testing.assert_array_equal(result["y_1"][order], pairs[:, 1])


def test_a_union_of_other_rows_stays(database: Database) -> None:
    """Shifted by a key that tells rows apart, the second branch has rows that the first lacks."""
    text = """
    rel.table input @x : <[p: ?, i: 2], v: f64>
    rel.table scratch @y : <[p: ?, i: 3], v: f64>
    func.func @f() {
      %x = rel.scan @x : !rel.relation<[p: ?, i: 2], v: f64>
      %all = rel.project %x [p, i to 3] {v}
      %one = rel.select %x where eq(i, 1)
      %last = rel.project %one [p, i = add(i, 1) to 3] {v = neg(v)}
      %y = rel.union %all, %last
        : (!rel.relation<[p: ?, i: 3], v: f64>, !rel.relation<[p: ?, i: 3], v: f64>)
        -> !rel.relation<[p: ?, i: 3], v: f64>
      rel.insert %y into @y
      func.return
    }
    """
    rows = {"p": np.array([3, 3, 5, 5]), "i": np.array([0, 1, 0, 1]), "v": V}
    found = assert_same_on(
        database, text, FuseScansPass(), ConvertRelToSqlPass(), tables={"x": rows}
    )
    assert sorted(found["y"]["v"].tolist()) == sorted([*V, -0.875, 2.0])


def test_keys_of_extent_one(database: Database) -> None:
    text = """
    sql.create_table input @x : <[p: ?, a: 1, b: 1], v: f64>
    sql.create_table scratch @y : <[p: ?, a: 1], v: f64>
    func.func @f() {
      %x = sql.table @x : !rel.relation<[p: ?, a: 1, b: 1], v: f64>
      %u = sql.select {p = a0.p, a = a0.a, u = neg(a0.v)} from %x as a0 where [eq(a0.b, 0)]
        : !rel.relation<[p: ?, a: 1], u: f64>
      %y = sql.select {p = a0.p, a = a0.a, v = mul(a0.u, a1.v)} from %u as a0, %x as a1
        where [eq(a0.p, a1.p), eq(a0.a, a1.a)] : !rel.relation<[p: ?, a: 1], v: f64>
      sql.insert %y into @y
      func.return
    }
    """
    found, _ = assert_same_before_and_after(database, text, DropUnitKeysPass(), tables=TABLES)
    np.testing.assert_array_equal(found["y"]["v"][np.argsort(found["y"]["p"])], -V * V)
