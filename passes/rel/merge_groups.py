"""Aggregates of the same groups -> one."""

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
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
from tensorjoin.passes.rel.analysis.paths import Path, path, with_columns
from tensorjoin.passes.rel.analysis.views import View, computed, fresh_names, shared_calls


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
            if isinstance(later, rel.AggregateOp) and (way := path(later, start, op)):
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
        steps = [later, *(step for step, _ in way.steps)]
        taken = {name for step in steps for name in schema(step.result).types}
        carried = fresh_names(calls, taken | set(source.types))
        arguments = {
            carried[name]: substitute(e.arguments.data[0], mine.columns)
            for name, e in calls.items()
        }
        kept = {name: col(name) for name in source.values}
        keys = {name: name for name in source.extents}
        added: list[Operation] = [rel.ProjectOp(mine.base, keys, {**kept, **arguments})]
        for step, through in way.steps:
            added.append(with_columns(step, through, added[-1], list(arguments)))
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
        rewriter.insert([*way.moved(op), *added], InsertPoint.before(op))
        names = {source: name for name, source in way.keys.items()}
        own = {name.data: names.get(mine.source(name.data) or "") for name in op.by}
        mapped = {name: col(carried[name]) for name in calls}
        rewriter.replace(op, rel.ProjectOp(merged, keys_of(op, own), mapped))
        columns = {name.target.data: col(name.target.data) for name in later.values}
        same = {name.data: name.data if name.data in way.keys else None for name in later.by}
        rewriter.replace(later, rel.ProjectOp(merged, keys_of(later, same), columns))


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
    requires = frozenset({"windows of groups"})
    establishes = frozenset({"merged groups"})

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        PatternRewriteWalker(MergeSiblings()).rewrite_module(op)
        dce(op)
