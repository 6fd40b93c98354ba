"""How PostgreSQL writes what it does not write as the others do."""

from collections.abc import Callable, Mapping

from sqlglot import exp

from tensorjoin.backends.functions import (
    FUNCTIONS,
    Function,
    binary,
    bits,
    case,
    cast,
    double,
    float_comparisons,
    function,
    integer,
    named_number,
    truncation,
)
from tensorjoin.backends.spelling import Spelling


def divide(x: exp.Expr, y: exp.Expr) -> exp.Expr:
    """PostgreSQL raises an error where y is 0."""
    quotient = binary(exp.Div, typed=True)
    infinite = binary(exp.Mul)(x.copy(), named_number("Infinity")())
    return case(binary(exp.EQ)(y.copy(), integer(0)), infinite, quotient(x, y))


def is_nan(x: exp.Expr) -> exp.Expr:
    return binary(exp.EQ)(x, named_number("NaN")())


def shift(operator: type[exp.Expr]) -> Function:
    """The number of places is an INT."""

    def build(x: exp.Expr, y: exp.Expr) -> exp.Expr:
        return bits(operator)(x, cast("INT")(y))

    return build


def within(name: str, inside: Callable[[exp.Expr], exp.Expr]) -> Function:
    """A function that raises an error outside of its domain, where it should be NaN."""

    def build(x: exp.Expr) -> exp.Expr:
        return case(inside(x.copy()), function(name)(x), named_number("NaN")())

    return build


def ln(x: exp.Expr) -> exp.Expr:
    zero = binary(exp.EQ)(x.copy(), integer(0))
    positive = within("LN", lambda y: binary(exp.GT)(y, integer(0)))
    return case(zero, named_number("-Infinity")(), positive(x))


def pow(x: exp.Expr, y: exp.Expr) -> exp.Expr:
    """
    PostgreSQL raises an error for 0 to a negative power, for a root of a negative number, and for
    what is too large or too small, as the logarithm of the power tells.
    """

    def of(make: Function, *arguments: exp.Expr) -> exp.Expr:
        return make(*(argument.copy() for argument in arguments))

    zero, largest = integer(0), double(1e300)
    whole = of(function("FLOOR"), y)
    half = of(function("FLOOR"), of(binary(exp.Div, typed=True), y, double(2.0)))
    below, is_odd = (
        of(binary(exp.LT), x, zero),
        binary(exp.NEQ)(of(binary(exp.Mul), half, double(2.0)), y.copy()),
    )
    is_zero = of(binary(exp.And), of(binary(exp.EQ), x, zero), of(binary(exp.LT), y, zero))
    is_root = of(binary(exp.And), below, of(binary(exp.NEQ), y, whole))
    is_odd_one = of(binary(exp.Or), is_nan(x.copy()), is_nan(y.copy()))
    size = of(
        function("LEAST"), of(function("GREATEST"), of(function("ABS"), x), double(1e-300)), largest
    )
    bounded = of(function("LEAST"), of(function("GREATEST"), y, double(-1e300)), largest)
    logarithm = of(binary(exp.Mul), bounded, of(function("LN"), size))
    infinity, power = named_number("Infinity")(), function("POWER")(x.copy(), y.copy())
    signed = case(of(binary(exp.And), below, is_odd), named_number("-Infinity")(), infinity.copy())
    return exp.Case(
        ifs=[
            exp.If(this=is_odd_one, true=power.copy()),
            exp.If(this=is_zero, true=infinity),
            exp.If(this=is_root, true=named_number("NaN")()),
            exp.If(this=of(binary(exp.GT), logarithm, double(709.78)), true=signed),
            exp.If(this=of(binary(exp.LT), logarithm, double(-708.0)), true=double(0.0)),
        ],
        default=power,
    )


def of_angle(name: str) -> Function:
    """An infinite angle is an error, and should be NaN; the operand, maybe long, stands once."""

    def build(x: exp.Expr) -> exp.Expr:
        for infinity in ("Infinity", "-Infinity"):
            x = function("NULLIF")(x, named_number(infinity)())
        return function("COALESCE")(function(name)(x), named_number("NaN")())

    return build


def not_below(bound: int) -> Callable[[exp.Expr], exp.Expr]:
    return lambda x: binary(exp.GTE)(x, integer(bound))


def at_most_one(x: exp.Expr) -> exp.Expr:
    return binary(exp.LTE)(function("ABS")(x), integer(1))


def exponential(x: exp.Expr) -> exp.Expr:
    """PostgreSQL raises an error where EXP overflows, or where a product with it underflows."""
    is_large, is_small = (
        binary(exp.GT)(x.copy(), double(700.0)),
        binary(exp.LT)(x.copy(), double(-300.0)),
    )
    infinite = binary(exp.Add)(x.copy(), named_number("Infinity")())
    return exp.Case(
        ifs=[exp.If(this=is_large, true=infinite), exp.If(this=is_small, true=double(0.0))],
        default=function("EXP")(x),
    )


POSTGRES_FUNCTIONS: Mapping[str, Function] = {
    **FUNCTIONS,
    **float_comparisons(is_nan),
    "exp": exponential,
    "sin": of_angle("SIN"),
    "cos": of_angle("COS"),
    "tan": of_angle("TAN"),
    "divide": divide,
    "root": within("SQRT", not_below(0)),
    "ln": ln,
    "pow": pow,
    "asin": within("ASIN", at_most_one),
    "acos": within("ACOS", at_most_one),
    "acosh": within("ACOSH", not_below(1)),
    "atanh": within("ATANH", at_most_one),
    "is_nan": is_nan,
    "shift_left": shift(exp.BitwiseLeftShift),
    "shift_right": shift(exp.BitwiseRightShift),
    "to_int": truncation("INT"),
    "to_long": truncation("BIGINT"),
}

SPELLING = Spelling(
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
