"""How SQLite writes what it does not write as the others do."""

from collections.abc import Mapping

from sqlglot import exp
from sqlglot.dialects.sqlite import SQLite

from tensorjoin.backends.functions import (
    FUNCTIONS,
    Function,
    binary,
    bits,
    case,
    cast,
    function,
    integer,
    is_null,
    operand,
    unary,
)
from tensorjoin.backends.spelling import Spelling


def overflow() -> exp.Expr:
    """Infinity, as SQLite reads what is too large."""
    return exp.Literal.number("9e999")


def divide(x: exp.Expr, y: exp.Expr) -> exp.Expr:
    """By zero: an infinity, or NaN, which SQLite writes NULL."""
    quotient = binary(exp.Div, typed=True)
    infinite = binary(exp.Mul)(x.copy(), overflow())
    by_zero = case(binary(exp.EQ)(x.copy(), integer(0)), exp.Null(), infinite)
    return case(binary(exp.EQ)(y.copy(), integer(0)), by_zero, quotient(x, y))


def ln(x: exp.Expr) -> exp.Expr:
    zero = binary(exp.EQ)(x.copy(), integer(0))
    return case(zero, exp.Neg(this=overflow()), function("LN")(x))


def pow(x: exp.Expr, y: exp.Expr) -> exp.Expr:
    """1 where the exponent is 0 or the base is 1, whatever the other: that may be NaN, and NULL."""
    is_zero, is_one = binary(exp.EQ)(y.copy(), integer(0)), binary(exp.EQ)(x.copy(), integer(1))
    return case(binary(exp.Or)(is_zero, is_one), integer(1), function("POWER")(x, y))


def xor(x: exp.Expr, y: exp.Expr) -> exp.Expr:
    """(x | y) - (x & y)"""
    either, both = bits(exp.BitwiseOr)(x, y), bits(exp.BitwiseAnd)(x.copy(), y.copy())
    return binary(exp.Sub)(either, both)


def holds(operator: type[exp.Expr], is_unordered: bool = False) -> Function:
    """A comparison as in IEEE 754: with NULL, for NaN, it is true only if it is unordered."""

    def build(x: exp.Expr, y: exp.Expr) -> exp.Expr:
        compared = exp.Paren(this=binary(operator)(x, y))
        truth = exp.Is(this=compared, expression=exp.Boolean(this=True))
        return unary(exp.Not)(exp.Paren(this=truth)) if is_unordered else exp.Paren(this=truth)

    return build


def power_of_ten(x: exp.Expr) -> exp.Expr:
    """10 to an integer power without math functions: the text 1e-7 read as a number."""
    text = exp.DPipe(this=exp.Literal.string("1e"), expression=operand(x, 8))
    return cast("DOUBLE")(text)


def exponent_of_ten(x: exp.Expr) -> exp.Expr:
    """The decimal exponent without math functions: what stands behind the e in scientific form."""
    text = function("PRINTF")(exp.Literal.string("%e"), x)
    start = exp.Add(
        this=function("INSTR")(text, exp.Literal.string("e")), expression=exp.Literal.number(1)
    )
    return cast("INT")(function("SUBSTR")(text.copy(), start))


class WithoutRowid(exp.Property):
    """A table of SQLite that is stored in the order of its primary key."""

    arg_types: Mapping[str, bool] = {}


def without_rowid(generator: SQLite.Generator, property: WithoutRowid) -> str:
    return "WITHOUT ROWID"


class Plus(exp.Unary):
    """+x: the value of a column without the column's affinity."""


def plus(generator: SQLite.Generator, expression: Plus) -> str:
    return f"+{generator.sql(expression, 'this')}"


def without_affinity(column: exp.Expr) -> exp.Expr:
    return Plus(this=column)


def no_rows_of_many(width: int) -> exp.Select:
    """No row of SQLite's own table, which no ANALYZE counts: it is taken to have a million."""
    nulls = [exp.Null() for _ in range(width)]
    return exp.select(*nulls).from_("sqlite_master").where(exp.Literal.number(0))


class ClusteredSQLite(SQLite):
    """SQLite with WITHOUT ROWID and +x, which sqlglot does not know."""

    class Generator(SQLite.Generator):
        TRANSFORMS = {
            **SQLite.Generator.TRANSFORMS,
            WithoutRowid: without_rowid,
            Plus: plus,
        }
        PROPERTIES_LOCATION = {
            **SQLite.Generator.PROPERTIES_LOCATION,
            WithoutRowid: exp.Properties.Location.POST_SCHEMA,
        }


SQLITE_FUNCTIONS: Mapping[str, Function] = {
    **FUNCTIONS,
    "greatest": function("MAX"),
    "least": function("MIN"),
    "float_least": function("MIN"),
    "divide": divide,
    "float_eq": holds(exp.EQ),
    "float_ne": holds(exp.EQ, is_unordered=True),
    "float_lt": holds(exp.LT),
    "float_le": holds(exp.LTE),
    "float_gt": holds(exp.GT),
    "float_ge": holds(exp.GTE),
    "ln": ln,
    "pow": pow,
    "bit_xor": xor,
    "infinity": overflow,
    "nan": exp.Null,
    "is_nan": is_null,
    "pow10": power_of_ten,
    "exponent10": exponent_of_ten,
}

SPELLING = Spelling(
    ClusteredSQLite,
    SQLITE_FUNCTIONS,
    table_properties=lambda table: [WithoutRowid()] if table.keys else [],
    nan_is_null=True,
    # Of a product of two columns, the conversion is 7 to 9 % of the time. See
    # docs/notes/tokens.md#columns-without-a-type.
    converts_floats=True,
    without_affinity=without_affinity,
    many_rows=no_rows_of_many,
    fence=lambda query: query.limit(integer(-1), copy=False),
)
