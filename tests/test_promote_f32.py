"""`promote-f32`, executed: sums and products of float32 are those of doubles, on each engine."""

import numpy as np

from tensorjoin.backends.database import Database
from tensorjoin.passes.rel.promote_f32 import PromoteF32Pass
from tensorjoin.passes.rel_to_sql.convert_rel_to_sql import ConvertRelToSqlPass
from tensorjoin.testing.engines import execute
from tensorjoin.testing.modules import applied

ROWS = 1000
A, B = np.random.default_rng(0).standard_normal((2, ROWS)).astype(np.float32) + np.float32(1e3)
TEXT = """
rel.table input @x : <[p: ?], a: f32, b: f32>
rel.table scratch @y : <[p: ?], product: f64, difference: f64, share: f64>
rel.table scratch @s : <[k: 1], s: f64>
func.func @f() {
  %x = rel.scan @x : !rel.relation<[p: ?], a: f32, b: f32>
  %y = rel.project %x [p] {product = mul(a, b), difference = sub(a, mul(b, b)), share = div(a, b)}
  rel.insert %y into @y
  %k = rel.project %x [k = 0 to 1, p] {a}
  %s = rel.aggregate %k by [k] {s = sum(a)}
  rel.insert %s into @s
  func.return
}
"""


def test_single_precision_in_double_precision_out(database: Database) -> None:
    widen = PromoteF32Pass(target=database.target.name)
    tables = {"x": {"p": np.arange(ROWS), "a": A, "b": B}}
    found = execute(database, applied(TEXT, widen, ConvertRelToSqlPass()), tables)
    a, b = A.astype(np.float64), B.astype(np.float64)
    expected = {"product": a * b, "difference": a - b * b, "share": a / b}
    for name, values in expected.items():
        np.testing.assert_allclose(found["y"][name], values, rtol=1e-14)
    np.testing.assert_allclose(found["s"]["s"], a.sum(), rtol=1e-14)
