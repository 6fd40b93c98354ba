"""
Aggregates -> windows over the same rows.

See docs/notes/onnx.md#conditions-through-windows-and-groups.
"""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, VectorType
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.transforms.dead_code_elimination import dce

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import col, substitute
from tensorjoin.dialects.rel import AssignmentAttr, schema
from tensorjoin.passes.rel.analysis.views import (
    View,
    computed,
    fresh_names,
    partitioned,
    renamed,
    shared_calls,
    wide,
)


@dataclass(frozen=True)
class Meeting:
    """An input of a join, and another that has an aggregate of the same rows."""

    rows: View
    group: View
    aggregate: rel.AggregateOp
    made_of: View

    @property
    def partition(self) -> list[str]:
        sources = (self.made_of.source(name.data) for name in self.aggregate.by)
        return [source for source in sources if source is not None]


def meeting(first: SSAValue, second: SSAValue) -> Meeting | None:
    """Where each row of the first meets the group that it is in, and no other."""
    rows, group = renamed(first), computed(second)
    if not isinstance(aggregate := group.base.owner, rel.AggregateOp):
        return None
    made_of, base = renamed(aggregate.input), schema(rows.base)
    if made_of.base != rows.base or not shared_calls(aggregate):
        return None
    if any(isinstance(type, VectorType) for type in base.values.values()):
        return None
    outer, inner = schema(first).extents, schema(second).extents
    names = {rows.source(name): name for name in outer}
    keys = {group.source(name): name for name in wide(inner)}
    if not wide(base.extents) <= names.keys() or not inner.keys() <= outer.keys():
        return None
    if not wide(schema(aggregate.result).extents) <= keys.keys():
        return None
    if any(by is None or names.get(made_of.source(by)) != name for by, name in keys.items()):
        return None
    return Meeting(rows, group, aggregate, made_of)


class GroupToWindow(RewritePattern):
    """join %x, (aggregate %x by [p] {s = sum(v)}) -> window %x per [p] {s = partition_sum(v)}"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.JoinOp, rewriter: PatternRewriter, /):
        for first in op.inputs:
            for second in op.inputs:
                if found := meeting(first, second):
                    return self.replace(op, rewriter, first, second, found)

    def replace(
        self,
        op: rel.JoinOp,
        rewriter: PatternRewriter,
        first: SSAValue,
        second: SSAValue,
        found: Meeting,
    ) -> None:
        base, calls = found.rows.base, shared_calls(found.aggregate)
        names = fresh_names(calls, schema(base).types)
        values = {names[n]: e for n, e in partitioned(calls, found.made_of.columns).items()}
        window = rel.WindowOp(base, found.partition, {}, values)
        totals = {name: col(column) for name, column in names.items()}
        type, group = schema(first), found.group
        project = rel.ProjectOp(
            window,
            [AssignmentAttr(n, found.rows.columns[n], e) for n, e in type.extents.items()],
            {
                **{name: found.rows.columns[name] for name in type.values},
                **{n: substitute(group.columns[n], totals) for n in schema(second).values},
            },
        )
        others = [value for value in op.inputs if value not in (first, second)]
        joined = [rel.JoinOp([project.result, *others])] if others else []
        result = schema(op.result)
        ordered = rel.ProjectOp(
            joined[0] if joined else project,
            {name: name for name in result.extents},
            {name: col(name) for name in result.values},
        )
        rewriter.replace(op, [window, project, *joined, ordered], [ordered.result])


@dataclass(frozen=True)
class GroupsToWindowsPass(ModulePass):
    """
    Turn an aggregate that is joined to its own rows into a window over them: they are read once,
    and a condition on a key reaches what they are made of.
    """

    name = "groups-to-windows"
    establishes = frozenset({"windows of groups"})

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        PatternRewriteWalker(GroupToWindow()).rewrite_module(op)
        dce(op)
