"""`window-aggregates`, executed: each module gives the same rows on each engine, before and after."""

import numpy as np
from engines import assert_same_before_and_after
from xdsl.dialects.builtin import ModuleOp

from tensorjoin.backends.database import Database
from tensorjoin.dialects import sql
from tensorjoin.passes.window_aggregates import WindowAggregatesPass

P, INDEX = np.repeat(np.arange(3), 4), np.tile(np.arange(4), 3)
V = np.random.default_rng(0).standard_normal(12)
TEXT = """
sql.create_table input @t : <[p: ?, i: 4], v: f64>
sql.create_table scratch @y : <[p: ?, i: 4], v: f64>
func.func @f() {
  %t = sql.table @t : !rel.relation<[p: ?, i: 4], v: f64>
  %x = sql.select {p = a.p, i = a.i, v = exp(a.v)} from %t as a
    : !rel.relation<[p: ?, i: 4], v: f64>
  %g = sql.select {p = a.p, s = WHAT} from %x as a group [a.p] : !rel.relation<[p: ?], s: f64>
  %y = sql.select {p = a.p, i = b.i, v = mul(b.v, a.s)} from %g as a, %x as b
    where [eq(b.p, a.p), gt(b.i, 0)] : !rel.relation<[p: ?, i: 4], v: f64>
  sql.insert %y into @y
  func.return
}
"""


def blocks(module: ModuleOp) -> list[sql.SelectOp]:
    return [op for op in module.walk() if isinstance(op, sql.SelectOp)]


def results(database: Database, what: str) -> np.ndarray:
    tables = {"t": {"p": P, "i": INDEX, "v": V}}
    text = TEXT.replace("WHAT", what)
    found, after = assert_same_before_and_after(
        database, text, WindowAggregatesPass(), tables=tables
    )
    assert not any(block.group for block in blocks(after))
    return found["y"]["v"].reshape(3, 3)


def test_an_aggregate(database: Database):
    x = np.exp(V).reshape(3, 4)
    for what, fold in (("sum(a.v)", np.sum), ("max(a.v)", np.max), ("min(a.v)", np.min)):
        expected = x[:, 1:] * fold(x, axis=1, keepdims=True)
        np.testing.assert_allclose(results(database, what), expected)


def test_what_is_computed_of_aggregates(database: Database):
    x = np.exp(V).reshape(3, 4)
    found = results(database, "div(1.0, sub(mul(sum(a.v), sum(a.v)), sum(mul(a.v, a.v))))")
    total, squares = x.sum(axis=1, keepdims=True), (x * x).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, x[:, 1:] / (total**2 - squares))
