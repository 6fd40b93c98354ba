"""What scalar functions are written as, where engines agree; and what they are built from."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from sqlglot import exp

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
    """A literal with an exponent: an engine may read 0.94 as a DECIMAL, but 0.94e0 as a DOUBLE."""
    if not isfinite(value):
        raise TensorjoinError(f"{value} has no literal in SQL")
    text = literal_text(abs(value))
    number = exp.Literal.number(text if "e" in text else f"{text}e0")
    return exp.Neg(this=number) if value < 0 else number


def truncation(type: str) -> Function:
    """For engines whose casts to an integer round."""

    def build(x: exp.Expr) -> exp.Expr:
        return cast(type)(function("TRUNC")(x))

    return build


def truth(x: exp.Expr) -> exp.Expr:
    """A boolean as a number."""
    return case(x, integer(1), integer(0))


def named_number(name: str) -> Function:
    """Infinity, NaN: numbers without a literal."""
    return lambda: cast("DOUBLE")(exp.Literal.string(name))


def bits(operator: type[exp.Expr]) -> Function:
    """Engines disagree on how tightly these bind."""

    def build(x: exp.Expr, y: exp.Expr) -> exp.Expr:
        return exp.Paren(this=operator(this=operand(x, 8), expression=operand(y, 8)))

    return build


def is_null(x: exp.Expr) -> exp.Expr:
    # It binds no more than = does.
    return exp.Paren(this=exp.Is(this=operand(x, 8), expression=exp.Null()))


def is_number(x: exp.Expr, is_nan: Function) -> exp.Expr | None:
    """That a value is not NaN; None where it is seen from its text."""
    return None if isinstance(x, exp.Literal) else unary(exp.Not)(is_nan(x.copy()))


def float_comparisons(is_nan: Function) -> Mapping[str, Function]:
    """Comparisons as in IEEE 754, where the engine takes NaN for equal to itself, else greatest."""

    def compared(operator: type[exp.Expr], odd: int) -> Function:
        """True for NaN on side `odd`, and should not be."""

        def build(x: exp.Expr, y: exp.Expr) -> exp.Expr:
            number = is_number((x, y)[odd], is_nan)
            plain = binary(operator)(x, y)
            return plain if number is None else binary(exp.And)(plain, number)

        return build

    equal = compared(exp.EQ, 0)

    def different(x: exp.Expr, y: exp.Expr) -> exp.Expr:
        return unary(exp.Not)(equal(x, y))

    return {
        "float_eq": equal,
        "float_ne": different,
        "float_lt": compared(exp.LT, 1),
        "float_le": compared(exp.LTE, 1),
        "float_gt": compared(exp.GT, 0),
        "float_ge": compared(exp.GTE, 0),
    }


def float_least(x: exp.Expr, y: exp.Expr) -> exp.Expr:
    """NaN, if one is: LEAST takes it for the greatest."""
    negative = unary(exp.Neg)
    return negative(function("GREATEST")(negative(x), negative(y)))


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
    "float_least": float_least,
    "exp": function("EXP"),
    "sqrt": function("SQRT"),
    "sin": function("SIN"),
    "cos": function("COS"),
    "abs": function("ABS"),
    "round": function("ROUND"),
    "divide": binary(exp.Div, typed=True),
    "root": function("SQRT"),
    "ln": function("LN"),
    "pow": function("POWER"),
    "tan": function("TAN"),
    "asin": function("ASIN"),
    "acos": function("ACOS"),
    "atan": function("ATAN"),
    "atan2": function("ATAN2"),
    "sinh": function("SINH"),
    "cosh": function("COSH"),
    "tanh": function("TANH"),
    "asinh": function("ASINH"),
    "acosh": function("ACOSH"),
    "atanh": function("ATANH"),
    "floor": function("FLOOR"),
    "ceil": function("CEIL"),
    "infinity": named_number("Infinity"),
    "nan": named_number("NaN"),
    "is_nan": function("ISNAN"),
    "bit_and": bits(exp.BitwiseAnd),
    "bit_or": bits(exp.BitwiseOr),
    "bit_xor": bits(exp.BitwiseXor),
    "shift_left": bits(exp.BitwiseLeftShift),
    "shift_right": bits(exp.BitwiseRightShift),
    "to_int": cast("INT"),
    "to_long": cast("BIGINT"),
    "long": cast("BIGINT"),
    "to_float": cast("DOUBLE"),
    "truth": truth,
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
    "partition_sum": function("SUM"),
    "partition_max": function("MAX"),
    "partition_min": function("MIN"),
}
