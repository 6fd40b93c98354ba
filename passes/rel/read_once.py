"""What several branches of a computation read, and join or unite again, is read once."""

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
class ReadOncePass(ModulePass):
    """Compute side by side what else is computed in branches and put together again."""

    name = "read-once"

    target: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        row_calls = profile_of(ctx, self.target).thresholds.row_calls
        patterns = GreedyRewritePatternApplier(
            [MergeUnion(), MergeSelfJoin(row_calls), HoistRange(), UnrollAggregate()]
        )
        PatternRewriteWalker(patterns).rewrite_module(op)
        dce(op)
