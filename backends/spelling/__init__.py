"""How each engine spells functions, types and tables: all differences, as tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp
from xdsl.dialects.builtin import IntegerType, VectorType, f16, f32, f64, i1, i64
from xdsl.ir import Attribute

from tensorjoin.backends.spelling.duckdb import DUCKDB_FUNCTIONS
from tensorjoin.backends.spelling.functions import Function, double, function, integer
from tensorjoin.backends.spelling.pgvector import (
    PGVECTOR_FUNCTIONS,
    half_type,
    vector_type,
    vectors_in_rows,
)
from tensorjoin.backends.spelling.postgres import POSTGRES_FUNCTIONS
from tensorjoin.backends.spelling.sqlite import (
    SQLITE_FUNCTIONS,
    ClusteredSQLite,
    WithoutRowid,
    no_rows_of_many,
    without_affinity,
)
from tensorjoin.errors import TensorjoinError


def list_type(size: int) -> exp.DataType:
    return exp.DataType.build("FLOAT[]", dialect="duckdb")


def doubles_type(size: int) -> exp.DataType:
    return exp.DataType.build("DOUBLE[]", dialect="duckdb")


@dataclass(frozen=True)
class Spelling:
    """One engine's spelling."""

    dialect: Any
    """sqlglot's dialect."""
    functions: Mapping[str, Function]
    numbers_parameters: bool = False
    """Whether parameters are $1, $2, ... rather than named."""
    primary_keys: bool = True
    """Whether a primary key helps; DuckDB's is an index that only costs."""
    indexes_outputs: bool = True
    """Whether a primary key helps where rows are read as a whole; in PostgreSQL it is an index
    beside the rows, which takes longer to write than they do."""
    fills_groups: bool = False
    """Whether weights may be followed by rows of nulls, so that what follows lies apart."""
    table_properties: tuple[type[exp.Property], ...] = ()
    nan_is_null: bool = False
    """Whether NULL stands for NaN, of which SQLite has none."""
    keeps_deleted_rows: bool = False
    """Whether what DELETE removes is skipped over until TRUNCATE, as in PostgreSQL's tables."""
    converts_floats: bool = False
    """Whether a column whose type is float is converted whenever it is read, and one without a type
    is not: of a product of two columns in SQLite, that is 7 to 9 % of the time."""
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

    vector_type: Callable[[int], exp.DataType] = list_type
    """The type of a vector of so many float32."""

    half_type: Callable[[int], exp.DataType] | None = None
    """The type of a vector of so many float16, if there is one."""

    double_type: Callable[[int], exp.DataType] | None = None
    """The type of a vector of so many float64, if there is one."""

    vector_table: Callable[[], exp.Property] | None = None
    """What a table of vectors is created with."""

    series: Callable[[int], exp.Expr] | None = None
    """A table of the numbers from 0 to below so many; None where they have to be listed."""

    def sql(self, expression: exp.Expr) -> str:
        return expression.sql(dialect=self.dialect, identify=True, comments=False)

    def type(self, type: Attribute) -> exp.DataType:
        match type:
            case VectorType() if type.get_element_type() == f16:
                if self.half_type is None:
                    raise TensorjoinError(f"{type} has no type here: of 16 bits are pgvector's")
                return self.half_type(type.get_shape()[0])
            case VectorType() if type.get_element_type() == f64:
                if self.double_type is None:
                    raise TensorjoinError(f"{type} has no type here: of doubles are DuckDB's")
                return self.double_type(type.get_shape()[0])
            case VectorType():
                return self.vector_type(type.get_shape()[0])
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


POSTGRES = Spelling(
    "postgres",
    POSTGRES_FUNCTIONS,
    numbers_parameters=True,
    indexes_outputs=False,
    keeps_deleted_rows=True,
    marks_materialized=True,
    mirrors_offsets=True,
    fence=lambda query: query.offset(integer(0), copy=False),
    series=lambda count: function("GENERATE_SERIES")(integer(0), integer(count - 1)),
)

SQLITE = Spelling(
    ClusteredSQLite,
    SQLITE_FUNCTIONS,
    table_properties=(WithoutRowid,),
    nan_is_null=True,
    converts_floats=True,
    without_affinity=without_affinity,
    many_rows=no_rows_of_many,
    fence=lambda query: query.limit(integer(-1), copy=False),
)

SPELLINGS: Mapping[str, Spelling] = {
    "sqlite": SQLITE,
    "sqlite_64k": SQLITE,
    "duckdb": Spelling(
        "duckdb",
        DUCKDB_FUNCTIONS,
        primary_keys=False,
        fills_groups=True,
        marks_materialized=True,
        double_type=doubles_type,
        series=lambda count: function("RANGE")(integer(0), integer(count)),
    ),
    "postgres": POSTGRES,
    "pgvector": replace(
        POSTGRES,
        functions=PGVECTOR_FUNCTIONS,
        vector_type=vector_type,
        half_type=half_type,
        vector_table=vectors_in_rows,
    ),
}
"""By the name of the target profile."""

__all__ = ["SPELLINGS", "Spelling", "double", "integer"]
