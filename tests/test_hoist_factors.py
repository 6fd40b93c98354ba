"""`hoist-factors`, executed."""

from pathlib import Path

import pytest
from execution import llama, stream_tables
from xdsl.dialects.builtin import ModuleOp

from tensorjoin.dialects import ten
from tensorjoin.passes.nn.decompose import DecomposePass
from tensorjoin.passes.nn.roll_layers import RollLayersPass
from tensorjoin.passes.ten.fuse_contractions import FuseContractionsPass
from tensorjoin.passes.ten.hoist_factors import HoistFactorsPass
from tensorjoin.testing.modules import applied, assert_same_meaning

NORM = """
func.func @forward(%x: tensor<?x4xf32SPARSE>, %s: tensor<?xf32SPARSE>) -> tensor<?x3xf32SPARSE> {
  %g = ten.weight @g from ["g"] : tensor<4xf32>
  %n = ten.map "pi,p,i->pi"(%x, %s, %g)
    : (tensor<?x4xf32SPARSE>, tensor<?xf32SPARSE>, tensor<4xf32>) -> tensor<?x4xf32SPARSE> {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %d = arith.mulf %b, %c : f32
    %e = arith.mulf %d, %a : f32
    ten.yield %e : f32
  }
  %w = ten.weight @w from ["a", "b"] : tensor<3x4xf32>
  %y = ten.contract "pi,oi->po"(%n, %w)
    : (tensor<?x4xf32SPARSE>, tensor<3x4xf32>) -> tensor<?x3xf32SPARSE>
  func.return %y : tensor<?x3xf32SPARSE>
}
"""


def gains(module: ModuleOp) -> list[str]:
    return [op.gain.data for op in module.walk() if isinstance(op, ten.WeightOp) and op.gain]


@pytest.mark.parametrize("target", ["duckdb", "sqlite"])
@pytest.mark.parametrize("sparse", ["", ", #ten.sparse"])
def test_a_norm(sparse: str, target: str):
    hoisted = assert_same_meaning(NORM.replace("SPARSE", sparse), HoistFactorsPass(target))
    assert gains(hoisted) == ["g"]
    (contract,) = (op for op in hoisted.walk() if isinstance(op, ten.ContractOp))
    follows = any(isinstance(use.operation, ten.MapOp) for use in contract.result.uses)
    assert follows == (target == "duckdb")


@pytest.mark.parametrize("target", ["duckdb", "sqlite"])
def test_doubles(target: str):
    sample = NORM.replace("SPARSE", "").replace("f32", "f64")
    assert gains(assert_same_meaning(sample, HoistFactorsPass(target))) == ["g"]


def test_a_product_that_is_not_what_the_map_yields():
    sample = NORM.replace("SPARSE", "").replace("ten.yield %e", "ten.yield %a")
    assert gains(assert_same_meaning(sample, HoistFactorsPass())) == []


@pytest.mark.parametrize("name", ["small", "odd"])
@pytest.mark.parametrize("rolled", [False, True])
def test_llama(tmp_path: Path, name: str, rolled: bool):
    module, weights = llama(name, tmp_path)
    rolling = [RollLayersPass()] if rolled else []
    module = applied(module, *rolling, DecomposePass(), FuseContractionsPass())
    hoisted = assert_same_meaning(
        module, HoistFactorsPass(), weights=weights, inputs=stream_tables([5, 3, 8, 1])
    )
    layer = "{}" if rolled else "1"
    for norm in ("input_layernorm", "post_attention_layernorm"):
        assert f"model.layers.{layer}.{norm}.weight" in gains(hoisted)
    # In the other model, the output projection is the embedding.
    assert ("model.norm.weight" in gains(hoisted)) == (name == "odd")
