"""
Aggregates of what is computed from many columns -> aggregates of what was computed before.

See docs/notes/grouping.md#what-is-sorted-is-carried-whole and
docs/notes/grouping.md#sorting-whole-vectors.
"""

from dataclasses import dataclass
from typing import TypeGuard

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from tensorjoin.context import profile_of
from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import (
    AGGREGATES,
    CallAttr,
    call,
    col,
    columns_of,
    reads_many,
)
from tensorjoin.dialects.rel import schema


@dataclass
class SplitSum(RewritePattern):
    """aggregate %x {v = sum(a * b + ...)} -> aggregate (project %x {part = a * b + ...}) ..."""

    carried_columns: int

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.AggregateOp, rewriter: PatternRewriter, /):
        parts: dict[str, Attribute] = {}
        values: dict[str, Attribute] = {}
        carried: set[str] = set()
        for name, expression in rel.expressions(op.values).items():
            if reads_many(expression, self.carried_columns) and is_plain(expression):
                parts[name] = expression.arguments.data[0]
                values[name] = call(expression.function.data, col(name))
            else:
                values[name] = expression
                carried |= set(columns_of(expression))
        source = schema(op.input)
        if not parts or not carried.isdisjoint(parts):
            return
        keys = {key: key for key in source.extents}
        kept = {name: col(name) for name in source.values if name in carried}
        computed = rel.ProjectOp(op.input, keys, {**kept, **parts})
        by = [name.data for name in op.by]
        rewriter.replace(
            op, [computed, rel.AggregateOp(computed.result, by, values, bool(op.total))]
        )


def is_plain(expression: Attribute) -> TypeGuard[CallAttr]:
    """Whether an expression is an aggregate of one argument."""
    return (
        isinstance(expression, CallAttr)
        and expression.function.data in AGGREGATES
        and len(expression.arguments) == 1
    )


@dataclass(frozen=True)
class SplitSumsPass(ModulePass):
    """
    Compute a row's part of a sum before rows are sorted into groups, on targets that would sort
    them with all the columns that the part is computed from.
    """

    name = "split-sums"

    target: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        profile = profile_of(ctx, self.target)
        if profile.sorts_groups:
            pattern = SplitSum(profile.thresholds.carried_columns)
            PatternRewriteWalker(pattern, apply_recursively=False).rewrite_module(op)
