"""A declared table -> the statement that creates it, and how a tensor fills it."""

from collections.abc import Callable, Mapping

from sqlglot import exp
from xdsl.dialects.builtin import VectorType, f32, f64

from tensorjoin.backends.spelling import Spelling
from tensorjoin.dialects import sql
from tensorjoin.dialects.layout import Storage
from tensorjoin.dialects.rel import Lifetime, TableKind, lifetime_of
from tensorjoin.dialects.transform import transforms_of
from tensorjoin.program import Chunks, Statement, Table

TableNames = Callable[[str], str]
"""From a symbol of the module to the name of a table in the database."""


def quoted(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def table_of(
    op: sql.CreateTableOp,
    spelling: Spelling,
    table_name: TableNames,
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
    is_temporary = lifetime_of(op.kind, op.lifetime) is Lifetime.TEMPORARY
    if is_temporary:
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
        is_temporary,
        transforms_of(op.transforms),
    )
