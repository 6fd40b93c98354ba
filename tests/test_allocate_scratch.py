"""`allocate-scratch`, executed."""

from pathlib import Path

import pytest
from execution import TARGETS, stream_tables
from samples import CONVERT, LAYOUTS, SAMPLES, assert_same_state, laid_out, tensor_algebra
from xdsl.dialects.builtin import ModuleOp

from tensorjoin.dialects import rel
from tensorjoin.passes.rel.allocate_scratch import AllocateScratchPass
from tensorjoin.passes.rel.materialize import MaterializePass
from tensorjoin.passes.rel.push_projections import PushProjectionsPass
from tensorjoin.pipelines import Layout
from tensorjoin.testing.modules import applied, assert_same_meaning, run

ALLOCATE = AllocateScratchPass()


def assert_all_allocated(module: ModuleOp) -> None:
    names = [op.sym_name.data for op in module.ops if isinstance(op, rel.TableOp)]
    assert len(set(names)) == len(names)
    for op in module.walk():
        assert not isinstance(op, rel.MaterializeOp)
        assert not (isinstance(op, rel.ForOp) and op.inputs)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_samples(sample: str, layout: Layout, target: str):
    passes = (*laid_out(layout), CONVERT, MaterializePass(target), ALLOCATE)
    assert_all_allocated(assert_same_meaning(sample, *passes))


def test_loops_without_anything_stored():
    for sample in (SAMPLES["loop"], SAMPLES["swap"]):
        assert_all_allocated(assert_same_meaning(sample, CONVERT, ALLOCATE))


@pytest.mark.parametrize("target", TARGETS)
def test_state(target: str):
    assert_same_state(CONVERT, MaterializePass(target), ALLOCATE)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("rolled", [False, True])
def test_llama(tmp_path: Path, rolled: bool, target: str):
    module, weights = tensor_algebra(tmp_path, rolled=rolled)
    inputs = stream_tables([5, 3, 8, 1])
    passes = (CONVERT, PushProjectionsPass(), MaterializePass(target), ALLOCATE)
    assert_all_allocated(assert_same_meaning(module, *passes, weights=weights, inputs=inputs))


TAKEN = """
rel.table scratch @scratch0 : <[p: ?], v: f64>
func.func @forward() {
  %t = rel.scan @t : !rel.relation<[p: ?, i: 2], v: f64>
  %a = rel.aggregate %t by [p] {v = sum(v)}
  %m = rel.materialize %a
  rel.insert %m into @scratch0
  %n = rel.project %m [p] {v = mul(v, 2.0)}
  rel.insert %n into @other
  func.return
}
"""


def test_a_table_that_is_called_like_a_scratch_table():
    allocated = applied(TAKEN, ALLOCATE)
    assert_all_allocated(allocated)
    table = {"t": {"p": [0, 0, 1], "i": [0, 1, 0], "v": [1.0, 2.0, 4.0]}}
    outputs = run(allocated, inputs=table).outputs
    assert outputs["scratch0"]["v"].tolist() == [3.0, 4.0]
    assert outputs["other"]["v"].tolist() == [6.0, 8.0]


ZERO_ROUNDS = SAMPLES["swap"].replace("arith.constant 3", "arith.constant 0")


def test_a_loop_without_rounds():
    assert_same_meaning(ZERO_ROUNDS, CONVERT, ALLOCATE)
