"""`materialize`, executed."""

from pathlib import Path

import pytest
from execution import TARGETS, stream_tables
from samples import CONVERT, LAYOUTS, SAMPLES, assert_same_state, laid_out, tensor_algebra
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from tensorjoin.dialects import rel
from tensorjoin.passes.rel.materialize import MaterializePass, is_costly
from tensorjoin.passes.rel.push_projections import PushProjectionsPass
from tensorjoin.pipelines import Layout
from tensorjoin.testing.modules import applied, assert_same_meaning


def statements(value: SSAValue) -> set[Operation]:
    """What would compute a relation: the ops without a result, loops and stores that reach it."""
    found: set[Operation] = set()
    for use in value.uses:
        if isinstance(use.operation, rel.MaterializeOp | rel.ForOp) or not use.operation.results:
            found.add(use.operation)
        else:
            found |= statements(use.operation.results[0])
    return found


def assert_costly_is_computed_once(module: ModuleOp) -> None:
    for op in module.walk():
        if isinstance(op, rel.JoinOp | rel.AggregateOp | rel.WindowOp):
            readers = statements(op.results[0])
            assert len(readers) <= 1, op
            for reader in readers:
                assert reader.parent is op.parent, op


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_samples(sample: str, layout: Layout, target: str):
    stored = assert_same_meaning(sample, *laid_out(layout), CONVERT, MaterializePass(target))
    assert_costly_is_computed_once(stored)


@pytest.mark.parametrize("target", TARGETS)
def test_state(target: str):
    assert_same_state(CONVERT, MaterializePass(target))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("rolled", [False, True])
def test_llama(tmp_path: Path, rolled: bool, target: str):
    module, weights = tensor_algebra(tmp_path, rolled=rolled)
    inputs = stream_tables([5, 3, 8, 1])
    passes = (CONVERT, PushProjectionsPass(), MaterializePass(target))
    stored = assert_same_meaning(module, *passes, weights=weights, inputs=inputs)
    assert_costly_is_computed_once(stored)


def test_what_is_stored_once_is_not_stored_again():
    module = applied(SAMPLES["attention"], CONVERT, MaterializePass())
    stores = [op for op in module.walk() if isinstance(op, rel.MaterializeOp)]
    again = applied(module, MaterializePass())
    assert len([op for op in again.walk() if isinstance(op, rel.MaterializeOp)]) == len(stores)


def test_costs_lie_in_joins_aggregates_and_windows():
    module = applied(
        """
        func.func @forward() {
          %t = rel.scan @t : !rel.relation<[p: ?, i: 4], v: f32>
          %a = rel.project %t [p, i] {v}
          %b = rel.aggregate %t by [p] {s = sum(v)}
          %c = rel.project %b [p] {s}
          %d = rel.select %c where lt(s, 1.0)
          func.return
        }
        """
    )
    costly = [is_costly(op.results[0]) for op in module.walk() if op.results]
    assert costly == [False, False, True, True, True]
