"""`fuse-elementwise`, executed."""

from pathlib import Path

import pytest
from execution import llama, stream_tables
from xdsl.dialects.builtin import ModuleOp

from tensorjoin.dialects import ten
from tensorjoin.passes.nn.decompose import DecomposePass
from tensorjoin.passes.nn.roll_layers import RollLayersPass
from tensorjoin.passes.ten.fuse_contractions import FuseContractionsPass
from tensorjoin.passes.ten.fuse_elementwise import FuseElementwisePass
from tensorjoin.testing.modules import applied, assert_same_meaning


def maps(module: ModuleOp) -> list[str]:
    return [op.indices.data for op in module.walk() if isinstance(op, ten.MapOp)]


def test_a_chain_becomes_one_map():
    fused = assert_same_meaning(
        """
        func.func @forward(%x: tensor<?x4xf32>, %g: tensor<4xf32>) -> tensor<?x4xf32> {
          %a = ten.map "pi,i->pi"(%x, %g) : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32> {
          ^bb0(%v: f32, %w: f32):
            %s = arith.subf %v, %w : f32
            ten.yield %s : f32
          }
          %b = ten.map "ab->ab"(%a) : (tensor<?x4xf32>) -> tensor<?x4xf32> {
          ^bb0(%v: f32):
            %s = math.exp %v : f32
            ten.yield %s : f32
          }
          %c = ten.map "i,pi,pi->pi"(%g, %b, %x)
              : (tensor<4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32> {
          ^bb0(%u: f32, %v: f32, %w: f32):
            %s = arith.divf %v, %w : f32
            %t = arith.addf %s, %u : f32
            ten.yield %t : f32
          }
          func.return %c : tensor<?x4xf32>
        }
        """,
        FuseElementwisePass(),
    )
    assert maps(fused) == ["i,pi->pi"]


def test_letters_are_renamed_where_axes_change_places():
    fused = assert_same_meaning(
        """
        func.func @forward(%x: tensor<4x4xf32>, %r: tensor<4xf32>) -> tensor<4x4xf32> {
          %a = ten.map "ip,i->pi"(%x, %r) : (tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32> {
          ^bb0(%v: f32, %w: f32):
            %s = arith.subf %v, %w : f32
            ten.yield %s : f32
          }
          %b = ten.map "ip,i->pi"(%a, %r) : (tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32> {
          ^bb0(%v: f32, %w: f32):
            %s = arith.divf %v, %w : f32
            ten.yield %s : f32
          }
          func.return %b : tensor<4x4xf32>
        }
        """,
        FuseElementwisePass(),
    )
    assert maps(fused) == ["pi,p,i->pi"]


def test_absent_elements_stay_absent():
    fused = assert_same_meaning(
        """
        func.func @forward(%x: tensor<?x4xf32>, %rows: tensor<?xi1, #ten.sparse>,
            %y: tensor<?x4xf32, #ten.sparse>) -> tensor<?x4xf32, #ten.sparse> {
          %kept = ten.map "pi,p->pi"(%x, %rows)
              : (tensor<?x4xf32>, tensor<?xi1, #ten.sparse>) -> tensor<?x4xf32, #ten.sparse> {
          ^bb0(%v: f32, %flag: i1):
            ten.yield %v : f32
          }
          %sum = ten.map "pi,pi->pi"(%kept, %y)
              : (tensor<?x4xf32, #ten.sparse>, tensor<?x4xf32, #ten.sparse>)
              -> tensor<?x4xf32, #ten.sparse> {
          ^bb0(%v: f32, %w: f32):
            %s = arith.addf %v, %w : f32
            ten.yield %s : f32
          }
          func.return %sum : tensor<?x4xf32, #ten.sparse>
        }
        """,
        FuseElementwisePass(),
        rows=5,
    )
    assert maps(fused) == ["pi,p,pi->pi"]


def test_a_map_outside_of_a_loop_stays_there():
    fused = assert_same_meaning(
        """
        func.func @forward(%x: tensor<?xf32>) -> tensor<?xf32> {
          %a = ten.map "p->p"(%x) : (tensor<?xf32>) -> tensor<?xf32> {
          ^bb0(%v: f32):
            %s = math.exp %v : f32
            ten.yield %s : f32
          }
          %zero = arith.constant 0 : index
          %two = arith.constant 2 : index
          %one = arith.constant 1 : index
          %y = scf.for %i = %zero to %two step %one iter_args(%z = %x) -> (tensor<?xf32>) {
            %b = ten.map "p,p->p"(%z, %a) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32> {
            ^bb0(%v: f32, %w: f32):
              %s = arith.addf %v, %w : f32
              ten.yield %s : f32
            }
            scf.yield %b : tensor<?xf32>
          }
          func.return %y : tensor<?xf32>
        }
        """,
        FuseElementwisePass(),
    )
    assert maps(fused) == ["p->p", "p,p->p"]


@pytest.mark.parametrize("rolled", [False, True])
def test_llama(tmp_path: Path, rolled: bool):
    module, weights = llama("small", tmp_path)
    passes = [*([RollLayersPass()] if rolled else []), DecomposePass(), FuseContractionsPass()]
    module = applied(module, *passes)
    fused = assert_same_meaning(
        module, FuseElementwisePass(), weights=weights, inputs=stream_tables([5, 3, 8, 1])
    )
    # silu into the product with its gate; without a loop also the last sum into the filter.
    assert len(maps(module)) - len(maps(fused)) == (1 if rolled else 3)
