"""A relation that several branches read, and whose results meet again, is read once."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import GreedyRewritePatternApplier, PatternRewriteWalker
from xdsl.transforms.dead_code_elimination import dce

from tensorjoin.context import profile_of
from tensorjoin.passes.rel.patterns.ranges import HoistRange, UnrollAggregate
from tensorjoin.passes.rel.patterns.self_joins import MergeSelfJoin
from tensorjoin.passes.rel.patterns.unions import MergeUnion


@dataclass(frozen=True)
class FuseScansPass(ModulePass):
    """
    Compute in one projection the branches over a relation whose results are joined or united again.

    A self-join by the whole key, and a union, in which a small range numbers the branches:

        %u = rel.project %x [p, i] {u = neg(v)}
        %w = rel.project %x [p, i] {w = v}
        %j = rel.join %u, %w on [p, i]
    becomes
        %j = rel.project %x [p, i to 4] {u = neg(v), w = v}

        %y = rel.project %x [p, b] {v = sub(1.0, v)}
        %first = rel.project %y [p, b to 2] {v}
        %second = rel.project %x [p, b = add(b, 1) to 2] {v}
        %both = rel.union %first, %second
    becomes
        %both = rel.project %x [p] {g0 = sub(1.0, v), g1 = v}
        %both_1 = rel.range b to 2
        %both_2 = rel.join %both, %both_1 on []
        %both_3 = rel.project %both_2 [p, b] {v = if(eq(b, 0), g0, g1)}

    Where a range comes before other operators it is moved behind them (`HoistRange`), and an
    aggregate over it is spelt out (`UnrollAggregate`). A condition on p then reaches the rows of
    %x. See docs/notes/onnx.md#conditions-through-windows-and-groups.
    """

    name = "fuse-scans"

    target: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        row_calls = profile_of(ctx, self.target).thresholds.row_calls
        patterns = GreedyRewritePatternApplier(
            [MergeUnion(), MergeSelfJoin(row_calls), HoistRange(), UnrollAggregate()]
        )
        PatternRewriteWalker(patterns).rewrite_module(op)
        dce(op)
