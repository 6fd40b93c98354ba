"""`push-projections`, executed."""

from pathlib import Path

import pytest
from execution import stream_tables
from samples import CONVERT, LAYOUTS, SAMPLES, assert_same_state, laid_out, tensor_algebra
from xdsl.dialects.builtin import ModuleOp

from tensorjoin.dialects import rel
from tensorjoin.dialects.rel import schema
from tensorjoin.passes.rel.push_projections import PushProjectionsPass, Reader, read_columns
from tensorjoin.testing.modules import applied, assert_same_meaning, run

PUSH = PushProjectionsPass()


def unread(module: ModuleOp) -> list[str]:
    """The columns that operators carry although only projections and aggregates follow."""
    return [
        name
        for op in module.walk()
        if isinstance(op, rel.ScanOp | rel.JoinOp | rel.ProjectOp)
        and op.result.has_one_use()
        and isinstance(reader := next(iter(op.result.uses)).operation, Reader)
        for name in schema(op.result).values
        if name not in read_columns(reader)
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_samples(sample: str, layout: str):
    assert_same_meaning(sample, *laid_out(layout), CONVERT, PUSH)


def test_state():
    assert_same_state(CONVERT, PUSH)


@pytest.mark.parametrize("rolled", [False, True])
def test_llama(tmp_path: Path, rolled: bool):
    module, weights = tensor_algebra(tmp_path, rolled=rolled)
    inputs = stream_tables([5, 3, 8, 1])
    pushed = assert_same_meaning(module, CONVERT, PUSH, weights=weights, inputs=inputs)
    assert unread(pushed) == []


WIDE = """
rel.table input @t : <[p: ?, i: 2], a: f32, b: f32, c: f32, d: f32>
rel.table input @u : <[p: ?], e: f32, f: f32>
rel.table scratch @y : <[i: 2], v: f64>
func.func @forward() {
  %t = rel.scan @t : !rel.relation<[p: ?, i: 2], a: f32, b: f32, c: f32, d: f32>
  %u = rel.scan @u : !rel.relation<[p: ?], e: f32, f: f32>
  %s = rel.select %t where lt(b, 0.5)
  %j = rel.join %s, %u on [p]
  %m = rel.project %j [p, i] {x = mul(a, e), y = c, z = f}
  %r = rel.aggregate total %m by [i] {v = sum(add(x, y))}
  rel.insert %r into @y
  func.return
}
"""


def test_every_operator_narrows():
    tables = {
        "t": {name: [[0.1 * n, 0.7], [0.2, 0.3 * n]] for n, name in enumerate("abcd", 1)},
        "u": {"e": [2.0, 3.0], "f": [5.0, 7.0]},
    }
    pushed = applied(WIDE, PUSH)
    assert unread(pushed) == []
    before, after = (run(module, inputs=tables).outputs["y"] for module in (WIDE, pushed))
    for name, column in before.items():
        assert column.tolist() == pytest.approx(after[name].tolist())
