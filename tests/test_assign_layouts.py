"""`assign-layouts`: how weights are stored, which changes no meaning."""

from pathlib import Path
from typing import Literal

import pytest
from execution import applied, assert_same_meaning, llama, stream_tables
from xdsl.dialects.builtin import ModuleOp

from tensorjoin.dialects import ten
from tensorjoin.dialects.layout import LayoutAttr, Storage
from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.assign_layouts import AssignLayoutsPass
from tensorjoin.passes.decompose import DecomposePass
from tensorjoin.passes.roll_layers import RollLayersPass
from tensorjoin.passes.tile_weights import TileWeightsPass
from tensorjoin.targets import TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_llama(tmp_path: Path, target: str):
    module, weights = llama("small", tmp_path)
    module = applied(module, RollLayersPass(), DecomposePass())
    stored = assert_same_meaning(
        module,
        TileWeightsPass(16),
        AssignLayoutsPass(target),
        weights=weights,
        inputs=stream_tables([5, 3, 8, 1]),
    )
    chunked = Storage.ARRAYS if TARGETS[target].vectors else Storage.COLUMNS
    for op in stored.walk():
        if isinstance(op, ten.WeightOp):
            is_matrix = len(ten.tensor(op.result).get_shape()) == 2
            assert op.layout == (
                LayoutAttr(chunked, 1, 16) if is_matrix else LayoutAttr(Storage.ROWS)
            )


@pytest.mark.parametrize(
    ("target", "layout", "stored"),
    [
        ("duckdb", "rows", LayoutAttr(Storage.ROWS)),
        ("duckdb", "arrays", LayoutAttr(Storage.ARRAYS, 1, 1999)),
        ("duckdb", "columns", LayoutAttr(Storage.COLUMNS, 1, 1999)),
        ("sqlite", "columns", LayoutAttr(Storage.COLUMNS, 1, 1000)),
        ("postgres", "auto", LayoutAttr(Storage.COLUMNS, 1, 1334)),
    ],
)
def test_a_wide_chunk(
    target: str, layout: Literal["auto", "rows", "arrays", "columns"], stored: LayoutAttr
):
    width = 2000 if target == "sqlite" else 4001
    module = f"""
    func.func @forward() {{
      %w = ten.weight @w from ["w"] layout <arrays 1 by 1999> : tensor<3x{width}xf32>
      func.return
    }}
    """
    assigned = applied(module, AssignLayoutsPass(target, layout))
    (weight,) = (op for op in assigned.walk() if isinstance(op, ten.WeightOp))
    assert weight.layout == stored


def test_arrays_need_vectors():
    with pytest.raises(TensorjoinError, match="sqlite has no vectors"):
        applied(ModuleOp([]), AssignLayoutsPass("sqlite", "arrays"))
