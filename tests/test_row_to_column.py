"""`row-to-column`: chunks of a row as columns, which changes no meaning."""

from pathlib import Path

import pytest
from execution import llama, stream_tables
from samples import CONVERT, SAMPLES
from xdsl.dialects.builtin import ModuleOp

from tensorjoin.dialects import ten
from tensorjoin.dialects.layout import Storage
from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.nn.decompose import DecomposePass
from tensorjoin.passes.nn.roll_layers import RollLayersPass
from tensorjoin.passes.rel.expand_vectors import ExpandVectorsPass
from tensorjoin.passes.ten.assign_layouts import AssignLayoutsPass
from tensorjoin.passes.ten.row_to_column import RowToColumnPass
from tensorjoin.passes.ten.tile_weights import TileWeightsPass
from tensorjoin.testing.modules import applied, assert_same_meaning


def storages(module: ModuleOp) -> set[str]:
    weights = (op for op in module.walk() if isinstance(op, ten.WeightOp))
    return {op.layout.storage.data for op in weights if op.layout}


@pytest.mark.parametrize("width", [None, 1, 2, 3, 100])
@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_samples(sample: str, width: int | None):
    passes = (TileWeightsPass(3), RowToColumnPass(width), CONVERT, ExpandVectorsPass())
    assert_same_meaning(sample, *passes)


@pytest.mark.parametrize("width", [None, 3])
def test_llama(tmp_path: Path, width: int | None):
    module, weights = llama("small", tmp_path)
    module = applied(module, RollLayersPass(), DecomposePass())
    passes = (TileWeightsPass(16), RowToColumnPass(width), AssignLayoutsPass("duckdb"))
    stored = assert_same_meaning(
        module, *passes, weights=weights, inputs=stream_tables([5, 3, 8, 1])
    )
    assert Storage.PIVOTED in storages(stored)
    assert Storage.ARRAYS not in storages(stored)


def test_a_row_has_columns():
    with pytest.raises(TensorjoinError, match="row-to-column: 0 columns in a row"):
        applied(ModuleOp([]), RowToColumnPass(0))
