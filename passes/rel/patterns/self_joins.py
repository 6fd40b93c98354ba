"""Projections of one relation that meet again, row by row -> one projection of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, takewhile

from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import CallAttr, col, walk
from tensorjoin.dialects.rel import schema
from tensorjoin.passes.rel.analysis.views import View, over_common_base, sources, wide


def calls(columns: Mapping[str, Attribute]) -> int:
    return sum(isinstance(e, CallAttr) for column in columns.values() for e in walk(column))


def written(value: SSAValue, base: SSAValue) -> int:
    """The calls in the projections that lead from one relation to another."""
    between = takewhile(lambda source: source != base, sources(value))
    projects = [source.owner for source in between]
    return sum(
        calls(rel.expressions(columns))
        for project in projects
        if isinstance(project, rel.ProjectOp)
        for columns in (project.keys, project.values)
    )


def keys_of(value: SSAValue, view: View) -> dict[str, str] | None:
    """Which key of the base each key is, if these are all by which its rows differ."""
    keys = wide(schema(value).extents)
    found = {name: source for name in keys if (source := view.source(name)) is not None}
    wanted = wide(schema(view.base).extents)
    return found if len(found) == len(keys) and set(found.values()) == wanted else None


@dataclass
class MergeSelfJoin(RewritePattern):
    """join (project x {u = f}) (project x {w = g}) -> project x {u = f, w = g}"""

    row_calls: int
    """Function calls more than before that the merged projection may hold."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.JoinOp, rewriter: PatternRewriter, /):
        for left, right in combinations(op.inputs, 2):
            views = over_common_base((left, right))
            if not views or (keys := keys_of(left, views[0])) is None:
                continue
            columns = {**views[1].columns, **views[0].columns}
            before = sum(written(value, views[0].base) for value in (left, right))
            if keys == keys_of(right, views[1]) and calls(columns) <= before + self.row_calls:
                return self.merge(rewriter, op, (left, right), views[0].base, columns)

    def merge(
        self,
        rewriter: PatternRewriter,
        op: rel.JoinOp,
        pair: tuple[SSAValue, SSAValue],
        base: SSAValue,
        columns: Mapping[str, Attribute],
    ) -> None:
        left, right = (schema(value) for value in pair)
        extents = {**right.extents, **left.extents}
        keys = [rel.AssignmentAttr(name, columns[name], n) for name, n in extents.items()]
        values = {name: columns[name] for name in (*left.values, *right.values)}
        both = rel.ProjectOp(base, keys, values)
        inputs = [both.result if value == pair[0] else value for value in op.inputs]
        inputs.remove(pair[1])
        joins = [rel.JoinOp(inputs)] if len(inputs) > 1 else []
        order = schema(op.result)
        same = rel.ProjectOp(
            (joins or [both])[0],
            {name: name for name in order.extents},
            {name: col(name) for name in order.values},
        )
        rewriter.replace(op, [both, *joins, same], [same.result])
