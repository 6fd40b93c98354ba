"""
Aggregates of windows -> one row of each window.

See docs/notes/onnx.md#conditions-through-windows-and-groups.
"""

from dataclasses import dataclass
from functools import reduce

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
from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import call, col, lit
from tensorjoin.dialects.rel import schema
from tensorjoin.passes.rel.analysis.views import computed, fresh_names, partitioned, shared_calls


class GroupToRow(RewritePattern):
    """aggregate (window %x) by [p] -> the row i = 0 of a window per [p], where %x is [p, i]"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.AggregateOp, rewriter: PatternRewriter, /):
        source, calls = schema(op.input), shared_calls(op)
        by = [name.data for name in op.by]
        others = [name for name in source.extents if name not in by]
        if not calls or not others or source.is_sparse:
            return
        if not isinstance(computed(op.input).base.owner, rel.WindowOp):
            return
        names = fresh_names(calls, source.types)
        own = {name: col(name) for name in source.types}
        values = {names[n]: e for n, e in partitioned(calls, own).items()}
        window = rel.WindowOp(op.input, by, {}, values)
        is_first = reduce(
            lambda x, y: call("and", x, y), [call("eq", col(name), lit(0)) for name in others]
        )
        picked = rel.SelectOp(window, is_first)
        result = {name: col(column) for name, column in names.items()}
        project = rel.ProjectOp(picked, {name: name for name in by}, result)
        rewriter.replace(op, [window, picked, project], [project.result])


@dataclass(frozen=True)
class AggregatesToWindowRowsPass(ModulePass):
    """
    Turn an aggregate of windows into a window of which one row is kept, where a condition on a key
    would not reach what the groups are made of.
    """

    name = "aggregates-to-window-rows"
    requires = frozenset({"merged groups"})
    ends = frozenset({"projections at the scans"})

    target: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if not profile_of(ctx, self.target).pushes_filters_into_groups:
            PatternRewriteWalker(GroupToRow()).rewrite_module(op)
