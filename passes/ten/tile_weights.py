"""Weights that contractions sum over -> weights in chunks."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, bf16, f16, f32
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from tensorjoin.context import profile_of
from tensorjoin.dialects import ten
from tensorjoin.dialects.layout import LayoutAttr, Storage
from tensorjoin.errors import TensorjoinError
from tensorjoin.tiling import chunk_size

IN_CHUNKS = (f16, bf16, f32)
"""What a chunk of float32 holds as it is; others stay rows."""


def summed_axes(weight: ten.WeightOp) -> set[int]:
    """The axes of a weight that some contraction sums over."""
    axes: set[int] = set()
    for use in weight.result.uses:
        if isinstance(use.operation, ten.ContractOp):
            labels, result = ten.parse_indices(use.operation.indices.data)
            letters = labels[use.index]
            axes |= {axis for axis, letter in enumerate(letters) if letter not in result}
    return axes


@dataclass
class TileWeight(RewritePattern):
    """ten.weight @w -> ten.weight @w layout #rel.layout<arrays AXIS by SIZE>"""

    chunk: int

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.WeightOp, rewriter: PatternRewriter, /):
        type = ten.tensor(op.result)
        shape = type.get_shape()
        if type.get_element_type() not in IN_CHUNKS:
            return
        if op.layout is not None or len(shape) < 2 or not (axes := summed_axes(op)):
            return
        axis = max(axes)
        op.layout = LayoutAttr(Storage.ARRAYS, axis, chunk_size(shape[axis], self.chunk))
        rewriter.notify_op_modified(op)


@dataclass(frozen=True)
class TileWeightsPass(ModulePass):
    """Cut each weight into chunks of the last axis that a contraction sums over."""

    name = "tile-weights"
    requires = frozenset({"packed lanes"})
    establishes = frozenset({"chunks of weights"})

    chunk: int | None = None
    """Elements of a chunk; None for those that suit the target."""
    target: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        chunk = profile_of(ctx, self.target).chunk if self.chunk is None else self.chunk
        if chunk < 1:
            raise TensorjoinError(f"tile-weights: a chunk of {chunk} elements: choose 1 or more")
        PatternRewriteWalker(TileWeight(chunk)).rewrite_module(op)
