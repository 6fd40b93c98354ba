"""Aggregates of the same groups -> one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.rewriter import InsertPoint
from xdsl.transforms.dead_code_elimination import dce

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import call, col, lit, substitute
from tensorjoin.dialects.rel import AssignmentAttr, schema
from tensorjoin.passes.relational.views import View, computed, fresh_names, shared_calls

Step = rel.ProjectOp | rel.WindowOp


@dataclass(frozen=True)
class Path:
    """The projections and windows that lead from a relation to the input of an aggregate."""

    steps: Sequence[Step]
    keys: Mapping[str, str]
    """What the aggregate's keys are called at the start."""


def path(op: rel.AggregateOp, start: Sequence[SSAValue]) -> Path | None:
    """The way from one of the values of `start`, if there is one."""
    steps: list[Step] = []
    keys = {name.data: name.data for name in op.by if schema(op.result).extents[name.data] != 1}
    value = op.input
    while value not in start:
        if not isinstance(step := value.owner, Step):
            return None
        if isinstance(step, rel.ProjectOp):
            view = View(step.input, rel.expressions(step.keys))
            renamed = {name: view.source(key) for name, key in keys.items()}
            keys = {name: source for name, source in renamed.items() if source is not None}
        steps.insert(0, step)
        value = step.input
    return Path(steps, keys)


class MergeSiblings(RewritePattern):
    """aggregate %x by [p] {s}, aggregate (window %x) by [p] {t} -> aggregate by [p] {s, t}"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.AggregateOp, rewriter: PatternRewriter, /):
        if not shared_calls(op):
            return
        mine = computed(op.input)
        window = mine.base.owner
        # A window has the columns of its input.
        start = [mine.base, *([window.input] if isinstance(window, rel.WindowOp) else [])]
        keys = {
            name.data: mine.source(name.data)
            for name in op.by
            if schema(op.result).extents[name.data] != 1
        }
        later = op.next_op
        while later is not None:
            if isinstance(later, rel.AggregateOp) and (way := path(later, start)):
                wide = {n for n in later.by if schema(later.result).extents[n.data] != 1}
                if len(way.keys) == len(wide) and set(way.keys.values()) == set(keys.values()):
                    return self.merge(rewriter, op, mine, later, way)
            later = later.next_op

    def merge(
        self,
        rewriter: PatternRewriter,
        op: rel.AggregateOp,
        mine: View,
        later: rel.AggregateOp,
        way: Path,
    ) -> None:
        """The later aggregate, its rows with what the other takes of them."""
        calls = shared_calls(op)
        source = schema(mine.base)
        taken = {n for step in (*way.steps, later) for n in schema(step.result).types}
        carried = fresh_names(calls, taken | set(source.types))
        arguments = {
            carried[name]: substitute(e.arguments.data[0], mine.columns)
            for name, e in calls.items()
        }
        kept = {name: col(name) for name in source.values}
        keys = {name: name for name in source.extents}
        added: list[Operation] = [rel.ProjectOp(mine.base, keys, {**kept, **arguments})]
        for step in way.steps:
            added.append(with_columns(step, added[-1], list(arguments)))
        merged = rel.AggregateOp(
            added[-1],
            list(way.keys),
            {
                **{carried[n]: call(e.function.data, col(carried[n])) for n, e in calls.items()},
                **rel.expressions(later.values),
            },
            op.total is not None or later.total is not None,
        )
        added.append(merged)
        for new in added:
            rewriter.insert(new, InsertPoint.before(op))
        names = {source: name for name, source in way.keys.items()}
        own = {name.data: names.get(mine.source(name.data) or "") for name in op.by}
        columns: Mapping[str, Attribute] = {name: col(carried[name]) for name in calls}
        rewriter.replace(op, rel.ProjectOp(merged, keys_of(op, own), columns))
        columns = {name.target.data: col(name.target.data) for name in later.values}
        same = {name.data: name.data if name.data in way.keys else None for name in later.by}
        rewriter.replace(later, rel.ProjectOp(merged, keys_of(later, same), columns))


def with_columns(step: Step, input: Operation, names: Sequence[str]) -> Step:
    """The same step over an input with more columns, which it keeps."""
    values = rel.expressions(step.values)
    if isinstance(step, rel.WindowOp):
        return rel.WindowOp(input, [name.data for name in step.partition], step.ordering, values)
    kept = {name: col(name) for name in names}
    return rel.ProjectOp(input, step.keys.data, {**values, **kept})


def keys_of(op: rel.AggregateOp, names: Mapping[str, str | None]) -> list[AssignmentAttr]:
    """The keys of an aggregate from those of another; one of extent 1 is 0."""
    return [
        AssignmentAttr(key, lit(0) if (name := names[key]) is None else col(name), extent)
        for key, extent in schema(op.result).extents.items()
    ]


@dataclass(frozen=True)
class MergeGroupsPass(ModulePass):
    """
    Make one aggregate of those of the same rows and groups, or of what windows add to the rows: the
    rows are read once.
    """

    name = "merge-groups"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        PatternRewriteWalker(MergeSiblings()).rewrite_module(op)
        dce(op)
