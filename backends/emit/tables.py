"""A declared table -> the statement that creates it, and how a tensor fills it."""

from collections.abc import Callable, Iterable, Mapping

from xdsl.dialects.builtin import VectorType, f32, f64

from tensorjoin.backend import Target
from tensorjoin.backends.spelling import ColumnDefinition, TableDefinition
from tensorjoin.dialects import sql
from tensorjoin.dialects.layout import Storage
from tensorjoin.dialects.rel import Lifetime, TableKind, lifetime_of
from tensorjoin.dialects.transform import transforms_of
from tensorjoin.program import Chunks, Statement, Table

TableNames = Callable[[str], str]
"""From a symbol of the module to the name of a table in the database."""


def is_temporary(op: sql.CreateTableOp) -> bool:
    """Whether a table ends with the connection that creates it."""
    return lifetime_of(op.kind, op.lifetime) is Lifetime.TEMPORARY


def names_in(
    tables: Iterable[sql.CreateTableOp], target: Target, table_name: TableNames
) -> TableNames:
    """The names of tables in programs for a target."""
    temporary = {op.sym_name.data for op in tables if is_temporary(op)}

    def name(symbol: str) -> str:
        return (target.temporary_name if symbol in temporary else str)(table_name(symbol))

    return name


def table_of(
    op: sql.CreateTableOp,
    target: Target,
    table_name: TableNames,
    untyped: Mapping[str, frozenset[str]],
) -> Table:
    spelling, kind = target.spelling, TableKind(op.kind.data)
    name, keys = op.sym_name.data, op.schema.extents
    without_type = untyped.get(name, ())
    has_fillers = spelling.pads_row_groups and kind == TableKind.WEIGHT
    types = op.schema.types
    definition = TableDefinition(
        table_name(name),
        kind.value,
        {
            column: ColumnDefinition(
                None if column in without_type else spelling.type(type),
                has_fillers or (spelling.nan_is_null and type in (f32, f64)),
            )
            for column, type in types.items()
        },
        tuple(keys),
        target.profile.temporary_tables and is_temporary(op),
        any(isinstance(type, VectorType) for type in types.values()),
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
        Statement(spelling.sql(spelling.create_table(definition))),
        tuple(source.data for source in op.sources or ()),
        chunks,
        None if op.gain is None else op.gain.data,
        is_temporary(op),
        transforms_of(op.transforms),
    )
