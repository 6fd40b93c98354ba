"""A module of the `sql` dialect -> a program, its statements printed by sqlglot."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp
from xdsl.dialects import func
from xdsl.dialects.builtin import IntAttr, ModuleOp, VectorType, f32, f64
from xdsl.ir import Attribute, Block, Operation, SSAValue

from tensorjoin.backends.certain_floats import certain_floats
from tensorjoin.backends.inlining import computed_again, too_large
from tensorjoin.backends.spelling import SPELLINGS, Spelling, double, integer
from tensorjoin.dialects import sql
from tensorjoin.dialects.expression import (
    PARTITION_AGGREGATES,
    WINDOWS,
    CallAttr,
    ColumnRefAttr,
    LiteralAttr,
    ParameterAttr,
    lit,
)
from tensorjoin.dialects.layout import Storage
from tensorjoin.dialects.rel import TableKind, schema
from tensorjoin.errors import TensorjoinError
from tensorjoin.program import Chunks, Loop, Program, Statement, Step, Table
from tensorjoin.targets import TargetProfile

TableNames = Callable[[str], str]
"""From a symbol of the module to the name of a table in the database."""
Query = sql.SelectOp | sql.ValuesOp | sql.UnionOp | sql.RecurseOp
"""What a statement holds as a common table expression."""
SHORTEST_SERIES = 64
"""Fewer numbers are listed: a function in their place says nothing about how many there are."""


def emit_program(
    module: ModuleOp,
    profile: TargetProfile,
    table_name: TableNames = str,
    keeps_weights: bool = True,
) -> Program:
    """
    The tables and procedures of a module lowered to `sql`; weights too are in temporary tables
    unless the program `keeps_weights`.

    Raises TensorjoinError where something has no spelling on the target.
    """
    spelling = SPELLINGS[profile.name]
    untyped: Mapping[str, frozenset[str]] = {}
    if spelling.converts_floats:
        untyped = certain_floats(module)
    tables = [
        _table(op, spelling, table_name, keeps_weights, untyped)
        for op in module.ops
        if isinstance(op, sql.CreateTableOp)
    ]
    procedures = {
        op.sym_name.data: tuple(Procedure(spelling, profile, table_name).steps(op.body.block))
        for op in module.ops
        if isinstance(op, func.FuncOp)
    }
    return Program(tuple(tables), procedures)


def emit_query(
    module: ModuleOp,
    profile: TargetProfile,
    table_name: TableNames,
    inputs: Sequence[exp.CTE],
) -> exp.Select:
    """
    The query that fills the one table of a module with one insertion; `inputs` stand for the tables
    it reads, by their names.
    """
    (insertion,) = (op for op in module.walk() if isinstance(op, sql.InsertOp))
    emission = Emission(SPELLINGS[profile.name], profile, table_name, is_alone=True)
    emission.ctes += inputs
    tree = emission.root(insertion.query)
    assert isinstance(tree, exp.Select)
    return tree


def emit_tables(
    module: ModuleOp, profile: TargetProfile, table_name: TableNames, keeps_weights: bool
) -> list[Table]:
    """The tables of a module that hold weights."""
    return [
        _table(op, SPELLINGS[profile.name], table_name, keeps_weights, {})
        for op in module.ops
        if isinstance(op, sql.CreateTableOp) and op.kind.data is TableKind.WEIGHT
    ]


def is_range(op: sql.ValuesOp) -> bool:
    """Whether the rows are the numbers 0, 1, 2, ..., and long enough that a list is slower."""
    numbers = [lit(number) for number in range(len(op.rows))]
    is_index = len(schema(op.result).extents) == len(schema(op.result).types) == 1
    return len(numbers) >= SHORTEST_SERIES and is_index and list(op.rows) == numbers


def mirrored_offset(condition: Attribute) -> Attribute | None:
    """a.x + 1 = b.y -> a.x = b.y - 1"""
    inverses = {"add": "sub", "sub": "add"}
    if not isinstance(condition, CallAttr) or condition.function.data != "eq":
        return None
    for side, other in (condition.arguments, reversed(condition.arguments.data)):
        if isinstance(side, CallAttr) and side.function.data in inverses:
            column, offset = side.arguments
            columns = isinstance(column, ColumnRefAttr) and isinstance(other, ColumnRefAttr)
            if columns and isinstance(offset, LiteralAttr) and isinstance(offset.value, IntAttr):
                inverse = inverses[side.function.data]
                return CallAttr("eq", column, CallAttr(inverse, other, offset))
    return None


def no_rows(width: int) -> exp.Select:
    """An empty relation: VALUES has at least one row."""
    never = exp.EQ(this=integer(0), expression=integer(1))
    return exp.select(*(integer(0) for _ in range(width)), copy=False).where(never, copy=False)


def quoted(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def _table(
    op: sql.CreateTableOp,
    spelling: Spelling,
    table_name: TableNames,
    keeps_weights: bool,
    untyped: Mapping[str, frozenset[str]],
) -> Table:
    kind = TableKind(op.kind.data)
    name, keys = op.sym_name.data, op.schema.extents
    without_type = untyped.get(name, ())
    has_fillers = spelling.fills_groups and kind == TableKind.WEIGHT
    columns: list[exp.Expr] = [
        exp.ColumnDef(
            this=quoted(column),
            kind=None if column in without_type else spelling.type(type),
            constraints=[]
            if has_fillers or (spelling.nan_is_null and type in (f32, f64))
            else [exp.ColumnConstraint(kind=exp.NotNullColumnConstraint())],
        )
        for column, type in op.schema.types.items()
    ]
    is_keyed = bool(keys) and spelling.primary_keys
    if kind == TableKind.OUTPUT and not spelling.indexes_outputs:
        is_keyed = False
    if is_keyed:
        columns.append(exp.PrimaryKey(expressions=[quoted(key) for key in keys]))
    properties: list[exp.Expr] = []
    if kind != TableKind.WEIGHT or not keeps_weights:
        properties.append(exp.TemporaryProperty())
    if is_keyed:
        properties += [property() for property in spelling.table_properties]
    if spelling.vector_table is not None and any(
        isinstance(type, VectorType) for type in op.schema.types.values()
    ):
        properties.append(spelling.vector_table())
    target = exp.Table(this=quoted(table_name(name)))
    create = exp.Create(
        this=exp.Schema(this=target, expressions=columns),
        kind="TABLE",
        properties=exp.Properties(expressions=properties) if properties else None,
    )
    chunks = None
    if op.layout is not None and op.layout.is_chunked:
        chunks = Chunks(
            op.layout.axis.data,
            op.layout.size.data,
            op.layout.vector,
            op.layout.bits.data,
            op.layout.lanes.data,
            op.layout.columns.data if op.layout.bits.data else 1,
            op.layout.parts.data,
            op.layout.storage.data == Storage.HALVES,
            op.layout.parted.data,
        )
    return Table(
        table_name(name),
        kind.value,
        keys,
        tuple(op.schema.values),
        Statement(spelling.sql(create)),
        tuple(source.data for source in op.sources or ()),
        chunks,
        None if op.gain is None else op.gain.data,
    )


@dataclass
class Procedure:
    """Emits the statements of one function."""

    spelling: Spelling
    profile: TargetProfile
    table_name: TableNames
    loops: int = 0

    def steps(self, block: Block, loop: Loop | None = None) -> list[Step]:
        steps: list[Step] = []
        for op in block.ops:
            match op:
                case sql.ForOp():
                    if loop is not None:
                        raise TensorjoinError("a loop in a loop has no form as statements")
                    inner = Loop(self.loops, op.counter.data, op.count.value.data)
                    self.loops += 1
                    steps += self.steps(op.body.block, inner)
                case sql.TruncateOp() if not self.spelling.keeps_deleted_rows:
                    pass
                case sql.InsertOp() | sql.DeleteOp() | sql.TruncateOp():
                    emission = Emission(self.spelling, self.profile, self.table_name)
                    steps.append(Step(emission.statement(op), loop))
                case (
                    sql.TableOp()
                    | sql.ValuesOp()
                    | sql.SelectOp()
                    | sql.UnionOp()
                    | sql.RecurseOp()
                    | func.ReturnOp()
                ):
                    pass
                case _:
                    raise TensorjoinError(f"{op.name} has no form as a statement: lower it to sql")
        return steps


@dataclass
class Emission:
    """Emits one statement."""

    spelling: Spelling
    profile: TargetProfile
    table_name: TableNames
    is_alone: bool = False
    """Whether the statement does all the work, so that what it joins may be large."""
    parameters: list[str] = field(default_factory=list[str])
    names: dict[SSAValue, str] = field(default_factory=dict[SSAValue, str])
    ctes: list[exp.Expr] = field(default_factory=list[exp.Expr])
    joined: set[SSAValue] = field(default_factory=set[SSAValue])
    """The queries that are to be taken for large ones."""
    repeated: set[SSAValue] = field(default_factory=set[SSAValue])
    """The queries that an engine must not make part of the query that reads them."""

    def statement(self, op: sql.InsertOp | sql.DeleteOp | sql.TruncateOp) -> Statement:
        target = exp.Table(this=quoted(self.table_name(op.table.string_value())))
        match op:
            case sql.TruncateOp():
                tree = exp.TruncateTable(expressions=[target])
            case sql.DeleteOp():
                tree = exp.Delete(this=target)
            case sql.InsertOp():
                columns = [quoted(name) for name in schema(op.query).types]
                query = self.root(op.query)
                tree = exp.Insert(
                    this=exp.Schema(this=target, expressions=columns), expression=query
                )
        return Statement(self.spelling.sql(tree), tuple(self.parameters))

    def root(self, query: SSAValue) -> exp.Expr:
        """The query itself, after the common table expressions that it reads."""
        uses = _uses(query)
        alone = too_large(_in_order(query))
        if not self.is_alone:
            self.repeated = computed_again(_in_order(query))
        # Through a chain of queries, each read once, conditions pass: no union may stop them.
        if self.is_alone and any(
            isinstance(value.owner, sql.SelectOp) and n > 1 for value, n in uses.items()
        ):
            self.joined = _joined(query)
        for value in _in_order(query):
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
            recurses = any(isinstance(value.owner, sql.RecurseOp) for value in _in_order(query))
            tree.set("with_", exp.With(expressions=self.ctes, recursive=recurses))
        return tree

    def cte(self, owner: Query, name: str, is_alone: bool) -> exp.Expr:
        alias = exp.TableAlias(this=quoted(name))
        if isinstance(owner, sql.UnionOp):
            return exp.CTE(this=self.union(owner), alias=alias)
        if isinstance(owner, sql.RecurseOp):
            return exp.CTE(this=self.recursion(owner, name), alias=alias)
        if isinstance(owner, sql.ValuesOp):
            columns = list(schema(owner.result).types)
            alias.set("columns", [quoted(column) for column in columns])
            literals = [self.expression(literal) for literal in owner.rows]
            width = len(columns)
            if not literals:
                return exp.CTE(this=no_rows(width), alias=alias)
            if (series := self.spelling.series) is not None and is_range(owner):
                numbers = exp.Table(this=series(len(literals)))
                everything = exp.select(exp.Star(), copy=False).from_(numbers, copy=False)
                return exp.CTE(this=everything, alias=alias)
            rows = [
                exp.Tuple(expressions=literals[start : start + width])
                for start in range(0, len(literals), width)
            ]
            return exp.CTE(this=exp.Values(expressions=rows), alias=alias)
        marked = True if is_alone else None
        tree: exp.Expr = self.select(owner)
        if owner.result in self.repeated and self.spelling.fence is not None:
            tree = self.spelling.fence(tree)
        if owner.result in self.joined and self.spelling.many_rows is not None:
            marked = True
            none = self.spelling.many_rows(len(schema(owner.result).types))
            tree = exp.Union(this=tree, expression=none, distinct=False)
        return exp.CTE(this=tree, alias=alias, materialized=marked)

    def everything(self, query: SSAValue) -> exp.Select:
        """All columns of a query by their names."""
        columns = [exp.Column(this=quoted(name)) for name in schema(query).types]
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
            exp.alias_(self.expression(e, op), quoted(name), copy=False)
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
            if self.profile.keeps_join_order or not ready:
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
        bare = self.spelling.without_affinity if self.is_alone else None
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
        table_alias = exp.TableAlias(this=quoted(alias)) if alias else None
        return exp.Table(this=quoted(name), alias=table_alias)

    def expression(self, expression: Attribute, op: sql.SelectOp | None = None) -> exp.Expr:
        match expression:
            case ColumnRefAttr():
                alias, _, name = expression.column.data.rpartition(".")
                return exp.Column(this=quoted(name), table=quoted(alias) if alias else None)
            case LiteralAttr(value=IntAttr() as value):
                return integer(value.data)
            case LiteralAttr(value=value):
                return double(value.data)
            case ParameterAttr():
                return self.parameter(expression.parameter.data)
            case CallAttr() if expression.function.data in WINDOWS and op is not None:
                return self.window(expression, op)
            case CallAttr():
                return self.call(expression, op)
            case _:
                raise TensorjoinError(f"{expression} has no form in SQL")

    def call(self, expression: CallAttr, op: sql.SelectOp | None) -> exp.Expr:
        name = expression.function.data
        if (build := self.spelling.functions.get(name)) is None:
            raise TensorjoinError(f"{name} has no spelling in {self.profile.name}")
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

    def parameter(self, name: str) -> exp.Expr:
        if name not in self.parameters:
            self.parameters.append(name)
        if self.spelling.numbers_parameters:
            return exp.Parameter(this=exp.Literal.number(self.parameters.index(name) + 1))
        return exp.Placeholder(this=name)


def _sources(owner: Operation | Block) -> Sequence[SSAValue]:
    """The queries that a query reads; of a recursion, what its rounds read from outside."""
    match owner:
        case sql.SelectOp() | sql.UnionOp():
            return owner.sources
        case sql.RecurseOp():
            read = (value for each in owner.body.walk() for value in each.operands)
            outside = [value for value in read if _block(value) is not owner.body.block]
            return list(dict.fromkeys([owner.source, *outside]))
        case _:
            return ()


def _block(value: SSAValue) -> Block | None:
    return value.owner if isinstance(value.owner, Block) else value.owner.parent


def _in_order(query: SSAValue) -> list[SSAValue]:
    """The queries that a query reads, each after those that it reads itself."""
    ordered: dict[SSAValue, None] = {}
    # A stack of its own: an unrolled loop is a chain deeper than Python calls functions.
    waiting = [query]
    while waiting:
        owner = waiting[-1].owner
        missing = [source for source in reversed(_sources(owner)) if source not in ordered]
        if missing:
            waiting += missing
        else:
            ordered[waiting.pop()] = None
    return list(ordered)


def _joined(query: SSAValue) -> set[SSAValue]:
    """The computed queries that are joined with others."""
    return {
        source
        for value in _in_order(query)
        if isinstance(owner := value.owner, sql.SelectOp) and len(owner.sources) > 1
        for source in owner.sources
        if isinstance(source.owner, sql.SelectOp)
    }


def _uses(query: SSAValue) -> dict[SSAValue, int]:
    """How often each query is read within one statement."""
    uses: dict[SSAValue, int] = {}
    for value in _in_order(query):
        for source in _sources(value.owner):
            uses[source] = uses.get(source, 0) + 1
    return uses
