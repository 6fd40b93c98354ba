"""`tile-weights`: chunks of weights, which change no meaning."""

from pathlib import Path

import pytest
from execution import llama, stream_tables
from xdsl.dialects.builtin import ModuleOp

from tensorjoin.dialects import ten
from tensorjoin.dialects.layout import LayoutAttr, Storage
from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.nn.decompose import DecomposePass
from tensorjoin.passes.nn.roll_layers import RollLayersPass
from tensorjoin.passes.ten.tile_weights import TileWeightsPass
from tensorjoin.testing.modules import applied, assert_same_meaning


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_llama(tmp_path: Path, chunk: int):
    module, weights = llama("small", tmp_path)
    module = applied(module, RollLayersPass(), DecomposePass())
    tiled = assert_same_meaning(
        module, TileWeightsPass(chunk), weights=weights, inputs=stream_tables([5, 3, 8, 1])
    )
    for op in tiled.walk():
        if isinstance(op, ten.WeightOp):
            is_matrix = len(ten.tensor(op.result).get_shape()) == 2
            assert (op.layout is not None) == is_matrix
            assert op.layout is None or op.layout.size.data <= chunk


def test_the_last_of_several_axes():
    tiled = applied(
        """
        func.func @forward(%x: tensor<?x3x128xf32>) {
          %w = ten.weight @w from ["w"] : tensor<3x5x128xf32>
          %y = ten.contract "psi,soi->po"(%x, %w)
            : (tensor<?x3x128xf32>, tensor<3x5x128xf32>) -> tensor<?x5xf32>
          func.return
        }
        """,
        TileWeightsPass(),
    )
    (weight,) = (op for op in tiled.walk() if isinstance(op, ten.WeightOp))
    assert weight.layout == LayoutAttr(Storage.ARRAYS, 2, 64)


def test_a_chunk_has_elements():
    with pytest.raises(TensorjoinError, match="a chunk of 0 elements"):
        applied(ModuleOp([]), TileWeightsPass(0))
