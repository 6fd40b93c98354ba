"""An operation -> one statement, its queries as common table expressions."""

from dataclasses import dataclass, field, replace

from sqlglot import exp
from xdsl.dialects.builtin import IntAttr
from xdsl.ir import Attribute, SSAValue

from tensorjoin.backend import Target
from tensorjoin.backends.emit.hints import is_range, mirrored_offset
from tensorjoin.backends.emit.inlining import computed_again, too_large
from tensorjoin.backends.emit.queries import in_order, joined, uses_of
from tensorjoin.backends.emit.tables import TableNames
from tensorjoin.backends.functions import double, integer
from tensorjoin.backends.spelling import Spelling, identifier, named
from tensorjoin.dialects import sql
from tensorjoin.dialects.expression import (
    PARTITION_AGGREGATES,
    WINDOWS,
    CallAttr,
    ColumnRefAttr,
    LiteralAttr,
    ParameterAttr,
    expression_type,
)
from tensorjoin.dialects.rel import schema
from tensorjoin.errors import TensorjoinError
from tensorjoin.program import Statement

Query = sql.SelectOp | sql.ValuesOp | sql.UnionOp | sql.RecurseOp
"""What a statement holds as a common table expression."""


@dataclass
class Emission:
    """Emits one statement."""

    target: Target
    table_name: TableNames
    is_whole_program: bool = False
    """Whether the statement does all the work, so that what it joins may be large."""
    parameters: list[str] = field(default_factory=list[str])
    names: dict[SSAValue, str] = field(default_factory=dict[SSAValue, str])
    ctes: list[exp.Expr] = field(default_factory=list[exp.Expr])
    assumed_large: set[SSAValue] = field(default_factory=set[SSAValue])
    """The queries that are to be taken for large ones."""
    repeated: set[SSAValue] = field(default_factory=set[SSAValue])
    """The queries that an engine must not make part of the query that reads them."""

    @property
    def spelling(self) -> Spelling:
        return self.target.spelling

    def statement(self, op: sql.InsertOp | sql.DeleteOp | sql.TruncateOp) -> Statement:
        name = self.table_name(op.table.string_value())
        match op:
            case sql.TruncateOp():
                tree = self.spelling.truncate_table(name)
            case sql.DeleteOp(keys=None):
                tree = self.spelling.empty_table(name)
            case sql.DeleteOp(keys=keys):
                assert keys is not None
                tree = exp.Delete(this=named(name), where=exp.Where(this=self.is_in(keys)))
            case sql.InsertOp():
                columns = [identifier(column) for column in schema(op.query).types]
                query = self.root(op.query)
                tree = exp.Insert(
                    this=exp.Schema(this=named(name), expressions=columns), expression=query
                )
        return Statement(self.spelling.sql(tree), tuple(self.parameters))

    def is_in(self, query: SSAValue) -> exp.In:
        """Whether the columns of a query, in some row of it, are those of the table."""
        columns = [exp.Column(this=identifier(name)) for name in schema(query).types]
        row = columns[0] if len(columns) == 1 else exp.Tuple(expressions=columns)
        return exp.In(this=row, query=exp.Subquery(this=self.root(query)))

    def root(self, query: SSAValue) -> exp.Expr:
        """The query itself, after the common table expressions that it reads."""
        uses = uses_of(query)
        thresholds = self.target.profile.thresholds
        alone = too_large(in_order(query), thresholds.inlined_calls)
        if not self.is_whole_program:
            self.repeated = computed_again(in_order(query), thresholds)
        # Through a chain of queries, each read once, conditions pass: no union may stop them.
        if self.is_whole_program and any(
            isinstance(value.owner, sql.SelectOp) and n > 1 for value, n in uses.items()
        ):
            self.assumed_large = joined(query)
        for value in in_order(query):
            owner = value.owner
            is_root = value is query and isinstance(owner, sql.SelectOp)
            if is_root or value in self.names or not isinstance(owner, Query):
                continue
            self.names[value] = f"t{len(self.names)}"
            is_shared = self.spelling.marks_materialized and uses.get(value, 0) > 1
            self.ctes.append(self.cte(owner, self.names[value], is_shared or value in alone))
        if isinstance(query.owner, sql.SelectOp):
            tree = self.select(query.owner)
        else:
            tree = self.everything(query)
        if self.ctes:
            recurses = any(isinstance(value.owner, sql.RecurseOp) for value in in_order(query))
            tree.set("with_", exp.With(expressions=self.ctes, recursive=recurses))
        return tree

    def cte(self, owner: Query, name: str, is_materialized: bool) -> exp.Expr:
        alias = exp.TableAlias(this=identifier(name))
        if isinstance(owner, sql.UnionOp):
            return exp.CTE(this=self.union(owner), alias=alias)
        if isinstance(owner, sql.RecurseOp):
            return exp.CTE(this=self.recursion(owner, name), alias=alias)
        if isinstance(owner, sql.ValuesOp):
            return self.literal_rows(owner, name)
        marked = True if is_materialized else None
        tree: exp.Expr = self.select(owner)
        if owner.result in self.repeated and self.spelling.fence is not None:
            tree = self.spelling.fence(tree)
        if owner.result in self.assumed_large and self.spelling.many_rows is not None:
            marked = True
            none = self.spelling.many_rows(len(schema(owner.result).types))
            tree = exp.Union(this=tree, expression=none, distinct=False)
        return exp.CTE(this=tree, alias=alias, materialized=marked)

    def literal_rows(self, op: sql.ValuesOp, name: str) -> exp.CTE:
        columns = list(schema(op.result).types)
        literals = [self.expression(literal) for literal in op.rows]
        shortest = self.target.profile.thresholds.shortest_series
        if (series := self.spelling.series) is not None and is_range(op, shortest):
            numbers = exp.Table(this=series(len(literals)))
            everything = exp.select(exp.Star(), copy=False).from_(numbers, copy=False)
            alias = exp.TableAlias(this=identifier(name), columns=[identifier(c) for c in columns])
            return exp.CTE(this=everything, alias=alias)
        width = len(columns)
        rows = [literals[start : start + width] for start in range(0, len(literals), width)]
        return self.spelling.literal_rows(name, columns, rows)

    def everything(self, query: SSAValue) -> exp.Select:
        """All columns of a query by their names."""
        columns = [exp.Column(this=identifier(name)) for name in schema(query).types]
        return exp.select(*columns, copy=False).from_(self.source(query), copy=False)

    def recursion(self, op: sql.RecurseOp, name: str) -> exp.Expr:
        """The first rows, and the query of a round, in which `name` stands for those before it."""
        self.names[op.body.block.args[0]] = name
        made = replace(self, ctes=[]).root(op.made)
        first = self.everything(op.source)
        return exp.Union(this=first, expression=exp.Subquery(this=made), distinct=False)

    def union(self, op: sql.UnionOp) -> exp.Expr:
        parts: list[exp.Expr] = [self.everything(source) for source in op.sources]
        tree = parts[0]
        for part in parts[1:]:
            tree = exp.Union(this=tree, expression=part, distinct=False)
        return tree

    def select(self, op: sql.SelectOp) -> exp.Select:
        columns = [
            exp.alias_(self.expression(e, op), identifier(name), copy=False)
            for name, e in op.outputs.items()
        ]
        # A relation without columns is still so many rows.
        select = exp.select(*(columns or [integer(1)]), copy=False)
        seen: set[str] = set()
        waiting = list(op.where)
        for alias, source in op.source_map.items():
            table = self.source(source, alias)
            seen.add(alias)
            if len(seen) == 1:
                select = select.from_(table, copy=False)
                continue
            ready = [
                c
                for c in waiting
                if sql.aliases_of(c) <= seen
                and alias in sql.aliases_of(c)
                and len(sql.aliases_of(c)) > 1
            ]
            if self.target.profile.keeps_join_order or not ready:
                select = select.join(table, join_type="CROSS", copy=False)
                continue
            waiting = [c for c in waiting if c not in ready]
            on = [self.condition(c, op) for c in ready]
            select = select.join(table, on=exp.and_(*on, copy=False), copy=False)
        if waiting:
            select = select.where(*(self.condition(c, op) for c in waiting), copy=False)
        if op.group:
            select = select.group_by(*(self.expression(e, op) for e in op.group), copy=False)
        return select

    def condition(self, condition: Attribute, op: sql.SelectOp) -> exp.Expr:
        """A condition; where it equates two columns, an index on a computed one serves it."""
        tree = self.expression(condition, op)
        if self.spelling.mirrors_offsets and (mirrored := mirrored_offset(condition)) is not None:
            return exp.and_(tree, self.expression(mirrored, op), copy=False)
        bare = self.spelling.without_affinity if self.is_whole_program else None
        if bare is None or not isinstance(tree, exp.EQ):
            return tree
        if isinstance(tree.this, exp.Column) and isinstance(tree.expression, exp.Column):
            aliases = list(op.source_map)
            first, second = aliases.index(tree.this.table), aliases.index(tree.expression.table)
            inner = op.sources[max(first, second)].owner
            if first != second and not isinstance(inner, sql.TableOp):
                outer = "this" if first < second else "expression"
                tree.set(outer, bare(tree.args[outer]))
        return tree

    def source(self, value: SSAValue, alias: str | None = None) -> exp.Expr:
        owner = value.owner
        name = (
            self.table_name(owner.table.string_value())
            if isinstance(owner, sql.TableOp)
            else self.names[value]
        )
        table_alias = exp.TableAlias(this=identifier(alias)) if alias else None
        return exp.Table(this=identifier(name), alias=table_alias)

    def expression(self, expression: Attribute, op: sql.SelectOp | None = None) -> exp.Expr:
        match expression:
            case ColumnRefAttr():
                alias, _, name = expression.column.data.rpartition(".")
                return exp.Column(this=identifier(name), table=identifier(alias) if alias else None)
            case LiteralAttr(value=IntAttr() as value):
                return integer(value.data)
            case LiteralAttr(value=value):
                return double(value.data)
            case ParameterAttr():
                return self.parameter(expression)
            case CallAttr() if expression.function.data in WINDOWS and op is not None:
                return self.window(expression, op)
            case CallAttr():
                return self.call(expression, op)
            case _:
                raise TensorjoinError(f"{expression} has no form in SQL")

    def call(self, expression: CallAttr, op: sql.SelectOp | None) -> exp.Expr:
        name = expression.function.data
        if (build := self.spelling.functions.get(name)) is None:
            raise TensorjoinError(f"{name} has no spelling in {self.target.name}")
        return build(*(self.expression(argument, op) for argument in expression.arguments))

    def window(self, expression: CallAttr, op: sql.SelectOp) -> exp.Expr:
        partition = [self.expression(e, op) for e in op.partition]
        if expression.function.data in PARTITION_AGGREGATES:
            return exp.Window(this=self.call(expression, op), partition_by=partition)
        order = exp.Order(
            expressions=[
                exp.Ordered(this=self.expression(e, op), desc=descends)
                for e, descends in op.ordering
            ]
        )
        rows = exp.WindowSpec(
            kind="ROWS",
            start="UNBOUNDED",
            start_side="PRECEDING",
            end="CURRENT ROW",
        )
        return exp.Window(
            this=self.call(expression, op),
            partition_by=partition,
            order=order,
            spec=None if expression.function.data == "row_number" else rows,
        )

    def parameter(self, parameter: ParameterAttr) -> exp.Expr:
        name = parameter.parameter.data
        if name not in self.parameters:
            self.parameters.append(name)
        type = self.spelling.type(expression_type(parameter, {}))
        return self.spelling.parameter(name, self.parameters.index(name) + 1, type)
