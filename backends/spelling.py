"""How an engine spells functions, types and tables: what differs between engines, as data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp
from xdsl.dialects.builtin import IntegerType, VectorType, f16, f32, f64, i1, i64
from xdsl.ir import Attribute

from tensorjoin.backends.functions import Function, integer
from tensorjoin.errors import TensorjoinError


def identifier(name: str) -> exp.Identifier:
    """An identifier: any text may be the name of a table or column."""
    return exp.to_identifier(name, quoted=True)


def named(name: str) -> exp.Table:
    """The table of a name."""
    return exp.Table(this=identifier(name))


VectorTypes = Callable[[int], exp.DataType]
"""The type of a vector of so many elements."""


@dataclass(frozen=True)
class ColumnDefinition:
    """A column of a table that is to be created."""

    type: exp.DataType | None
    """None for a column without a type."""
    may_be_null: bool = True


@dataclass(frozen=True)
class TableDefinition:
    """A table that is to be created."""

    name: str
    kind: str
    """weight, state, input, scratch or output, as in the rel dialect; or catalog: what a database
    knows of its models."""
    columns: Mapping[str, ColumnDefinition]
    keys: Sequence[str] = ()
    """The columns that tell rows apart, in their order, if any do."""
    is_temporary: bool = False
    has_vectors: bool = False


@dataclass(frozen=True)
class Spelling:
    """
    How a target writes what the compiler asks for. What an engine writes in a form of its own is a
    method that its spelling overrides.
    """

    dialect: Any
    """sqlglot's dialect."""
    functions: Mapping[str, Function]
    numbers_parameters: bool = False
    """Whether parameters are $1, $2, ... rather than named."""
    primary_keys: bool = True
    """Whether a primary key helps, and is no index that only costs."""
    indexes_outputs: bool = True
    """Whether a primary key helps where rows are read as a whole, and is no index beside the rows,
    which takes longer to write than they do."""
    pads_row_groups: bool = False
    """Whether weights may be followed by rows of nulls, so that what follows lies apart."""
    nan_is_null: bool = False
    """Whether NULL stands for NaN, where an engine has none."""
    keeps_deleted_rows: bool = False
    """Whether what DELETE removes is skipped over until TRUNCATE."""
    converts_floats: bool = False
    """Whether a column whose type is float is converted whenever it is read, and one without a type
    is not."""
    marks_materialized: bool = False
    """Whether a common table expression read twice says AS MATERIALIZED."""

    without_affinity: Callable[[exp.Expr], exp.Expr] | None = None
    """A column's value alone, where an index on what has no affinity serves no other comparison."""

    mirrors_offsets: bool = False
    """Whether a.x = b.y + 1 should also say b.y = a.x - 1: the engine chooses which it looks up."""

    many_rows: Callable[[int], exp.Select] | None = None
    """An empty query of so many columns that is estimated to have many rows: in a union with it, a
    query is joined through an index."""

    fence: Callable[[exp.Select], exp.Select] | None = None
    """A subquery that stays one: flattened, what it computes would be computed for each mention."""

    vector_type: VectorTypes | None = None
    """The type of a vector of so many float32, if there is one."""

    half_type: VectorTypes | None = None
    """The type of a vector of so many float16, if there is one."""

    double_type: VectorTypes | None = None
    """The type of a vector of so many float64, if there is one."""

    vector: Callable[[Sequence[exp.Expr]], exp.Expr] | None = None
    """A vector of these elements, if there are any."""

    table_properties: Callable[[TableDefinition], Sequence[exp.Expr]] = lambda table: ()
    """What a table is created with besides its columns: how its rows are kept, and in what order.
    """

    series: Callable[[int], exp.Expr] | None = None
    """A table of the numbers from 0 to below so many; None where they have to be listed."""

    def sql(self, expression: exp.Expr) -> str:
        return expression.sql(dialect=self.dialect, identify=True, comments=False)

    def create_table(self, table: TableDefinition) -> exp.Create:
        """What creates a table, with a primary key where it helps."""
        columns: list[exp.Expr] = [
            exp.ColumnDef(
                this=identifier(name),
                kind=column.type,
                constraints=[]
                if column.may_be_null
                else [exp.ColumnConstraint(kind=exp.NotNullColumnConstraint())],
            )
            for name, column in table.columns.items()
        ]
        helps = self.primary_keys and (table.kind != "output" or self.indexes_outputs)
        if table.keys and helps:
            columns.append(exp.PrimaryKey(expressions=[identifier(key) for key in table.keys]))
        properties: list[exp.Expr] = [exp.TemporaryProperty()] if table.is_temporary else []
        properties += self.table_properties(table)
        return exp.Create(
            this=exp.Schema(this=named(table.name), expressions=columns),
            kind="TABLE",
            properties=exp.Properties(expressions=properties) if properties else None,
        )

    def drop_table(self, name: str) -> exp.Expr:
        """What drops a table."""
        return exp.Drop(tables=[named(name)], kind="TABLE")

    def empty_table(self, name: str) -> exp.Expr:
        """What deletes all rows of a table, at each run."""
        return exp.Delete(this=named(name))

    def truncate_table(self, name: str) -> exp.Expr:
        """What deletes all rows of a table, and gives their space back: now and then."""
        return exp.TruncateTable(expressions=[named(name)])

    def literal_rows(
        self, name: str, columns: Sequence[str], rows: Sequence[Sequence[exp.Expr]]
    ) -> exp.CTE:
        """A common table expression of rows that are written out, of which there may be none."""
        alias = exp.TableAlias(
            this=identifier(name), columns=[identifier(column) for column in columns]
        )
        if not rows:
            # VALUES has at least one row.
            never = exp.EQ(this=integer(0), expression=integer(1))
            nothing = exp.select(*(integer(0) for _ in columns), copy=False)
            return exp.CTE(this=nothing.where(never, copy=False), alias=alias)
        tuples = [exp.Tuple(expressions=list(row)) for row in rows]
        return exp.CTE(this=exp.Values(expressions=tuples), alias=alias)

    def parameter(self, name: str, number: int, type: exp.DataType) -> exp.Expr:
        """A parameter of a statement, the one of this number from 1, whose values have a type."""
        if self.numbers_parameters:
            return exp.Parameter(this=exp.Literal.number(number))
        return exp.Placeholder(this=name)

    def type(self, type: Attribute) -> exp.DataType:
        """Raises TensorjoinError for a vector that the target has no type for."""
        match type:
            case VectorType():
                vectors: Mapping[Attribute, VectorTypes | None] = {
                    f16: self.half_type,
                    f64: self.double_type,
                }
                build = vectors.get(type.get_element_type(), self.vector_type)
                if build is None:
                    raise TensorjoinError(f"{type} has no type on this target")
                return build(type.get_shape()[0])
            case IntegerType() if type == i64:
                return exp.DataType.build("BIGINT")
            case IntegerType() if type == i1:
                return exp.DataType.build("BOOLEAN")
            case IntegerType():
                return exp.DataType.build("INT")
            case _ if type == f32:
                return exp.DataType.build("FLOAT")
            case _ if type == f64:
                return exp.DataType.build("DOUBLE")
            case _:
                raise ValueError(f"no type in SQL for {type}")
