"""`tile-state`: a cache in chunks, which changes no meaning."""

from pathlib import Path

import pytest
from execution import llama, stream_tables
from samples import assert_same_state

from tensorjoin.dialects import ten
from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.nn.decompose import DecomposePass
from tensorjoin.passes.nn.roll_layers import RollLayersPass
from tensorjoin.passes.rel.expand_vectors import ExpandVectorsPass
from tensorjoin.passes.ten.assign_layouts import AssignLayoutsPass
from tensorjoin.passes.ten.tile_state import TileStatePass
from tensorjoin.passes.ten_to_rel.convert_ten_to_rel import ConvertTenToRelPass
from tensorjoin.testing.modules import applied, assert_same_meaning


@pytest.mark.parametrize("chunk", [3, 8, 64])
@pytest.mark.parametrize("target", ["duckdb", "sqlite"])
def test_llama(tmp_path: Path, chunk: int, target: str):
    module, weights = llama("small", tmp_path)
    module = applied(module, RollLayersPass(), DecomposePass())
    lowered = (ConvertTenToRelPass(), ExpandVectorsPass())
    assert_same_meaning(
        module,
        TileStatePass(chunk),
        AssignLayoutsPass(target),
        *lowered,
        weights=weights,
        inputs=stream_tables([5, 3, 8, 1]),
    )
    layouts = {
        op.state.string_value().rpartition(".")[2]: op.layout is not None
        for op in applied(module, TileStatePass(chunk)).walk()
        if isinstance(op, ten.AppendOp | ten.ReadOp)
    }
    assert layouts == {"keys": True, "values": False}


def test_from_run_to_run():
    assert_same_state(TileStatePass(3), AssignLayoutsPass("sqlite"), ConvertTenToRelPass())


def test_a_chunk_has_elements():
    with pytest.raises(TensorjoinError, match="choose 1 or more"):
        applied("func.func @forward() { func.return }", TileStatePass(0))
