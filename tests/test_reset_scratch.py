"""`reset-scratch`, executed: after `clear_scratch`, a program runs again as it did at first."""

import numpy as np

from tensorjoin.backends.database import Database
from tensorjoin.backends.emit.program import emit_program
from tensorjoin.passes.rel_to_sql.convert_rel_to_sql import ConvertRelToSqlPass
from tensorjoin.passes.sql.reset_scratch import ResetScratchPass
from tensorjoin.testing.engines import create, fill, read
from tensorjoin.testing.modules import applied

TEXT = """
rel.table weight @w : <[i: 2], w: f64> from ["w"]
rel.table input @x : <[p: ?, i: 2], v: f64>
rel.table output @y : <[p: ?], s: f64>
rel.table state @seen : <[p: ?], s: f64>
func.func @forward() {
  %x = rel.scan @x : !rel.relation<[p: ?, i: 2], v: f64>
  %w = rel.scan @w : !rel.relation<[i: 2], w: f64>
  %xw = rel.join %x, %w on [i]
  %y = rel.aggregate %xw by [p] {s = sum(mul(v, w))}
  rel.insert %y into @y
  rel.insert %y into @seen
  func.return
}
"""


def test_a_program_runs_twice(database: Database):
    program = emit_program(
        applied(TEXT, ConvertRelToSqlPass(), ResetScratchPass()), database.target
    )
    create(database, program)
    fill(database, {"w": {"i": [0, 1], "w": [1.0, 10.0]}})
    for row in (0, 1):
        for step in program.procedures["clear_scratch"]:
            database.execute(step.statement)
        fill(database, {"x": {"p": [row, row], "i": [0, 1], "v": [1.0 + row, 2.0]}})
        for step in program.procedures["forward"]:
            database.execute(step.statement)
        np.testing.assert_array_equal(read(database, "y", ["p", "s"])["s"], [21.0 + row])
    # What is not scratch stays.
    assert read(database, "seen", ["p", "s"])["s"].tolist() == [21.0, 22.0]
    assert read(database, "w", ["i"])["i"].tolist() == [0, 1]
