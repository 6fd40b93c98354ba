"""`interleave-weights`, executed."""

from pathlib import Path

import numpy as np
import pytest
from execution import llama, stream_tables
from samples import CONVERT, laid_out
from xdsl.dialects.builtin import ModuleOp

from tensorjoin.dialects import rel, ten
from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.nn.decompose import DecomposePass
from tensorjoin.passes.nn.roll_layers import RollLayersPass
from tensorjoin.passes.rel.expand_vectors import ExpandVectorsPass
from tensorjoin.passes.stages.lower_to_sql import LowerToSqlPass
from tensorjoin.passes.ten.fuse_contractions import FuseContractionsPass
from tensorjoin.passes.ten.fuse_elementwise import FuseElementwisePass
from tensorjoin.passes.ten.hoist_factors import HoistFactorsPass
from tensorjoin.passes.ten.interleave_weights import InterleaveWeightsPass
from tensorjoin.passes.ten.row_to_column import RowToColumnPass
from tensorjoin.testing.modules import applied, assert_same_meaning

GATED = """
func.func @forward(%x: tensor<?x10xf32SPARSE>) -> tensor<?x5xf32SPARSE> {
  %w = ten.weight @w from ["a", "b", "c"] : tensor<15x10xf32>
  %y = ten.contract "pi,oi->po"(%x, %w)
    : (tensor<?x10xf32SPARSE>, tensor<15x10xf32>) -> tensor<?x15xf32SPARSE>
  %a = ten.slice %y axis 1 from 0 : tensor<?x15xf32SPARSE> -> tensor<?x5xf32SPARSE>
  %b = ten.slice %y axis 1 from 5 : tensor<?x15xf32SPARSE> -> tensor<?x5xf32SPARSE>
  %c = ten.slice %y axis 1 from 10 : tensor<?x15xf32SPARSE> -> tensor<?x5xf32SPARSE>
  %m = ten.map "po,po,po->po"(%a, %b, %c)
    : (tensor<?x5xf32SPARSE>, tensor<?x5xf32SPARSE>, tensor<?x5xf32SPARSE>) -> tensor<?x5xf32SPARSE> {
  ^bb0(%d: f32, %e: f32, %f: f32):
    %g = arith.mulf %d, %e : f32
    %h = arith.subf %g, %f : f32
    ten.yield %h : f32
  }
  func.return %m : tensor<?x5xf32SPARSE>
}
"""

READ_WHOLE = """
func.func @forward(%x: tensor<?x10xf32>) -> (tensor<?x5xf32>, tensor<?x15xf32>) {
  %w = ten.weight @w from ["a", "b", "c"] : tensor<15x10xf32>
  %y = ten.contract "pi,oi->po"(%x, %w)
    : (tensor<?x10xf32>, tensor<15x10xf32>) -> tensor<?x15xf32>
  %a = ten.slice %y axis 1 from 0 : tensor<?x15xf32> -> tensor<?x5xf32>
  func.return %a, %y : tensor<?x5xf32>, tensor<?x15xf32>
}
"""


def parts(module: ModuleOp) -> dict[str, int]:
    """How many parts each weight is stored in, where there are several."""
    weights = [op for op in module.walk() if isinstance(op, ten.WeightOp) and op.layout]
    stored = {op.symbol.string_value(): op.layout.parts.data for op in weights if op.layout}
    return {name: count for name, count in stored.items() if count > 1}


@pytest.mark.parametrize("chunk", [3, 4, 10])
@pytest.mark.parametrize("sparse", ["", ", #ten.sparse"])
def test_gated(sparse: str, chunk: int):
    module = applied(GATED.replace("SPARSE", sparse), *laid_out("arrays", chunk))
    interleaved = assert_same_meaning(module, InterleaveWeightsPass())
    assert parts(interleaved) == {"w": 3}
    converted = assert_same_meaning(interleaved, CONVERT)
    # The parts come from one relation, and no row is looked for.
    assert not any(isinstance(op, rel.SelectOp) for op in converted.walk())


def test_pivoted():
    module = applied(GATED.replace("SPARSE", ""), *laid_out("arrays", 3), RowToColumnPass(2))
    passes = (InterleaveWeightsPass(), CONVERT, ExpandVectorsPass())
    tables = [op for op in assert_same_meaning(module, *passes).ops if isinstance(op, rel.TableOp)]
    (weight,) = (table for table in tables if table.sym_name.data == "w")
    assert list(weight.schema.values) == ["v0_0", "v0_1", "v1_0", "v1_1", "v2_0", "v2_1"]


def test_a_part_that_is_read_twice():
    text = GATED.replace("%b, %c)", "%a, %c)").replace("SPARSE", "")
    module = applied(text, *laid_out("arrays"))
    assert parts(applied(module, InterleaveWeightsPass())) == {}


def test_a_product_that_is_read_whole_too():
    module = applied(READ_WHOLE, *laid_out("arrays"))
    assert parts(applied(module, InterleaveWeightsPass())) == {}


@pytest.mark.parametrize("target", ["sqlite", "postgres"])
def test_columns(target: str):
    module = applied(GATED.replace("SPARSE", ""), *laid_out("columns"))
    passes = (InterleaveWeightsPass(target), CONVERT, ExpandVectorsPass())
    assert_same_meaning(module, *passes)
    assert parts(applied(module, InterleaveWeightsPass(target))) == {"w": 3}


def test_rows_that_are_too_long_stay_apart():
    """SQLite keeps 1002 bytes of a row together: 3 x 36 numbers of 9 bytes, and not 3 x 40."""
    for inputs, stored in ((36, {"w": 3}), (40, {})):
        text = GATED.replace("SPARSE", "").replace("x10x", f"x{inputs}x")
        module = applied(text.replace("15x10", f"15x{inputs}"), *laid_out("columns", 64))
        assert parts(applied(module, InterleaveWeightsPass("sqlite"))) == stored


@pytest.mark.parametrize(("inputs", "stored"), [(300, {"w": 3}), (398, {"w": 3}), (400, {})])
def test_rows_of_more_columns_than_a_join_may_have_stay_apart(inputs: int, stored: dict[str, int]):
    """PostgreSQL has 1600: three parts, the operand of as many columns as one, and the keys."""
    text = GATED.replace("SPARSE", "").replace("x10x", f"x{inputs}x")
    module = applied(text.replace("15x10", f"15x{inputs}"), *laid_out("columns", 1000))
    interleaved = applied(module, InterleaveWeightsPass("postgres"))
    assert parts(interleaved) == stored
    applied(interleaved, CONVERT, LowerToSqlPass("postgres"))


def test_a_long_scaling_stays():
    """What is written in several steps is computed before the product is cut."""
    step = "    %{0} = math.exp %{1} : f32\n    %{2} = arith.addf %{0}, %{0} : f32\n"
    names = ["b", *(f"t{k}" for k in range(8))]
    steps = "".join(step.format(f"s{k}", names[k], names[k + 1]) for k in range(8))
    scaling = f"""  %z = ten.map "po->po"(%y) : (tensor<?x15xf32>) -> tensor<?x15xf32> {{
  ^bb0(%b: f32):
{steps}    ten.yield %t7 : f32
  }}
  %a ="""
    text = GATED.replace("SPARSE", "").replace("  %a =", scaling).replace("slice %y", "slice %z")
    module = applied(text, *laid_out("arrays"))
    assert parts(applied(module, InterleaveWeightsPass())) == {}


def test_a_weight_that_is_summed_alone_stays():
    text = GATED.replace("SPARSE", "").replace('"pi,oi->po"', '"pj,oi->po"')
    module = applied(text, *laid_out("arrays"))
    assert parts(applied(module, InterleaveWeightsPass())) == {}


def test_a_product_with_the_same_axis_on_both_sides_stays():
    text = GATED.replace("SPARSE", "").replace("%x: tensor<?x10x", "%x: tensor<?x15x10x")
    text = text.replace('"pi,oi->po"', '"poi,oi->po"').replace("(tensor<?x10x", "(tensor<?x15x10x")
    module = applied(text, *laid_out("arrays"))
    assert parts(assert_same_meaning(module, InterleaveWeightsPass(), CONVERT)) == {}


def test_slices_in_any_order():
    lines = GATED.replace("SPARSE", "").splitlines()
    first = next(k for k, line in enumerate(lines) if "%a = ten.slice" in line)
    lines[first], lines[first + 2] = lines[first + 2], lines[first]
    module = applied("\n".join(lines), *laid_out("arrays"))
    interleaved = applied(module, InterleaveWeightsPass())
    assert parts(interleaved) == {"w": 3}
    assert_same_meaning(interleaved, CONVERT)


@pytest.mark.parametrize("indices", ["po,p->po", "ao,a->ao", "op,o->op"])
@pytest.mark.parametrize("is_late", [False, True])
def test_what_scales_is_there_before_the_product(is_late: bool, indices: str):
    """
    The product is converted before what stands after it; each operation has names of its own for
    the axes.
    """
    scale = """  %s = ten.reduce sum "pi->p" %x : tensor<?x10xf32> -> tensor<?xf32>
"""
    scaled = """  %z = ten.map "po,p->po"(%y, %s)
      : (tensor<?x15xf32>, tensor<?xf32>) -> tensor<?x15xf32> {
  ^bb0(%b: f32, %t: f32):
    %u = arith.mulf %b, %t : f32
    ten.yield %u : f32
  }
"""
    text = GATED.replace("SPARSE", "").replace("slice %y", "slice %z")
    scaled = scaled.replace("po,p->po", indices)
    before, after = ("", scale) if is_late else (scale, "")
    text = text.replace("  %w =", f"{before}  %w =").replace("  %a =", f"{after}{scaled}  %a =")
    module = applied(text, *laid_out("arrays"))
    interleaved = assert_same_meaning(module, InterleaveWeightsPass())
    assert parts(interleaved) == ({} if is_late else {"w": 3})
    assert_same_meaning(interleaved, CONVERT)


def test_parts_beside_columns():
    """Where other weights are columns of numbers, vectors are cut into numbers as well."""
    other = """  %t = ten.weight @t from ["t"] layout <columns 1 by 5> : tensor<4x10xf32>
  %q = ten.contract "pi,oi->po"(%x, %t)
    : (tensor<?x10xf32>, tensor<4x10xf32>) -> tensor<?x4xf32>
  ten.output %q to @q ["p", "o"] : tensor<?x4xf32>
"""
    interleaved = str(
        applied(GATED.replace("SPARSE", ""), *laid_out("arrays"), InterleaveWeightsPass())
    )
    module = interleaved.replace("  %w = ", f"{other}  %w = ")
    assert "@t" in module
    assert_same_meaning(module, CONVERT, ExpandVectorsPass())


def test_rows_stay():
    module = applied(GATED.replace("SPARSE", ""))
    assert parts(applied(module, InterleaveWeightsPass())) == {}


def test_other_readers_are_refused():
    layout = "layout <arrays 1 by 4 parts 3> "
    module = READ_WHOLE.replace(": tensor<15x10xf32>\n", f"{layout}: tensor<15x10xf32>\n", 1)
    with pytest.raises(TensorjoinError, match="read by slices alone"):
        applied(module, CONVERT)


@pytest.mark.parametrize("rolled", [False, True])
def test_llama(tmp_path: Path, rolled: bool):
    module, weights = llama("small", tmp_path)
    rolling = [RollLayersPass()] if rolled else []
    algebra = (DecomposePass(), FuseContractionsPass(), HoistFactorsPass(), FuseElementwisePass())
    module = applied(module, *rolling, *algebra, *laid_out("arrays", 24))
    inputs = stream_tables(np.array([5, 3, 8, 1]))
    interleaved = assert_same_meaning(
        module, InterleaveWeightsPass(), CONVERT, weights=weights, inputs=inputs
    )
    tables = [op for op in interleaved.ops if isinstance(op, rel.TableOp)]
    stored = {op.sym_name.data for op in tables if op.layout and op.layout.parts.data == 2}
    layers = ["{}"] if rolled else ["0", "1"]
    assert stored == {f"model.layers.{n}.mlp.gate_proj_up_proj.weight" for n in layers}
