"""How an engine spells functions, types and tables: what differs between engines, as data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp
from xdsl.dialects.builtin import IntegerType, VectorType, f16, f32, f64, i1, i64
from xdsl.ir import Attribute

from tensorjoin.backends.functions import Function
from tensorjoin.errors import TensorjoinError

VectorTypes = Callable[[int], exp.DataType]
"""The type of a vector of so many elements."""


@dataclass(frozen=True)
class Spelling:
    """How a target writes what the compiler asks for."""

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
    fills_groups: bool = False
    """Whether weights may be followed by rows of nulls, so that what follows lies apart."""
    table_properties: tuple[type[exp.Property], ...] = ()
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

    vector_table: Callable[[], exp.Property] | None = None
    """What a table of vectors is created with."""

    series: Callable[[int], exp.Expr] | None = None
    """A table of the numbers from 0 to below so many; None where they have to be listed."""

    def sql(self, expression: exp.Expr) -> str:
        return expression.sql(dialect=self.dialect, identify=True, comments=False)

    def parameter(self, name: str, number: int) -> exp.Expr:
        """A parameter of a statement, the one of this number from 1."""
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
