"""Aggregates as windows, executed: what numpy computes, before and after, on each engine."""

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from tensorjoin.backends.database import Database
from tensorjoin.dialects import rel
from tensorjoin.passes.rel.aggregates_to_window_rows import AggregatesToWindowRowsPass
from tensorjoin.passes.rel.groups_to_windows import GroupsToWindowsPass
from tensorjoin.passes.rel.merge_groups import MergeGroupsPass
from tensorjoin.passes.rel_to_sql.convert_rel_to_sql import ConvertRelToSqlPass
from tensorjoin.testing.engines import assert_rows, assert_same_on
from tensorjoin.testing.modules import applied, run

V = np.array([[0.5, -1.5, 2.0], [3.0, 0.25, 3.0], [-1.0, -2.0, -0.5]])
TABLES = {"x": {"p": np.repeat([4, 7, 9], 3), "b": np.tile(np.arange(3), 3), "v": V.reshape(-1)}}
TEXT = """
rel.table input @x : <[p: ?, b: 3], v: f64>
rel.table scratch @share : <[p: ?, b: 3], v: f64>
rel.table scratch @result : <[p: ?], first: i64, y_0: f64, y_1: f64>
func.func @f() {
  %x = rel.scan @x : !rel.relation<[p: ?, b: 3], v: f64>
  %most = rel.aggregate total %x by [p] {m = max(v)}
  %m = rel.join %x, %most on [p]
  %e = rel.project %m [p, b] {e = exp(sub(v, m))}
  %sums = rel.aggregate total %e by [p] {s = sum(e)}
  %n = rel.join %sums, %e on [p]
  %share = rel.project %n [p, b] {v = div(e, s)}
  rel.insert %share into @share
  %i = rel.project %m [p, b] {v = if(eq(v, m), long(b), 3)}
  %first = rel.aggregate total %i by [p] {first = min(v)}
  %wide = rel.aggregate total %share by [p] {y_0 = sum(if(eq(b, 0), v, 0.0)), y_1 = sum(if(eq(b, 1), v, 0.0))}
  %result = rel.join %first, %wide on [p]
  rel.insert %result into @result
  func.return
}
"""


def count(module: ModuleOp, kind: type) -> int:
    return sum(isinstance(op, kind) for op in module.walk())


@pytest.mark.parametrize(
    ("passes", "windows", "aggregates"),
    [
        ((), 0, 4),
        ((GroupsToWindowsPass(),), 2, 2),
        ((GroupsToWindowsPass(), MergeGroupsPass()), 3, 1),
        ((GroupsToWindowsPass(), MergeGroupsPass(), AggregatesToWindowRowsPass("sqlite")), 4, 0),
    ],
)
def test_softmax_and_its_largest(
    database: Database, passes: tuple[ModulePass, ...], windows: int, aggregates: int
):
    after = applied(TEXT, *passes)
    assert (count(after, rel.WindowOp), count(after, rel.AggregateOp)) == (windows, aggregates)
    before = run(TEXT, inputs=TABLES).outputs
    for name, relation in run(after, inputs=TABLES).outputs.items():
        assert_rows(relation, before[name])
    found = assert_same_on(database, TEXT, *passes, ConvertRelToSqlPass(), tables=TABLES)
    powers = np.exp(V - V.max(axis=1, keepdims=True))
    shares = powers / powers.sum(axis=1, keepdims=True)
    share, result = found["share"], found["result"]
    np.testing.assert_allclose(share["v"][np.lexsort([share["b"], share["p"]])], shares.reshape(-1))
    order = np.argsort(result["p"])
    assert result["p"][order].tolist() == [4, 7, 9]
    assert result["first"][order].tolist() == V.argmax(axis=1).tolist()
    np.testing.assert_allclose(result["y_0"][order], shares[:, 0])
    np.testing.assert_allclose(result["y_1"][order], shares[:, 1])


JOINED = """
rel.table input @x : <sparse [p: ?, b: 3], v: f64>
rel.table input @gain : <[b: 3], w: f64>
rel.table scratch @result : <[p: ?], s: f64, most: f64>
func.func @forward() {
  %w = rel.scan @gain : !rel.relation<[b: 3], w: f64>
  %x = rel.scan @x : !rel.relation<sparse [p: ?, b: 3], v: f64>
  %squares = rel.project %x [p, b] {v = mul(v, v)}
  %s = rel.aggregate total %squares by [p] {s = sum(v)}
  %j = rel.join %x, %w on [b]
  %scaled = rel.project %j [p, b] {v = mul(v, w)}
  %m = rel.aggregate total %scaled by [p] {most = max(v)}
  %both = rel.join %s, %m on [p]
  rel.insert %both into @result
  func.return
}
"""


def test_aggregates_before_and_after_a_join(database: Database):
    gains = np.array([0.5, -2.0, 3.0])
    tables = {**TABLES, "gain": {"b": np.arange(3), "w": gains}}
    after = applied(JOINED, MergeGroupsPass())
    assert count(after, rel.AggregateOp) == 1
    assert_rows(
        run(after, inputs=tables).outputs["result"], run(JOINED, inputs=tables).outputs["result"]
    )
    passes = (MergeGroupsPass(), ConvertRelToSqlPass())
    result = assert_same_on(database, JOINED, *passes, tables=tables)["result"]
    order = np.argsort(result["p"])
    np.testing.assert_allclose(result["s"][order], (V**2).sum(axis=1))
    np.testing.assert_allclose(result["most"][order], (V * gains).max(axis=1))


def test_what_is_joined_later_is_not_read_before():
    scan = "  %w = rel.scan @gain : !rel.relation<[b: 3], w: f64>\n"
    text = JOINED.replace(scan, "").replace("  %j =", f"{scan}  %j =")
    assert count(applied(text, MergeGroupsPass()), rel.AggregateOp) == 2
