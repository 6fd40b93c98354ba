"""`fuse-contractions`, executed."""

from pathlib import Path

import pytest
from execution import llama, stream_tables

from tensorjoin.dialects import ten
from tensorjoin.passes.nn.decompose import DecomposePass
from tensorjoin.passes.nn.roll_layers import RollLayersPass
from tensorjoin.passes.ten.fuse_contractions import FuseContractionsPass
from tensorjoin.testing.modules import applied, assert_same_meaning


def test_results_are_slices_of_one_contraction():
    fused = assert_same_meaning(
        """
        func.func @forward(%x: tensor<?x4xf32>) -> (tensor<?x3xf32>, tensor<?x5xf32>) {
          %a = ten.weight @a from ["a"] : tensor<3x4xf32>
          %b = ten.weight @b from ["b"] : tensor<5x4xf32>
          %xa = ten.contract "pi,oi->po"(%x, %a)
              : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
          %xb = ten.contract "pi,oi->po"(%x, %b)
              : (tensor<?x4xf32>, tensor<5x4xf32>) -> tensor<?x5xf32>
          func.return %xa, %xb : tensor<?x3xf32>, tensor<?x5xf32>
        }
        """,
        FuseContractionsPass(),
    )
    assert sum(isinstance(op, ten.ContractOp) for op in fused.walk()) == 1


def test_a_sparse_tensor_and_its_first_axis():
    fused = assert_same_meaning(
        """
        func.func @forward(%x: tensor<?x4xf32, #ten.sparse>)
            -> (tensor<3x2x?xf32, #ten.sparse>, tensor<5x2x?xf32, #ten.sparse>) {
          %a = ten.weight @a from ["a"] : tensor<3x2x4xf32>
          %b = ten.weight @b from ["b"] : tensor<5x2x4xf32>
          %xa = ten.contract "pi,osi->osp"(%x, %a)
            : (tensor<?x4xf32, #ten.sparse>, tensor<3x2x4xf32>) -> tensor<3x2x?xf32, #ten.sparse>
          %xb = ten.contract "pi,osi->osp"(%x, %b)
            : (tensor<?x4xf32, #ten.sparse>, tensor<5x2x4xf32>) -> tensor<5x2x?xf32, #ten.sparse>
          func.return %xa, %xb : tensor<3x2x?xf32, #ten.sparse>, tensor<5x2x?xf32, #ten.sparse>
        }
        """,
        FuseContractionsPass(),
    )
    assert sum(isinstance(op, ten.ContractOp) for op in fused.walk()) == 1


@pytest.mark.parametrize("rolled", [False, True])
def test_llama(tmp_path: Path, rolled: bool):
    module, weights = llama("small", tmp_path)
    module = applied(module, *([RollLayersPass()] if rolled else []), DecomposePass())
    fused = assert_same_meaning(
        module, FuseContractionsPass(), weights=weights, inputs=stream_tables([5, 3, 8, 1])
    )
    names = [op.symbol.string_value() for op in fused.walk() if isinstance(op, ten.WeightOp)]
    layers = ["{}"] if rolled else ["0", "1"]
    for layer in layers:
        assert f"model.layers.{layer}.self_attn.q_proj_k_proj_v_proj.weight" in names
        assert f"model.layers.{layer}.mlp.gate_proj_up_proj.weight" in names
