"""Small integers of several rows -> one number, so that one product serves them all."""

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
from tensorjoin.dialects.layout import PACKED, LayoutAttr, Storage
from tensorjoin.errors import TensorjoinError
from tensorjoin.lanes import lanes_refusal, most_lanes


@dataclass
class PackLanes(RewritePattern):
    """
    ten.weight @w layout <lanes 1 by 64 of 8 bits in 1> -> <lanes 1 by 64 of 8 bits in 3>, or
    <doubles 1 by 64 of 8 bits in 2>
    """

    lanes: int | None
    storage: Storage

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.WeightOp, rewriter: PatternRewriter, /):
        layout = op.layout
        if layout is None or layout.storage.data != Storage.LANES:
            return
        group, bits = layout.group, layout.bits.data
        number_bits = PACKED[self.storage]
        lanes = most_lanes(group, bits, number_bits) if self.lanes is None else self.lanes
        if reason := lanes_refusal(group, bits, lanes, number_bits):
            raise TensorjoinError(f"pack-lanes: @{op.symbol.string_value()}: {reason}")
        if self.storage is Storage.DOUBLES and layout.columns.data != 1:
            raise TensorjoinError(
                f"pack-lanes: @{op.symbol.string_value()}: rows of several groups have no doubles"
            )
        axis, size, groups = layout.axis.data, layout.size.data, layout.columns.data
        packed = LayoutAttr(self.storage, axis, size, bits, lanes, groups)
        if packed != layout:
            op.layout = packed
            rewriter.notify_op_modified(op)


@dataclass(frozen=True)
class PackLanesPass(ModulePass):
    """
    Let `lanes` rows of each quantised weight share an integer, or with `doubles` a double in an
    array; by default as many as its bits hold for any operands in range, which is proved and never
    tried.
    """

    name = "pack-lanes"
    requires = frozenset({"quantised weights"})
    establishes = frozenset({"packed lanes"})

    lanes: int | None = None
    doubles: bool = False

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        storage = Storage.DOUBLES if self.doubles else Storage.LANES
        PatternRewriteWalker(PackLanes(self.lanes, storage)).rewrite_module(op)
