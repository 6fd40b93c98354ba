"""
Quantised weights with a group in a row -> several, as many as the engine keeps together.

See docs/notes/rows.md#packing-a-whole-row.
"""

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
from tensorjoin.layouts import KEYS
from tensorjoin.targets import TargetProfile
from tensorjoin.tiling import chunk_size


def most_groups(layout: LayoutAttr, profile: TargetProfile) -> int:
    """The groups, with the scales of their lanes, that fit a row, and a join with the operand."""
    format, scaled = profile.row_format, layout.group + layout.lanes.data
    if profile.vectors or format.inline_bytes is None:
        return 1
    # A long integer takes no more than a weight does, which is stored as a double.
    kept = (format.inline_bytes - format.row_bytes) // (format.element_bytes * scaled)
    return max(1, min(kept, (profile.max_columns - KEYS) // (layout.group + 1 + scaled)))


@dataclass
class WidenRow(RewritePattern):
    """ten.weight @w layout <lanes 1 by 64 of 8 bits in 3> -> <lanes 1 by 256 ... groups 4>"""

    profile: TargetProfile

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.WeightOp, rewriter: PatternRewriter, /):
        layout = op.layout
        if layout is None or layout.storage.data != Storage.LANES or layout.columns.data != 1:
            return
        axis, size = layout.axis.data, layout.size.data
        count = -(-ten.tensor(op.result).get_shape()[axis] // size)
        groups = chunk_size(count, most_groups(layout, self.profile))
        if groups > 1:
            bits, lanes = layout.bits.data, layout.lanes.data
            op.layout = LayoutAttr(Storage.LANES, axis, groups * size, bits, lanes, groups)
            rewriter.notify_op_modified(op)


@dataclass(frozen=True)
class BatchQuantGroupsPass(ModulePass):
    """
    Store several groups of a quantised weight in a row, on targets whose rows are limited: fewer
    rows are left to sum for each output, or one, and then there is nothing to group.
    """

    name = "batch-quant-groups"
    requires = frozenset({"layouts", "packed lanes"})

    target: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        PatternRewriteWalker(WidenRow(profile_of(ctx, self.target))).rewrite_module(op)
