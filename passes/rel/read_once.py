"""What several branches of a computation read, and join or unite again, is read once."""

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import GreedyRewritePatternApplier, PatternRewriteWalker
from xdsl.transforms.dead_code_elimination import dce

from tensorjoin.passes.rel.patterns.ranges import HoistRange, UnrollAggregate
from tensorjoin.passes.rel.patterns.self_joins import MergeSelfJoin
from tensorjoin.passes.rel.patterns.unions import MergeUnion


class ReadOncePass(ModulePass):
    """Compute side by side what else is computed in branches and put together again."""

    name = "read-once"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        patterns = GreedyRewritePatternApplier(
            [MergeUnion(), MergeSelfJoin(), HoistRange(), UnrollAggregate()]
        )
        PatternRewriteWalker(patterns).rewrite_module(op)
        dce(op)
