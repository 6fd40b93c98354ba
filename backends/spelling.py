"""How each engine spells functions, types and tables: all differences, as tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from sqlglot import exp
from sqlglot.dialects.sqlite import SQLite
from xdsl.dialects.builtin import IntegerType, VectorType, f32, f64, i1, i64
from xdsl.ir import Attribute

from tensorjoin.dialects.expression import literal_text
from tensorjoin.errors import TensorjoinError

Function = Callable[..., exp.Expr]

PRECEDENCE: Mapping[type[exp.Expr], int] = {
    exp.Or: 1,
    exp.And: 2,
    exp.Not: 3,
    exp.EQ: 4,
    exp.NEQ: 4,
    exp.LT: 4,
    exp.LTE: 4,
    exp.GT: 4,
    exp.GTE: 4,
    exp.Add: 5,
    exp.Sub: 5,
    exp.Mul: 6,
    exp.Div: 6,
    exp.IntDiv: 6,
    exp.Mod: 6,
    exp.Neg: 7,
}


def operand(expression: exp.Expr, above: int) -> exp.Expr:
    """`expression` in parentheses if it binds less than `above`."""
    return exp.Paren(this=expression) if PRECEDENCE.get(type(expression), 9) < above else expression


def binary(operator: type[exp.Expr], **options: Any) -> Function:
    level = PRECEDENCE[operator]
    # Comparisons of comparisons have no order without parentheses.
    left = level + 1 if issubclass(operator, exp.Predicate) else level

    def build(x: exp.Expr, y: exp.Expr) -> exp.Expr:
        # The right side of equal rank keeps its parentheses: a balanced sum stays balanced.
        return operator(this=operand(x, left), expression=operand(y, level + 1), **options)

    return build


def unary(operator: type[exp.Expr]) -> Function:
    def build(x: exp.Expr) -> exp.Expr:
        return operator(this=operand(x, PRECEDENCE[operator]))

    return build


def function(name: str) -> Function:
    return lambda *arguments: exp.Anonymous(this=name, expressions=list(arguments))


def cast(type: str) -> Function:
    def build(x: exp.Expr) -> exp.Expr:
        return exp.Cast(this=x, to=exp.DataType.build(type))

    return build


def case(condition: exp.Expr, x: exp.Expr, y: exp.Expr) -> exp.Expr:
    return exp.Case(ifs=[exp.If(this=condition, true=x)], default=y)


def integer(value: int) -> exp.Expr:
    return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))


def double(value: float) -> exp.Expr:
    """A literal with an exponent: DuckDB reads 0.94 as a DECIMAL, 0.94e0 as a DOUBLE."""
    if not isfinite(value):
        raise TensorjoinError(f"{value} has no literal in SQL")
    text = literal_text(abs(value))
    number = exp.Literal.number(text if "e" in text else f"{text}e0")
    return exp.Neg(this=number) if value < 0 else number


# `typed` keeps sqlglot from adding casts: integers divide to integers, floats to floats.
FUNCTIONS: Mapping[str, Function] = {
    "add": binary(exp.Add),
    "sub": binary(exp.Sub),
    "mul": binary(exp.Mul),
    "div": binary(exp.Div, typed=True),
    "idiv": binary(exp.Div, typed=True),
    "mod": binary(exp.Mod),
    "neg": unary(exp.Neg),
    "greatest": function("GREATEST"),
    "least": function("LEAST"),
    "exp": function("EXP"),
    "sqrt": function("SQRT"),
    "sin": function("SIN"),
    "cos": function("COS"),
    "abs": function("ABS"),
    "round": function("ROUND"),
    "to_int": cast("INT"),
    "to_float": cast("DOUBLE"),
    "eq": binary(exp.EQ),
    "ne": binary(exp.NEQ),
    "lt": binary(exp.LT),
    "le": binary(exp.LTE),
    "gt": binary(exp.GT),
    "ge": binary(exp.GTE),
    "and": binary(exp.And),
    "or": binary(exp.Or),
    "not": unary(exp.Not),
    "if": case,
    "sum": function("SUM"),
    "max": function("MAX"),
    "min": function("MIN"),
    "count": function("COUNT"),
    "row_number": function("ROW_NUMBER"),
    "running_sum": function("SUM"),
}


def truncation(x: exp.Expr) -> exp.Expr:
    """A cast to an integer rounds, but in SQLite."""
    return cast("INT")(function("TRUNC")(x))


def sqlite_power_of_ten(x: exp.Expr) -> exp.Expr:
    """10 to an integer power without math functions: the text 1e-7 read as a number."""
    text = exp.DPipe(this=exp.Literal.string("1e"), expression=operand(x, 8))
    return cast("DOUBLE")(text)


def sqlite_exponent_of_ten(x: exp.Expr) -> exp.Expr:
    """The decimal exponent without math functions: what stands behind the e in scientific form."""
    text = function("PRINTF")(exp.Literal.string("%e"), x)
    start = exp.Add(
        this=function("INSTR")(text, exp.Literal.string("e")), expression=exp.Literal.number(1)
    )
    return cast("INT")(function("SUBSTR")(text.copy(), start))


def duckdb_pack(value: exp.Expr, slot: exp.Expr, size: exp.Expr) -> exp.Expr:
    """The values in the order of their slots; what is missing at the end is zero."""
    ordered = exp.Order(this=cast("FLOAT")(value), expressions=[exp.Ordered(this=slot)])
    return function("LIST_RESIZE")(function("LIST")(ordered), size, cast("FLOAT")(integer(0)))


def duckdb_pack_sparse(value: exp.Expr, slot: exp.Expr, size: exp.Expr) -> exp.Expr:
    """The value of each slot, zero where it is missing."""
    elements = [
        function("SUM")(case(binary(exp.EQ)(slot.copy(), integer(k)), value.copy(), integer(0)))
        for k in range(int(size.name))
    ]
    floats = exp.DataType.build("FLOAT[]", dialect="duckdb")
    return exp.Cast(this=function("LIST_VALUE")(*elements), to=floats)


def duckdb_element(vector: exp.Expr, index: exp.Expr) -> exp.Expr:
    """An element by its index from 0; lists count from 1."""
    return function("LIST_EXTRACT")(vector, binary(exp.Add)(index, integer(1)))


def postgres_exp(x: exp.Expr) -> exp.Expr:
    """PostgreSQL raises an error where EXP overflows, or where a product with it underflows."""
    low, high = double(-300.0), double(700.0)
    return function("EXP")(function("GREATEST")(function("LEAST")(x, high), low))


class WithoutRowid(exp.Property):
    """A table of SQLite that is stored in the order of its primary key."""

    arg_types: Mapping[str, bool] = {}


def without_rowid(generator: SQLite.Generator, property: WithoutRowid) -> str:
    return "WITHOUT ROWID"


class ClusteredSQLite(SQLite):
    """SQLite with WITHOUT ROWID, which sqlglot does not know."""

    class Generator(SQLite.Generator):
        TRANSFORMS = {
            **SQLite.Generator.TRANSFORMS,
            WithoutRowid: without_rowid,
        }
        PROPERTIES_LOCATION = {
            **SQLite.Generator.PROPERTIES_LOCATION,
            WithoutRowid: exp.Properties.Location.POST_SCHEMA,
        }


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
    table_properties: tuple[type[exp.Property], ...] = ()
    keeps_deleted_rows: bool = False
    """Whether what DELETE removes is skipped over until TRUNCATE, as in PostgreSQL's tables."""
    marks_materialized: bool = False
    """Whether a common table expression read twice says AS MATERIALIZED."""

    def sql(self, expression: exp.Expr) -> str:
        return expression.sql(dialect=self.dialect, identify=True, comments=False)

    def type(self, type: Attribute) -> exp.DataType:
        match type:
            case VectorType():
                return exp.DataType.build("FLOAT[]", dialect="duckdb")
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


SPELLINGS: Mapping[str, Spelling] = {
    "sqlite": Spelling(
        ClusteredSQLite,
        {
            **FUNCTIONS,
            "greatest": function("MAX"),
            "least": function("MIN"),
            "pow10": sqlite_power_of_ten,
            "exponent10": sqlite_exponent_of_ten,
        },
        table_properties=(WithoutRowid,),
    ),
    "duckdb": Spelling(
        "duckdb",
        {
            **FUNCTIONS,
            "idiv": binary(exp.IntDiv),
            "to_int": truncation,
            "dot": function("LIST_DOT_PRODUCT"),
            "element": duckdb_element,
            "pack": duckdb_pack,
            "pack_sparse": duckdb_pack_sparse,
        },
        primary_keys=False,
        marks_materialized=True,
    ),
    "postgres": Spelling(
        "postgres",
        {**FUNCTIONS, "exp": postgres_exp, "to_int": truncation},
        numbers_parameters=True,
        keeps_deleted_rows=True,
        marks_materialized=True,
    ),
}
"""By the name of the target profile."""
