"""`interleave-rope-pairs`, executed."""

from pathlib import Path

import numpy as np
import pytest
from execution import llama, stream_tables
from samples import CONVERT, laid_out
from xdsl.dialects.builtin import ModuleOp

from tensorjoin.dialects import rel, ten
from tensorjoin.passes.nn.decompose import DecomposePass
from tensorjoin.passes.nn.roll_layers import RollLayersPass
from tensorjoin.passes.rel.expand_vectors import ExpandVectorsPass
from tensorjoin.passes.stages.lower_to_sql import LowerToSqlPass
from tensorjoin.passes.ten.fuse_contractions import FuseContractionsPass
from tensorjoin.passes.ten.fuse_elementwise import FuseElementwisePass
from tensorjoin.passes.ten.hoist_factors import HoistFactorsPass
from tensorjoin.passes.ten.interleave_rope_pairs import InterleaveRopePairsPass
from tensorjoin.passes.ten.interleave_weights import InterleaveWeightsPass
from tensorjoin.passes.ten.row_to_column import RowToColumnPass
from tensorjoin.testing.modules import applied, assert_same_meaning, assert_same_rows, run

ROTATED = """
func.func @forward(%x: tensor<?x10xf32SPARSE>, %r: tensor<?x2x2x3xf32SPARSE>)
    -> (tensor<?x2x2x3xf32SPARSE>, tensor<?x6xf32SPARSE>) {
  %w = ten.weight @w from ["q", "k", "v"] : tensor<18x10xf32>
  %y = ten.contract "pi,oi->po"(%x, %w)
    : (tensor<?x10xf32SPARSE>, tensor<18x10xf32>) -> tensor<?x18xf32SPARSE>
  %q = ten.slice %y axis 1 from 0 : tensor<?x18xf32SPARSE> -> tensor<?x12xf32SPARSE>
  %v = ten.slice %y axis 1 from 12 : tensor<?x18xf32SPARSE> -> tensor<?x6xf32SPARSE>
  %h = ten.reshape %q : tensor<?x12xf32SPARSE> -> tensor<?x2x2x3xf32SPARSE>
  %t = ten.contract "phrf,psrf->phsf"(%h, %r)
    : (tensor<?x2x2x3xf32SPARSE>, tensor<?x2x2x3xf32SPARSE>) -> tensor<?x2x2x3xf32SPARSE>
  func.return %t, %v : tensor<?x2x2x3xf32SPARSE>, tensor<?x6xf32SPARSE>
}
"""
DENSE = ROTATED.replace("SPARSE", "")


def paired(module: ModuleOp) -> dict[str, tuple[int, ...]]:
    """The shape of each weight of which a row holds both of a pair."""
    weights = [op for op in module.walk() if isinstance(op, ten.WeightOp) and op.layout]
    return {
        op.symbol.string_value(): ten.tensor(op.result).get_shape()
        for op in weights
        if op.layout and op.layout.parted.data == 1
    }


@pytest.mark.parametrize("chunk", [3, 4, 10])
@pytest.mark.parametrize("sparse", ["", ", #ten.sparse"])
def test_rotated(sparse: str, chunk: int):
    module = applied(ROTATED.replace("SPARSE", sparse), *laid_out("arrays", chunk))
    after = assert_same_meaning(module, InterleaveRopePairsPass())
    assert paired(after) == {"w": (3, 2, 3, 10)}
    converted = assert_same_meaning(after, CONVERT)
    # Both of a pair are in one row: what is rotated is not summed by groups.
    groups = [op for op in converted.walk() if isinstance(op, rel.AggregateOp)]
    assert sum({"h", "s"} <= set(rel.schema(op.result).extents) for op in groups) == 0


def test_pivoted():
    module = applied(DENSE, *laid_out("arrays", 3), RowToColumnPass(2))
    passes = (InterleaveRopePairsPass(), CONVERT, ExpandVectorsPass())
    tables = [op for op in assert_same_meaning(module, *passes).ops if isinstance(op, rel.TableOp)]
    (weight,) = (table for table in tables if table.sym_name.data == "w")
    assert list(weight.schema.values) == ["v0_0", "v0_1", "v1_0", "v1_1"]
    assert list(weight.schema.extents) == ["h", "f", "i"]


@pytest.mark.parametrize("target", ["sqlite", "postgres"])
def test_columns(target: str):
    module = applied(DENSE, *laid_out("columns"))
    after = assert_same_meaning(
        module, InterleaveRopePairsPass(target), CONVERT, ExpandVectorsPass()
    )
    applied(applied(module, InterleaveRopePairsPass(target), CONVERT), LowerToSqlPass(target))
    assert any(isinstance(op, rel.TableOp) and op.layout for op in after.ops)


def test_a_scale_behind_the_product():
    scaled = """  %s = ten.reduce sum "pi->p" %x : tensor<?x10xf32> -> tensor<?xf32>
  %w ="""
    text = DENSE.replace("  %w =", scaled).replace("slice %y", "slice %z")
    text = text.replace(
        "  %q =",
        """  %z = ten.map "po,p->po"(%y, %s) : (tensor<?x18xf32>, tensor<?xf32>) -> tensor<?x18xf32> {
  ^bb0(%b: f32, %t: f32):
    %u = arith.mulf %b, %t : f32
    ten.yield %u : f32
  }
  %q =""",
        1,
    ).replace("phrf,psrf->phsf", "abcd,aecd->abed")
    # Each operation has names of its own for the axes.
    for indices in ("po,p->po", "ab,a->ab", "op,o->op"):
        module = applied(text.replace("po,p->po", indices), *laid_out("arrays"))
        after = assert_same_meaning(module, InterleaveRopePairsPass())
        assert paired(after) == {"w": (3, 2, 3, 10)}
        assert_same_meaning(after, CONVERT)


def test_a_scale_of_another_type():
    text = DENSE.replace(
        "  %q =",
        """  %z = ten.map "po->po"(%y) : (tensor<?x18xf32>) -> tensor<?x18xf64> {
  ^bb0(%b: f32):
    %u = arith.extf %b : f32 to f64
    ten.yield %u : f64
  }
  %q =""",
        1,
    ).replace("slice %y", "slice %z")
    # All behind the map.
    head, map, tail = text.partition("  %z =")
    body, slices, tail = (map + tail).partition("  %q =")
    head = head.replace("2x3xf32", "2x3xf64").replace("x6xf32", "x6xf64")
    text = head + body + (slices + tail).replace("f32", "f64")
    module = applied(text, *laid_out("arrays"))
    after = assert_same_meaning(module, InterleaveRopePairsPass())
    assert paired(after) == {"w": (3, 2, 3, 10)}
    assert_same_meaning(after, CONVERT)


@pytest.mark.parametrize(("count", "pairs"), [(1, 6), (3, 2), (6, 1)])
def test_what_is_summed_over_is_a_pair(count: int, pairs: int):
    text = f"""
func.func @forward(%x: tensor<?x10xf32>, %r: tensor<?x2x{count}x{pairs}xf32>)
    -> tensor<?x2x2x{pairs}xf32> {{
  %w = ten.weight @w from ["q"] : tensor<18x10xf32>
  %y = ten.contract "pi,oi->po"(%x, %w)
    : (tensor<?x10xf32>, tensor<18x10xf32>) -> tensor<?x18xf32>
  %q = ten.slice %y axis 1 from 0 : tensor<?x18xf32> -> tensor<?x12xf32>
  %h = ten.reshape %q : tensor<?x12xf32> -> tensor<?x2x{count}x{pairs}xf32>
  %t = ten.contract "phrf,psrf->phsf"(%h, %r)
    : (tensor<?x2x{count}x{pairs}xf32>, tensor<?x2x{count}x{pairs}xf32>) -> tensor<?x2x2x{pairs}xf32>
  func.return %t : tensor<?x2x2x{pairs}xf32>
}}
"""
    module = applied(text, *laid_out("arrays"))
    assert paired(assert_same_meaning(module, InterleaveRopePairsPass())) == {}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # Slices that no head begins or ends with.
        ("axis 1 from 12", "axis 1 from 11"),
        # A product of pairs that is not summed.
        ('"phrf,psrf->phsf"', '"phrf,psrf->phrf"'),
        # A product of which a third reads each pair.
        ("func.return %t", 'ten.output %h to @h ["p", "h", "r", "f"] : TYPE\n  func.return %t'),
        ("func.return %t", 'ten.output %y to @y ["p", "o"] : tensor<?x18xf32>\n  func.return %t'),
    ],
    ids=["across", "unsummed", "read twice", "read whole"],
)
def test_what_is_no_rotation_stays(old: str, new: str):
    text = DENSE.replace(old, new.replace("TYPE", "tensor<?x2x2x3xf32>"))
    module = applied(text, *laid_out("arrays"))
    assert paired(assert_same_meaning(module, InterleaveRopePairsPass())) == {}
    assert_same_meaning(module, InterleaveRopePairsPass(), CONVERT)


def test_rows_that_are_too_long_stay_apart():
    """SQLite keeps 1002 bytes of a row together: 2 x 54 numbers of 9 bytes, and not 2 x 58."""
    for inputs, shapes in ((54, {"w": (3, 2, 3, 54)}), (58, {})):
        text = DENSE.replace("x10x", f"x{inputs}x").replace("18x10", f"18x{inputs}")
        module = applied(text, *laid_out("columns", 64))
        assert paired(applied(module, InterleaveRopePairsPass("sqlite"))) == shapes


@pytest.mark.parametrize("layout", ["rows", "lanes"])
def test_other_layouts_stay(layout: str):
    stored = "layout <lanes 1 by 10 of 8 bits in 2> " if layout == "lanes" else ""
    module = applied(DENSE.replace(": tensor<18x10xf32>\n", f"{stored}: tensor<18x10xf32>\n", 1))
    assert paired(applied(module, InterleaveRopePairsPass())) == {}


def test_pairs_beside_columns():
    """Where other weights are columns of numbers, vectors are cut into numbers: of the same axis."""
    other = """  %o = ten.weight @t from ["t"] layout <columns 1 by 5> : tensor<4x10xf32>
  %p = ten.contract "pi,oi->po"(%x, %o)
    : (tensor<?x10xf32>, tensor<4x10xf32>) -> tensor<?x4xf32>
  ten.output %p to @p ["p", "o"] : tensor<?x4xf32>
"""
    pairs = str(applied(DENSE, *laid_out("arrays"), InterleaveRopePairsPass()))
    before, line, rest = pairs.partition("-> (tensor<?x2x2x3xf32>, tensor<?x6xf32>) {\n")
    module = f"{before}{line}{other}{rest}"
    after = assert_same_meaning(module, CONVERT, ExpandVectorsPass())
    tables = [op for op in after.ops if isinstance(op, rel.TableOp) and op.sym_name.data == "w"]
    assert [str(table.layout) for table in tables] == ["#rel.layout<columns 3 by 4 parts 2 of 1>"]


def test_halves():
    layout = "layout <halves 1 by 5> "
    module = applied(DENSE.replace(": tensor<18x10xf32>\n", f"{layout}: tensor<18x10xf32>\n", 1))
    after = applied(module, InterleaveRopePairsPass("pgvector"))
    assert paired(after) == {"w": (3, 2, 3, 10)}
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=(6, 10)) for name in "qkv"}
    arguments = rng.normal(size=(3, 10)), rng.normal(size=(3, 2, 2, 3))
    whole, pairs = (
        run(applied(each, CONVERT), *arguments, weights=weights).outputs for each in (module, after)
    )
    for name, table in whole.items():
        assert_same_rows(table, pairs[name])


@pytest.mark.parametrize("rolled", [False, True])
def test_llama(tmp_path: Path, rolled: bool):
    module, weights = llama("small", tmp_path)
    rolling = [RollLayersPass()] if rolled else []
    algebra = (DecomposePass(), FuseContractionsPass(), HoistFactorsPass(), FuseElementwisePass())
    module = applied(module, *rolling, *algebra, *laid_out("arrays", 24), InterleaveWeightsPass())
    inputs = stream_tables(np.array([5, 3, 8, 1]))
    after = assert_same_meaning(
        module, InterleaveRopePairsPass(), CONVERT, weights=weights, inputs=inputs
    )
    tables = [op for op in after.ops if isinstance(op, rel.TableOp)]
    stored = {op.sym_name.data for op in tables if op.layout and op.layout.parted.data == 1}
    layers = ["{}"] if rolled else ["0", "1"]
    name = "model.layers.{}.self_attn.q_proj_k_proj_v_proj.weight"
    assert stored == {name.format(n) if n != "{}" else name for n in layers}
