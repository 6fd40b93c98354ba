"""Chunks of a weight in rows of their own -> columns of one row, each an array (ROW2COL)."""

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

from tensorjoin.dialects import ten
from tensorjoin.dialects.layout import LayoutAttr, Storage
from tensorjoin.errors import TensorjoinError
from tensorjoin.tiling import chunk_size


def pivoted(tiled: LayoutAttr, shape: tuple[int, ...], width: int | None) -> LayoutAttr:
    """
    The chunks of a tensor of that shape as columns of one row, if they are at most `width`, else of
    several rows with equally many; a chunk which is the whole axis stays as it is.
    """
    axis, size = tiled.axis.data, tiled.size.data
    chunks = -(-shape[axis] // size)
    columns = chunks if width is None else chunk_size(chunks, width)
    if columns == 1:
        return tiled
    return LayoutAttr(Storage.PIVOTED, axis, size * columns, columns=columns)


@dataclass
class RowToColumn(RewritePattern):
    """ten.weight @w layout <arrays 1 by 64> -> <pivoted 1 by 512 in 8>"""

    width: int | None

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.WeightOp, rewriter: PatternRewriter, /):
        tiled = op.layout
        if tiled is None or tiled.storage.data != Storage.ARRAYS:
            return
        if (layout := pivoted(tiled, ten.tensor(op.result).get_shape(), self.width)) != tiled:
            op.layout = layout
            rewriter.notify_op_modified(op)


@dataclass(frozen=True)
class RowToColumnPass(ModulePass):
    """
    Store the chunks of a weight's row in columns of one row, so that no join on the chunk and no
    group is needed; in rows of at most `width` columns, if it is given, which a group adds up.
    """

    name = "row-to-column"

    width: int | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if self.width is not None and self.width < 1:
            raise TensorjoinError(f"row-to-column: {self.width} columns in a row: choose 1 or more")
        PatternRewriteWalker(RowToColumn(self.width)).rewrite_module(op)
