"""State that contractions sum over -> state in chunks."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
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


def chunked_states(module: ModuleOp, chunk: int) -> dict[str, LayoutAttr]:
    """
    For each state whose every reader is a contraction that sums over the same last axis, as
    attention does over the width of its keys, the layout in chunks of that axis.
    """
    layouts: dict[str, LayoutAttr | None] = {}
    for op in module.walk():
        if isinstance(op, ten.ReadOp):
            name, layout = op.state.string_value(), layout_of_readers(op, chunk)
            layouts[name] = layout if layouts.get(name, layout) == layout else None
    return {name: layout for name, layout in layouts.items() if layout is not None}


def layout_of_readers(op: ten.ReadOp, chunk: int) -> LayoutAttr | None:
    shape = ten.tensor(op.result).get_shape()
    axis = len(shape) - 1
    for use in op.result.uses:
        if not isinstance(use.operation, ten.ContractOp):
            return None
        labels, result = ten.parse_indices(use.operation.indices.data)
        if axis < 1 or labels[use.index][axis] in result:
            return None
    return LayoutAttr(Storage.ARRAYS, axis, chunk_size(shape[axis], chunk))


@dataclass
class TileState(RewritePattern):
    """ten.append, ten.read of @keys -> the same with layout #rel.layout<arrays AXIS by SIZE>"""

    layouts: dict[str, LayoutAttr]

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.AppendOp | ten.ReadOp, rewriter: PatternRewriter, /):
        layout = self.layouts.get(op.state.string_value())
        if op.layout is None and layout is not None:
            op.layout = layout
            rewriter.notify_op_modified(op)


@dataclass(frozen=True)
class TileStatePass(ModulePass):
    """Cut each state into chunks of its last axis if all that reads it sums over that axis."""

    name = "tile-state"
    establishes = frozenset({"chunks of state"})

    chunk: int | None = None
    """Elements of a chunk; None for those that suit the target."""
    target: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        chunk = profile_of(ctx, self.target).chunk if self.chunk is None else self.chunk
        if chunk < 1:
            raise TensorjoinError(f"tile-state: a chunk of {chunk} elements: choose 1 or more")
        PatternRewriteWalker(TileState(chunked_states(op, chunk))).rewrite_module(op)
