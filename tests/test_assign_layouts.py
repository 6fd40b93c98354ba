"""`assign-layouts`: how weights are stored, which changes no meaning."""

import json
from pathlib import Path

import pytest
from execution import TARGETS, llama, stream_tables
from xdsl.dialects.builtin import ModuleOp

from tensorjoin.cost import TERMS
from tensorjoin.dialects import ten
from tensorjoin.dialects.layout import LayoutAttr, Storage
from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.nn.decompose import DecomposePass
from tensorjoin.passes.nn.roll_layers import RollLayersPass
from tensorjoin.passes.ten.assign_layouts import AssignLayoutsPass
from tensorjoin.passes.ten.tile_weights import TileWeightsPass
from tensorjoin.pipelines import Layout
from tensorjoin.testing.modules import applied, assert_same_meaning


@pytest.mark.parametrize("target", TARGETS)
def test_llama(tmp_path: Path, target: str):
    module, weights = llama("small", tmp_path)
    module = applied(module, RollLayersPass(), DecomposePass())
    chunked = Storage.ARRAYS if TARGETS[target].profile.vectors else Storage.COLUMNS
    stored = assert_same_meaning(
        module,
        TileWeightsPass(16),
        AssignLayoutsPass(target, "arrays" if chunked is Storage.ARRAYS else "columns"),
        weights=weights,
        inputs=stream_tables([5, 3, 8, 1]),
    )
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
        ("postgres", "columns", LayoutAttr(Storage.COLUMNS, 1, 1334)),
    ],
)
def test_a_wide_chunk(target: str, layout: Layout, stored: LayoutAttr):
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


def costs(path: Path, target: str, **seconds: float) -> str:
    """A file of coefficients, all 0 but those given."""
    coefficients = {**dict.fromkeys(TERMS, 0.0), **seconds}
    path.write_text(json.dumps({"engine": target, "version": "0", "seconds": coefficients}))
    return str(path)


@pytest.mark.parametrize(
    ("target", "seconds", "stored"),
    [
        # Where only rows cost, there are as few as can be; a long vector is cut.
        ("pgvector", {"read": 1.0}, LayoutAttr(Storage.ARRAYS, 1, 300)),
        ("duckdb", {"read": 1.0}, LayoutAttr(Storage.PIVOTED, 1, 300, columns=3)),
        ("sqlite", {"read": 1.0}, LayoutAttr(Storage.COLUMNS, 1, 300)),
        # Where only names cost, there is one row for each element.
        ("sqlite", {"columns": 1.0}, LayoutAttr(Storage.ROWS)),
        # Chunks of n in steps of s cost 300 (s + n / s) + 700 * 3 * 300 / n: of the divisors of 300
        # that are tried, 60 comes to 15,300, 100 to 12,300, 150 to 11,700 and 300 to 12,600.
        ("postgres", {"choices": 1.0, "joined": 7e2}, LayoutAttr(Storage.COLUMNS, 1, 150)),
    ],
)
def test_the_cheapest(tmp_path: Path, target: str, seconds: dict[str, float], stored: LayoutAttr):
    assigned = applied(
        """
        func.func @forward() {
          %w = ten.weight @w from ["w"] layout <arrays 1 by 64> : tensor<3x300xf32>
          func.return
        }
        """,
        AssignLayoutsPass(target, costs=costs(tmp_path / "costs.json", target, **seconds)),
    )
    (weight,) = (op for op in assigned.walk() if isinstance(op, ten.WeightOp))
    assert weight.layout == stored


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_chosen_changes_no_meaning(tmp_path: Path, target: str):
    module, weights = llama("small", tmp_path)
    module = applied(module, RollLayersPass(), DecomposePass())
    assert_same_meaning(
        module,
        TileWeightsPass(16),
        AssignLayoutsPass(target),
        weights=weights,
        inputs=stream_tables([5, 3, 8, 1]),
    )


def test_a_batch_has_rows():
    with pytest.raises(TensorjoinError, match="a batch of 0 rows"):
        applied(ModuleOp([]), AssignLayoutsPass("sqlite", rows=0))


@pytest.mark.parametrize("layout", ["arrays", "pivoted"])
def test_arrays_need_vectors(layout: Layout):
    with pytest.raises(TensorjoinError, match=f"sqlite has no vectors for layout={layout}"):
        applied(ModuleOp([]), AssignLayoutsPass("sqlite", layout))


def test_vectors_that_meet_are_cut_alike(tmp_path: Path):
    """Each weight alone, the small one would be one array, and the large one several columns."""
    module = """
    func.func @forward() {
      %v = ten.weight @v from ["v"] layout <arrays 1 by 64> : tensor<3x768xf32>
      %w = ten.weight @w from ["w"] layout <arrays 1 by 64> : tensor<900x768xf32>
      func.return
    }
    """
    seconds = costs(tmp_path / "costs.json", "duckdb", spilled=1.0, columns=1e4, read=1e5)
    assigned = applied(module, AssignLayoutsPass("duckdb", costs=seconds))
    weights = [op for op in assigned.walk() if isinstance(op, ten.WeightOp)]
    assert [w.layout for w in weights] == [LayoutAttr(Storage.PIVOTED, 1, 768, columns=6)] * 2


@pytest.mark.parametrize(
    ("inputs", "stored"),
    [
        (100, LayoutAttr(Storage.ARRAYS, 1, 100)),
        (2048, LayoutAttr(Storage.PIVOTED, 1, 2048, columns=16)),
        (8192, LayoutAttr(Storage.PIVOTED, 1, 8192, columns=16)),
        (39959, LayoutAttr(Storage.PIVOTED, 1, 39968, columns=16)),
    ],
)
def test_long_vectors_are_cut_into_few_columns(inputs: int, stored: LayoutAttr):
    module = f"""
    func.func @forward() {{
      %w = ten.weight @w from ["w"] layout <arrays 1 by 64> : tensor<2048x{inputs}xf32>
      func.return
    }}
    """
    assigned = applied(module, AssignLayoutsPass("duckdb"))
    (weight,) = (op for op in assigned.walk() if isinstance(op, ten.WeightOp))
    assert weight.layout == stored
