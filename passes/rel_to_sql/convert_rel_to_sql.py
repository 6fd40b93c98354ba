"""Relational algebra -> query blocks and statements."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Block, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.rewriter import InsertPoint

from tensorjoin.dialects import rel, sql
from tensorjoin.dialects.expression import call, col, conjuncts, lit, substitute
from tensorjoin.dialects.rel import schema
from tensorjoin.errors import TensorjoinError

SOURCE = "a"


def qualified(relation: SSAValue, alias: str = SOURCE) -> dict[str, Attribute]:
    """Each column as that of source `alias`."""
    return {name: col(f"{alias}.{name}") for name in schema(relation).types}


class ConvertTable(RewritePattern):
    """rel.table -> sql.create_table"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.TableOp, rewriter: PatternRewriter, /):
        kind = rel.TableKind(op.kind.data)
        filling = (op.sources, op.layout, op.gain)
        table = sql.CreateTableOp(
            op.sym_name.data, kind, op.schema, *filling, op.lifetime, op.transforms
        )
        rewriter.replace(op, table)


class ConvertScan(RewritePattern):
    """rel.scan -> sql.table"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.ScanOp, rewriter: PatternRewriter, /):
        rewriter.replace(op, sql.TableOp(op.table.string_value(), schema(op.result)))


class ConvertValues(RewritePattern):
    """rel.values, rel.range -> sql.values with the keys spelt out"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.ValuesOp | rel.RangeOp, rewriter: PatternRewriter, /):
        type = schema(op.result)
        indices = product(*(range(extent) for extent in type.extents.values()))
        values = [[value] for value in op.values] if isinstance(op, rel.ValuesOp) else None
        rows = [
            literal
            for number, index in enumerate(indices)
            for literal in (*map(lit, index), *(values[number] if values else ()))
        ]
        rewriter.replace(op, sql.ValuesOp(rows, type))


class ConvertSelect(RewritePattern):
    """rel.select -> SELECT ... WHERE"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.SelectOp, rewriter: PatternRewriter, /):
        columns = qualified(op.input)
        where = conjuncts(substitute(op.condition, columns))
        query = sql.SelectOp({SOURCE: op.input}, columns, schema(op.result), where)
        rewriter.replace(op, query)


class ConvertProject(RewritePattern):
    """rel.project -> SELECT expressions"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.ProjectOp, rewriter: PatternRewriter, /):
        scope = qualified(op.input)
        columns = {
            name: substitute(expression, scope)
            for assigned in (op.keys, op.values)
            for name, expression in rel.expressions(assigned).items()
        }
        rewriter.replace(op, sql.SelectOp({SOURCE: op.input}, columns, schema(op.result)))


class ConvertJoin(RewritePattern):
    """rel.join -> SELECT ... FROM a, b WHERE the shared keys are equal"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.JoinOp, rewriter: PatternRewriter, /):
        sources = {f"{SOURCE}{k}": source for k, source in enumerate(op.inputs)}
        columns: dict[str, Attribute] = {}
        where: list[Attribute] = []
        for alias, source in sources.items():
            for name, column in qualified(source, alias).items():
                if name in columns:
                    where.append(call("eq", columns[name], column))
                else:
                    columns[name] = column
        type = schema(op.result)
        ordered = {name: columns[name] for name in type.types}
        rewriter.replace(op, sql.SelectOp(sources, ordered, type, where))


class ConvertAggregate(RewritePattern):
    """rel.aggregate -> SELECT ... GROUP BY"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.AggregateOp, rewriter: PatternRewriter, /):
        scope = qualified(op.input)
        keys = {name.data: scope[name.data] for name in op.by}
        values = {n: substitute(e, scope) for n, e in rel.expressions(op.values).items()}
        query = sql.SelectOp(
            {SOURCE: op.input}, {**keys, **values}, schema(op.result), group=list(keys.values())
        )
        rewriter.replace(op, query)


class ConvertWindow(RewritePattern):
    """rel.window -> SELECT ... OVER (PARTITION BY ... ORDER BY ...)"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.WindowOp, rewriter: PatternRewriter, /):
        scope: Mapping[str, Attribute] = qualified(op.input)
        values = {n: substitute(e, scope) for n, e in rel.expressions(op.values).items()}
        query = sql.SelectOp(
            {SOURCE: op.input},
            {**scope, **values},
            schema(op.result),
            partition=[scope[name.data] for name in op.partition],
            order=[(scope[name], descends) for name, descends in op.ordering.items()],
        )
        rewriter.replace(op, query)


class ConvertUnion(RewritePattern):
    """rel.union -> UNION ALL"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.UnionOp, rewriter: PatternRewriter, /):
        rewriter.replace(op, sql.UnionOp(op.inputs, schema(op.result)))


class ConvertRecurse(RewritePattern):
    """rel.recurse -> WITH RECURSIVE"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.RecurseOp, rewriter: PatternRewriter, /):
        last = op.body.block.last_op
        assert isinstance(last, rel.YieldOp)
        rewriter.replace(last, sql.YieldOp(last.inputs[0]))
        rewriter.replace(op, sql.RecurseOp(op.input, [op.body.detach_block(0)]))


class ConvertInsert(RewritePattern):
    """rel.insert -> sql.insert"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.InsertOp, rewriter: PatternRewriter, /):
        rewriter.replace(op, sql.InsertOp(op.input, op.table.string_value()), [])


class ConvertDelete(RewritePattern):
    """rel.delete -> sql.delete"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.DeleteOp, rewriter: PatternRewriter, /):
        rewriter.replace(op, sql.DeleteOp(op.table.string_value(), op.input), [])


class ConvertFor(RewritePattern):
    """rel.for without carried relations -> sql.for"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.ForOp, rewriter: PatternRewriter, /):
        if op.inputs:
            raise TensorjoinError("a loop carries relations: run allocate-scratch first")
        body = Block()
        rewriter.inline_block(op.body.detach_block(0), InsertPoint.at_end(body))
        if isinstance(last := body.last_op, rel.YieldOp):
            rewriter.erase(last)
        rewriter.replace(op, sql.ForOp(op.counter.data, op.count.value.data, [body]), [])


@dataclass(frozen=True)
class ConvertRelToSqlPass(ModulePass):
    """Convert relational algebra to query blocks, one for each operator."""

    name = "convert-rel-to-sql"
    requires = frozenset({"projections at the scans", "scratch tables"})
    establishes = frozenset({"operators of sql"})
    ends = frozenset({"operators of rel"})

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        PatternRewriteWalker(
            GreedyRewritePatternApplier(
                [
                    ConvertTable(),
                    ConvertScan(),
                    ConvertValues(),
                    ConvertSelect(),
                    ConvertProject(),
                    ConvertJoin(),
                    ConvertAggregate(),
                    ConvertWindow(),
                    ConvertUnion(),
                    ConvertRecurse(),
                    ConvertInsert(),
                    ConvertDelete(),
                    ConvertFor(),
                ]
            ),
            apply_recursively=True,
        ).rewrite_module(op)
        for left in op.walk():
            if left.dialect_name() == "rel":
                raise TensorjoinError(f"{left.name} has no form in SQL")
