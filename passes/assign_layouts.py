"""Weights and state as tiled -> the storage that suits the target."""

from dataclasses import dataclass
from typing import Literal

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
from tensorjoin.targets import TargetProfile, target_profile
from tensorjoin.tiling import chunk_size


@dataclass
class AssignLayout(RewritePattern):
    """ten.weight @w layout #rel.layout<arrays 1 by 64> -> the same chunks in another storage"""

    storage: Storage
    max_columns: int

    @op_type_rewrite_pattern
    def match_and_rewrite(
        self, op: ten.WeightOp | ten.AppendOp | ten.ReadOp, rewriter: PatternRewriter, /
    ):
        if (layout := self.layout(op)) != op.layout:
            op.layout = layout
            rewriter.notify_op_modified(op)

    def layout(self, op: ten.WeightOp | ten.AppendOp | ten.ReadOp) -> LayoutAttr:
        tensor = op.input if isinstance(op, ten.AppendOp) else op.result
        tiled, shape = op.layout, ten.tensor(tensor).get_shape()
        if tiled is not None and tiled.storage.data == Storage.LANES:
            return tiled
        if self.storage is Storage.ROWS or tiled is None or not tiled.is_chunked:
            return LayoutAttr(Storage.ROWS)
        axis, size = tiled.axis.data, tiled.size.data
        keys = len(shape) + (op.layers is not None)
        if self.storage is Storage.COLUMNS and size + keys > self.max_columns:
            size = chunk_size(shape[axis], self.max_columns - keys)
        return LayoutAttr(self.storage, axis, size)


@dataclass(frozen=True)
class AssignLayoutsPass(ModulePass):
    """Choose how weights and state are stored: chunks in arrays or in columns, all else in rows."""

    name = "assign-layouts"

    target: str = "duckdb"
    layout: Literal["auto", "rows", "arrays", "columns"] = "auto"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        profile = target_profile(self.target)
        pattern = AssignLayout(self.storage(profile), profile.max_columns)
        PatternRewriteWalker(pattern).rewrite_module(op)

    def storage(self, profile: TargetProfile) -> Storage:
        if self.layout == "auto":
            return Storage.ARRAYS if profile.vectors else Storage.COLUMNS
        storage = Storage(self.layout)
        if storage is Storage.ARRAYS and not profile.vectors:
            raise TensorjoinError(
                f"{profile.name} has no vectors for layout=arrays: choose columns or rows"
            )
        return storage
