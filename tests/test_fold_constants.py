"""`fold-constants`, executed."""

from pathlib import Path

import pytest
from execution import llama, stream_tables

from tensorjoin.dialects import ten
from tensorjoin.passes.nn.decompose import DecomposePass
from tensorjoin.passes.ten.fold_constants import FoldConstantsPass
from tensorjoin.testing.modules import applied, assert_same_meaning

TENSORS = """
func.func @forward()
    -> (tensor<2xf64>, tensor<2x2xf32>, tensor<1x2xi32>, tensor<2xi32>, tensor<2xi32>) {
  %x = ten.constant dense<[[1.0, -2.5], [3.0, 4.0]]> : tensor<2x2xf64> : tensor<2x2xf64>
  %n = ten.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32> : tensor<2x2xi32>
  %ids = ten.constant dense<[1, 0, 1]> : tensor<3xi32> : tensor<3xi32>
  %sum = ten.reduce sum "ij->i" %x : tensor<2x2xf64> -> tensor<2xf64>
  %square = ten.contract "ij,jk->ik"(%x, %x) : (tensor<2x2xf64>, tensor<2x2xf64>) -> tensor<2x2xf32>
  %rows = ten.gather "ni,p->pi" %n, %ids : tensor<2x2xi32>, tensor<3xi32> -> tensor<3x2xi32>
  %last = ten.slice %rows axis 0 from 2 : tensor<3x2xi32> -> tensor<1x2xi32>
  %row = ten.reshape %last : tensor<1x2xi32> -> tensor<2xi32>
  %last_row = ten.map "i->i"(%row) : (tensor<2xi32>) -> tensor<2xi32> {
  ^bb0(%v: i32):
    %three = arith.constant 3 : i32
    %is = arith.cmpi eq, %v, %three : i32
    %chosen = arith.select %is, %v, %three : i32
    ten.yield %chosen : i32
  }
  func.return %sum, %square, %last, %row, %last_row
    : tensor<2xf64>, tensor<2x2xf32>, tensor<1x2xi32>, tensor<2xi32>, tensor<2xi32>
}
"""


def test_tensors():
    folded = assert_same_meaning(TENSORS, FoldConstantsPass())
    assert {op.name for op in folded.walk() if op.name.startswith("ten.")} == {"ten.constant"}


def test_scalars_and_splats():
    folded = assert_same_meaning(
        """
        func.func @forward(%x: tensor<?x2xf32, #ten.sparse>) -> tensor<?x2xf32, #ten.sparse> {
          %two = ten.constant dense<2.0> : tensor<f32> : tensor<f32>
          %threes = ten.constant dense<3.0> : tensor<2xf32> : tensor<2xf32>
          %y = ten.map "pi,,i->pi"(%x, %two, %threes)
              : (tensor<?x2xf32, #ten.sparse>, tensor<f32>, tensor<2xf32>)
              -> tensor<?x2xf32, #ten.sparse> {
          ^bb0(%v: f32, %a: f32, %b: f32):
            %ab = arith.mulf %a, %b : f32
            %e = math.exp %ab : f32
            %is = arith.cmpf olt, %e, %ab : f32
            %n = arith.constant 7 : i32
            %f = arith.sitofp %n : i32 to f32
            %d = arith.select %is, %e, %f : f32
            %w = arith.divf %v, %d : f32
            ten.yield %w : f32
          }
          func.return %y : tensor<?x2xf32, #ten.sparse>
        }
        """,
        FoldConstantsPass(),
    )
    (map,) = (op for op in folded.walk() if isinstance(op, ten.MapOp))
    assert map.indices.data == "pi->pi"
    assert [op.name for op in map.body.block.ops] == ["arith.constant", "arith.divf", "ten.yield"]


def test_an_axis_that_only_constants_have():
    folded = assert_same_meaning(
        """
        func.func @forward(%x: tensor<?xf32>) -> tensor<?x2xf32> {
          %a = ten.constant dense<3.0> : tensor<2xf32> : tensor<2xf32>
          %b = ten.constant dense<4.0> : tensor<2xf32> : tensor<2xf32>
          %y = ten.map "p,i,i->pi"(%x, %a, %b)
              : (tensor<?xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<?x2xf32> {
          ^bb0(%v: f32, %s: f32, %t: f32):
            %u = arith.mulf %v, %s : f32
            %w = arith.subf %u, %t : f32
            ten.yield %w : f32
          }
          func.return %y : tensor<?x2xf32>
        }
        """,
        FoldConstantsPass(),
    )
    (map,) = (op for op in folded.walk() if isinstance(op, ten.MapOp))
    assert map.indices.data == "p,i->pi"


@pytest.mark.parametrize(
    "body",
    [
        "%y = math.exp %c : f32",
        "%z = arith.constant 0.0 : f32 %y = arith.divf %c, %z : f32",
        "%s = math.sqrt %c : f32 %n = arith.negf %s : f32 %y = math.sqrt %n : f32",
    ],
)
def test_what_is_not_finite_stays(body: str):
    folded = applied(
        f"""
        func.func @forward(%x: tensor<?xf32>) -> tensor<?xf32> {{
          %y = ten.map "p->p"(%x) : (tensor<?xf32>) -> tensor<?xf32> {{
          ^bb0(%v: f32):
            %c = arith.constant 100.0 : f32
            {body}
            %w = arith.minimumf %v, %y : f32
            ten.yield %w : f32
          }}
          func.return %y : tensor<?xf32>
        }}
        """,
        FoldConstantsPass(),
    )
    (map,) = (op for op in folded.walk() if isinstance(op, ten.MapOp))
    names = [op.name for op in map.body.block.ops]
    assert {"math.exp", "math.sqrt", "arith.divf"} & set(names)


def test_a_number_outside_of_the_table_stays():
    folded = applied(
        """
        func.func @forward() -> tensor<1xi32> {
          %table = ten.constant dense<[7, 8]> : tensor<2xi32> : tensor<2xi32>
          %ids = ten.constant dense<[2]> : tensor<1xi32> : tensor<1xi32>
          %row = ten.gather "t,p->p" %table, %ids : tensor<2xi32>, tensor<1xi32> -> tensor<1xi32>
          func.return %row : tensor<1xi32>
        }
        """,
        FoldConstantsPass(),
    )
    assert any(isinstance(op, ten.GatherOp) for op in folded.walk())


def test_llama(tmp_path: Path):
    module, weights = llama("small", tmp_path)
    module = applied(module, DecomposePass())
    assert_same_meaning(
        module, FoldConstantsPass(), weights=weights, inputs=stream_tables([5, 3, 8, 1])
    )
