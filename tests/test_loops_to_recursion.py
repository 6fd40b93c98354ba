"""`loops-to-recursion`, executed."""

from pathlib import Path

import pytest
from execution import stream_tables
from samples import CONVERT, LAYOUTS, SAMPLES, assert_same_state, laid_out, tensor_algebra
from xdsl.dialects.builtin import ModuleOp

from tensorjoin.dialects import rel
from tensorjoin.passes.rel.loops_to_recursion import LoopsToRecursionPass
from tensorjoin.passes.rel.push_projections import PushProjectionsPass
from tensorjoin.pipelines import Layout
from tensorjoin.testing.modules import assert_same_meaning

RECURSE = LoopsToRecursionPass("duckdb")


def assert_no_loop(module: ModuleOp) -> None:
    assert not any(isinstance(op, rel.ForOp) for op in module.walk())
    assert any(isinstance(op, rel.RecurseOp) for op in module.walk())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_a_loop_carries(layout: Layout):
    assert_no_loop(assert_same_meaning(SAMPLES["swap"], *laid_out(layout), CONVERT, RECURSE))


def test_integers_stay_in_a_loop():
    module = assert_same_meaning(SAMPLES["loop"], CONVERT, RECURSE)
    assert any(isinstance(op, rel.ForOp) for op in module.walk())


def test_what_a_loop_inserts():
    assert_same_state(CONVERT, RECURSE)


def test_llama(tmp_path: Path):
    module, weights = tensor_algebra(tmp_path, rolled=True)
    inputs = stream_tables([5, 3, 8, 1])
    passes = (CONVERT, PushProjectionsPass(), RECURSE)
    assert_no_loop(assert_same_meaning(module, *passes, weights=weights, inputs=inputs))


def test_no_round():
    sample = SAMPLES["swap"]
    assert "constant 3 : index" in sample
    assert_same_meaning(
        sample.replace("constant 3 : index", "constant 0 : index"), CONVERT, RECURSE
    )
