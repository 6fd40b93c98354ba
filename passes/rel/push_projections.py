"""Carry only the columns that are read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.rewriter import InsertPoint

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import col, columns_of
from tensorjoin.dialects.rel import RelationType, schema

Reader = rel.ProjectOp | rel.AggregateOp


def read_columns(op: Reader) -> set[str]:
    """The columns of its input that a projection or an aggregate reads."""
    assigned: Iterable[rel.AssignmentAttr] = op.values
    names = {name for a in assigned for name in columns_of(a.expression)}
    if isinstance(op, rel.ProjectOp):
        return names | {name for a in op.keys for name in columns_of(a.expression)}
    return names


def identity(value: SSAValue, kept: Iterable[str]) -> rel.ProjectOp:
    """A projection to the keys and some of the other columns."""
    source = schema(value)
    values: Mapping[str, Attribute] = {name: col(name) for name in source.values if name in kept}
    return rel.ProjectOp(value, {name: name for name in source.extents}, values)


class NarrowScan(RewritePattern):
    """project {v = a} of scan @t (a, b) -> project {v = a} of scan @t (a)"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.ScanOp, rewriter: PatternRewriter, /):
        readers = [use.operation for use in op.result.uses]
        if not readers or not all(isinstance(reader, Reader) for reader in readers):
            return
        read = {name for r in readers if isinstance(r, Reader) for name in read_columns(r)}
        source = schema(op.result)
        kept = {name: type for name, type in source.values.items() if name in read}
        if kept != source.values:
            narrow = RelationType(source.extents, kept, source.is_sparse)
            rewriter.replace(op, rel.ScanOp(op.table.string_value(), narrow))


class NarrowJoin(RewritePattern):
    """project {v = a} of join %x, %y (a, b) -> project {v = a} of join %x, (project {} of %y)"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: Reader, rewriter: PatternRewriter, /):
        if not isinstance(join := op.input.owner, rel.JoinOp) or not op.input.has_one_use():
            return
        read = read_columns(op)
        if all(name in read for name in schema(op.input).values):
            return
        inputs: list[SSAValue] = []
        for value in join.inputs:
            if any(name not in read for name in schema(value).values):
                narrow = identity(value, read)
                rewriter.insert(narrow, InsertPoint.before(join))
                value = narrow.result
            inputs.append(value)
        rewriter.replace(join, rel.JoinOp(inputs))


class NarrowSelect(RewritePattern):
    """project {v = a} of select (a, b, c) where b -> project of select (a, b) where b"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: Reader, rewriter: PatternRewriter, /):
        if not isinstance(select := op.input.owner, rel.SelectOp) or not op.input.has_one_use():
            return
        read = read_columns(op) | set(columns_of(select.condition))
        if all(name in read for name in schema(select.input).values):
            return
        narrow = identity(select.input, read)
        rewriter.replace(select, [narrow, rel.SelectOp(narrow, select.condition)])


class NarrowProject(RewritePattern):
    """project {v = a} of project {a = x, b = y} -> project {v = a} of project {a = x}"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: Reader, rewriter: PatternRewriter, /):
        if not isinstance(inner := op.input.owner, rel.ProjectOp) or not op.input.has_one_use():
            return
        read = read_columns(op)
        computed = rel.expressions(inner.values)
        kept = {name: expression for name, expression in computed.items() if name in read}
        if kept != computed:
            rewriter.replace(inner, rel.ProjectOp(inner.input, inner.keys.data, kept))


@dataclass(frozen=True)
class PushProjectionsPass(ModulePass):
    """Push projections down to the scans, so that no operator carries a column unread."""

    name = "push-projections"
    establishes = frozenset({"projections at the scans"})

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        PatternRewriteWalker(
            GreedyRewritePatternApplier(
                [NarrowScan(), NarrowJoin(), NarrowSelect(), NarrowProject()]
            )
        ).rewrite_module(op)
