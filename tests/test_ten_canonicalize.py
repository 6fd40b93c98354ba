"""The canonical form of `ten`, executed."""

from pathlib import Path

from execution import llama, stream_tables
from xdsl.transforms.canonicalize import CanonicalizePass

from tensorjoin.dialects import ten
from tensorjoin.passes.nn.decompose import DecomposePass
from tensorjoin.passes.nn.roll_layers import RollLayersPass
from tensorjoin.passes.ten.fuse_contractions import FuseContractionsPass
from tensorjoin.testing.modules import applied, assert_same_meaning


def test_reshapes_and_slices():
    canonical = assert_same_meaning(
        """
        func.func @forward(%x: tensor<?x4x6xf32, #ten.sparse>, %y: tensor<9x8xf32>)
            -> (tensor<?x8x3xf32, #ten.sparse>, tensor<9x2xf32>, tensor<3x5xf32>, tensor<9x8xf32>) {
          %flat = ten.reshape %x : tensor<?x4x6xf32, #ten.sparse> -> tensor<?x24xf32, #ten.sparse>
          %split = ten.reshape %flat
              : tensor<?x24xf32, #ten.sparse> -> tensor<?x8x3xf32, #ten.sparse>
          %a = ten.slice %y axis 1 from 2 : tensor<9x8xf32> -> tensor<9x5xf32>
          %b = ten.slice %a axis 1 from 3 : tensor<9x5xf32> -> tensor<9x2xf32>
          %c = ten.slice %a axis 0 from 4 : tensor<9x5xf32> -> tensor<3x5xf32>
          %all = ten.slice %y axis 0 from 0 : tensor<9x8xf32> -> tensor<9x8xf32>
          func.return %split, %b, %c, %all
            : tensor<?x8x3xf32, #ten.sparse>, tensor<9x2xf32>, tensor<3x5xf32>, tensor<9x8xf32>
        }
        """,
        CanonicalizePass(),
    )
    ops = [op for op in canonical.walk() if isinstance(op, ten.ReshapeOp | ten.SliceOp)]
    assert [type(op) for op in ops] == [ten.ReshapeOp, *[ten.SliceOp] * 3]


def test_llama(tmp_path: Path):
    module, weights = llama("small", tmp_path)
    module = applied(module, RollLayersPass(), DecomposePass(), FuseContractionsPass())
    canonical = assert_same_meaning(
        module, CanonicalizePass(), weights=weights, inputs=stream_tables([5, 3, 8, 1])
    )
    kinds = [op.name for op in canonical.walk()]
    assert kinds.count("ten.append") == kinds.count("ten.read") == 2
