"""Scalar functions: what each engine makes of their spelling is what numpy computes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tensorjoin.backends.database import Database
from tensorjoin.dialects.expression import AGGREGATES, FUNCTIONS, WINDOWS
from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.rel_to_sql.convert_rel_to_sql import ConvertRelToSqlPass
from tensorjoin.testing.engines import execute
from tensorjoin.testing.modules import applied

Array = npt.NDArray[Any]

VECTORS = {"dot", "element", "norm", "slice", "unit_half"}
TEXTS = {"pow10", "exponent10"}
"""What SQLite has in place of math functions."""

X = np.array([-7.25, -2.0, -1.0, -0.6, 0.0, 0.3, 1.0, 2.6, 12.5])
Y = np.array([3.0, -2.0, 0.25, -0.6, 4.0, 0.3, -1.5, 2.5, 1e-3])
N = np.array([-7, 12, 0, 5, -1, 2**40, 255, 6, 1])
M = np.array([3, -5, 7, 5, 1, 2**33 + 1, 15, -4, 63])
PLACES = np.array([0, 1, 2, 3, 5, 8, 13, 21, 34])

INFINITY, NAN = np.inf, np.nan


def typed(function: str, arguments: str) -> str:
    """A call whose value is a number: booleans become 0 and 1."""
    is_boolean = FUNCTIONS[function][1] is FUNCTIONS["not"][1]
    return f"truth({function}({arguments}))" if is_boolean else f"{function}({arguments})"


def values(
    database: Database, expression: str, type: str = "f64", **columns: npt.ArrayLike
) -> Array:
    """
    What an engine makes of an expression, on each row, over the columns x and y, floats, and n, m
    and places, integers.
    """
    table = {"x": X, "y": Y, "n": N, "m": M, "places": PLACES} | columns
    rows = max(np.size(column) for column in columns.values()) if columns else len(X)
    table = {name: np.resize(np.asarray(column), rows) for name, column in table.items()}
    schema = "<[k: ?], x: f64, y: f64, n: i64, m: i64, places: i64>"
    text = f"""
    rel.table input @x : {schema}
    rel.table scratch @r : <[k: ?], v: {type}>
    func.func @f() {{
      %x = rel.scan @x : !rel.relation{schema}
      %r = rel.project %x [k] {{v = {expression}}}
      rel.insert %r into @r
      func.return
    }}
    """
    tables = {"x": {"k": np.arange(rows), **table}}
    return execute(database, applied(text, ConvertRelToSqlPass()), tables)["r"]["v"]


def assert_values(actual: Array, expected: npt.ArrayLike) -> None:
    """Equal to the last but a few bits; NaN, which SQLite writes NULL, where it should be."""
    np.testing.assert_allclose(actual.astype(float), expected, rtol=1e-12, atol=1e-300)


FLOATS: dict[str, tuple[str, Callable[..., Array]]] = {
    "add": ("x, y", lambda: X + Y),
    "sub": ("x, y", lambda: X - Y),
    "mul": ("x, y", lambda: X * Y),
    "div": ("x, y", lambda: X / Y),
    "neg": ("x", lambda: -X),
    "divide": ("x, y", lambda: X / Y),
    "greatest": ("x, y", lambda: np.maximum(X, Y)),
    "float_least": ("x, y", lambda: np.minimum(X, Y)),
    "exp": ("x", lambda: np.exp(X)),
    "sqrt": ("abs(x)", lambda: np.sqrt(np.abs(X))),
    "root": ("abs(x)", lambda: np.sqrt(np.abs(X))),
    "ln": ("abs(y)", lambda: np.log(np.abs(Y))),
    "pow": ("abs(x), abs(y)", lambda: np.abs(X) ** np.abs(Y)),
    "sin": ("x", lambda: np.sin(X)),
    "cos": ("x", lambda: np.cos(X)),
    "tan": ("x", lambda: np.tan(X)),
    "asin": ("sin(x)", lambda: np.arcsin(np.sin(X))),
    "acos": ("sin(x)", lambda: np.arccos(np.sin(X))),
    "atan": ("x", lambda: np.arctan(X)),
    "atan2": ("x, y", lambda: np.arctan2(X, Y)),
    "sinh": ("x", lambda: np.sinh(X)),
    "cosh": ("x", lambda: np.cosh(X)),
    "tanh": ("x", lambda: np.tanh(X)),
    "asinh": ("x", lambda: np.arcsinh(X)),
    "acosh": ("cosh(x)", lambda: np.arccosh(np.cosh(X))),
    "atanh": ("sin(x)", lambda: np.arctanh(np.sin(X))),
    "abs": ("x", lambda: np.abs(X)),
    "floor": ("x", lambda: np.floor(X)),
    "ceil": ("x", lambda: np.ceil(X)),
    # Engines disagree on halves.
    "round": ("mul(y, 1.1)", lambda: np.rint(Y * 1.1)),
    "infinity": ("", lambda: np.full(len(X), INFINITY)),
    "nan": ("", lambda: np.full(len(X), NAN)),
    "to_float": ("n", lambda: N.astype(float)),
    "if": ("lt(x, y), x, y", lambda: np.where(X < Y, X, Y)),
}

INTEGERS: dict[str, tuple[str, Callable[..., Array]]] = {
    "idiv": ("n, m", lambda: np.trunc(N / M)),
    "least": ("n, m", lambda: np.minimum(N, M)),
    "mod": ("n, m", lambda: np.fmod(N, M)),
    "bit_and": ("n, m", lambda: N & M),
    "bit_or": ("n, m", lambda: N | M),
    "bit_xor": ("n, m", lambda: N ^ M),
    "shift_left": ("bit_and(n, 255), places", lambda: (N & 255) << PLACES),
    "shift_right": ("n, places", lambda: N >> PLACES),
    "to_int": ("x", lambda: np.trunc(X)),
    "long": ("mul(x, 1.0e15)", lambda: np.round(X * 1e15)),
    "to_long": ("mul(x, 1.0e15)", lambda: np.trunc(X * 1e15)),
    "truth": ("lt(x, y)", lambda: X < Y),
    "is_nan": ("x", lambda: np.isnan(X)),
    "eq": ("x, y", lambda: X == Y),
    "ne": ("x, y", lambda: X != Y),
    "lt": ("x, y", lambda: X < Y),
    "le": ("x, y", lambda: X <= Y),
    "gt": ("x, y", lambda: X > Y),
    "ge": ("x, y", lambda: X >= Y),
    "float_eq": ("x, y", lambda: X == Y),
    "float_ne": ("x, y", lambda: X != Y),
    "float_lt": ("x, y", lambda: X < Y),
    "float_le": ("x, y", lambda: X <= Y),
    "float_gt": ("x, y", lambda: X > Y),
    "float_ge": ("x, y", lambda: X >= Y),
    "and": ("lt(x, y), gt(n, m)", lambda: (X < Y) & (N > M)),
    "or": ("lt(x, y), gt(n, m)", lambda: (X < Y) | (N > M)),
    "not": ("lt(x, y)", lambda: ~(X < Y)),
}


def test_every_scalar_function_is_here():
    scalars = {*FUNCTIONS} - AGGREGATES - WINDOWS - VECTORS
    assert {*FLOATS, *INTEGERS, *TEXTS} == scalars


@pytest.mark.parametrize("function", FLOATS)
def test_floats(database: Database, function: str):
    arguments, expected = FLOATS[function]
    assert_values(values(database, typed(function, arguments)), expected())


@pytest.mark.parametrize("function", INTEGERS)
def test_integers(database: Database, function: str):
    arguments, expected = INTEGERS[function]
    actual = values(database, typed(function, arguments), "i64")
    np.testing.assert_array_equal(actual.astype(np.int64), expected().astype(np.int64))


def test_powers_of_ten_as_texts(database: Database):
    for expression, expected in (
        ("pow10(sub(places, 20))", 10.0 ** (PLACES - 20)),
        ("to_float(exponent10(abs(y)))", np.floor(np.log10(np.abs(Y)))),
    ):
        if "pow10" in database.target.spelling.functions:
            assert_values(values(database, expression), expected)
        else:
            with pytest.raises(TensorjoinError, match="has no spelling"):
                values(database, expression)


LARGE = np.array([2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63) + 1])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("n", LARGE),
        ("long(n)", LARGE),
        ("neg(n)", -LARGE),
        ("abs(n)", np.abs(LARGE)),
        ("add(idiv(n, 10), mod(n, 10))", [900719925474102, -900719925474102, 922337203685477587, -922337203685477587]),
        ("greatest(n, 1)", np.maximum(LARGE, 1)),
        ("least(n, 1)", np.minimum(LARGE, 1)),
        ("bit_xor(n, 1)", LARGE ^ 1),
        ("shift_right(n, 1)", LARGE >> 1),
        ("if(gt(n, 0), n, 0)", np.maximum(LARGE, 0)),
    ],
)  # fmt: skip
def test_integers_are_exact(database: Database, expression: str, expected: npt.ArrayLike):
    actual = values(database, expression, "i64", n=LARGE)
    np.testing.assert_array_equal(actual.astype(np.int64), expected)


@pytest.mark.parametrize("function", ["bit_and", "bit_or", "bit_xor"])
def test_bits_bind_as_they_nest(database: Database, function: str):
    expression = f"mul(2, sub({function}(add(n, 1), bit_xor(m, 3)), {function}(n, neg(m))))"
    numpy = {"bit_and": np.bitwise_and, "bit_or": np.bitwise_or, "bit_xor": np.bitwise_xor}
    expected = 2 * (numpy[function](N + 1, M ^ 3) - numpy[function](N, -M))
    np.testing.assert_array_equal(values(database, expression, "i64"), expected)


def test_negative_numbers_shift(database: Database):
    shifted = values(database, "shift_left(n, 3)", "i64")
    np.testing.assert_array_equal(shifted, N << 3)


def test_bits_that_are_shifted_out_are_lost(database: Database):
    n = np.array([2**62, -(2**63), 2**61 + 1])
    np.testing.assert_array_equal(values(database, "shift_left(n, 3)", "i64", n=n), n << 3)


@pytest.mark.parametrize(("function", "expected"), [("least", -(2**63)), ("greatest", 1)])
def test_extremes_with_the_lowest_integer(database: Database, function: str, expected: int):
    """It has no negative."""
    found = values(database, f"{function}(n, m)", "i64", n=[-(2**63)], m=[1])
    np.testing.assert_array_equal(found, [expected])


SPECIAL = np.array([-INFINITY, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, INFINITY, NAN])
UNARY = {
    "neg": np.negative,
    "exp": np.exp,
    "root": np.sqrt,
    "ln": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "abs": np.abs,
    "floor": np.floor,
    "ceil": np.ceil,
    "is_nan": np.isnan,
}


@pytest.mark.parametrize("function", UNARY)
def test_infinities_nan_and_what_is_outside_of_a_domain(database: Database, function: str):
    """The logarithm of 0 and of -1, the root of -1, the arc sine of 2, the sine of infinity."""
    with np.errstate(all="ignore"):
        expected = UNARY[function](SPECIAL)
    assert_values(values(database, f"to_float({typed(function, 'x')})", x=SPECIAL), expected)


BINARY = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "divide": np.divide,
    "atan2": np.arctan2,
    "greatest": np.maximum,
    "float_least": np.minimum,
    "float_eq": np.equal,
    "float_ne": np.not_equal,
    "float_lt": np.less,
    "float_le": np.less_equal,
    "float_gt": np.greater,
    "float_ge": np.greater_equal,
}


@pytest.mark.parametrize("function", BINARY)
def test_infinities_and_nan_meet(database: Database, function: str):
    """Among them division by zero: an infinity with the sign of what is divided, or NaN."""
    x, y = (axis.ravel() for axis in np.meshgrid(SPECIAL, SPECIAL))
    with np.errstate(all="ignore"):
        expected = BINARY[function](x, y)
    assert_values(values(database, f"to_float({typed(function, 'x, y')})", x=x, y=y), expected)


POWERS = {
    "of zero": [(0.0, 0.0, 1.0), (0.0, 2.0, 0.0), (0.0, -1.0, INFINITY), (0.0, -2.5, INFINITY)],
    "of negative numbers": [(-8.0, 3.0, -512.0), (-8.0, -1.0, -0.125), (-8.0, 0.0, 1.0)],
    "that are no numbers": [(-8.0, 1 / 3, NAN), (-8.0, 0.5, NAN), (NAN, 2.0, NAN), (2.0, NAN, NAN)],
    "of infinity": [(INFINITY, 2.0, INFINITY), (INFINITY, -2.0, 0.0), (-INFINITY, 3.0, -INFINITY)],
    "to infinity": [(2.0, INFINITY, INFINITY), (0.5, INFINITY, 0.0), (1.0, INFINITY, 1.0)],
    "that are 1 whatever the other": [(NAN, 0.0, 1.0), (1.0, NAN, 1.0)],
    "too large": [(10.0, 400.0, INFINITY), (-10.0, 401.0, -INFINITY)],
    "too small": [(10.0, -400.0, 0.0), (0.1, 400.0, 0.0)],
}


@pytest.mark.parametrize("powers", POWERS.values(), ids=POWERS)
def test_powers(database: Database, powers: list[tuple[float, float, float]]):
    """As the pow of IEEE 754 says, and numpy's does."""
    x, y, expected = zip(*powers, strict=True)
    assert_values(values(database, "pow(x, y)", x=x, y=y), expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("is_nan(root(x))", X < 0),
        ("not(is_nan(root(x)))", X >= 0),
        ("and(is_nan(root(x)), not(is_nan(ln(abs(x)))))", X < 0),
        ("eq(lt(x, 0.0), is_nan(root(x)))", X == X),
        ("eq(is_nan(root(x)), lt(x, 0.0))", X == X),
        ("ne(is_nan(root(x)), is_nan(root(y)))", (X < 0) != (Y < 0)),
        ("not(float_lt(root(x), 1.0))", ~(X < 1) | (X < 0)),
        ("eq(float_ge(root(x), 1.0), float_eq(x, y))", (X >= 1) == (X == Y)),
        ("or(float_ne(root(x), root(x)), lt(x, y))", (X < 0) | (X < Y)),
        ("and(float_le(x, y), float_gt(y, 0.0))", (X <= Y) & (Y > 0)),
    ],
)
def test_truths_bind_as_they_nest(database: Database, expression: str, expected: Array):
    np.testing.assert_array_equal(values(database, expression, "i1").astype(bool), expected)
    np.testing.assert_array_equal(values(database, f"truth({expression})", "i64"), expected)


def test_quotients_nest(database: Database):
    with np.errstate(all="ignore"):
        expected = 1 / (X / (Y - Y)) - X / (X / Y)
    expression = "sub(divide(1.0, divide(x, sub(y, y))), divide(x, divide(x, y)))"
    assert_values(values(database, expression), expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("divide(1.0, 0.0)", INFINITY),
        ("divide(-1.0, 0.0)", -INFINITY),
        ("divide(0.0, 0.0)", NAN),
        ("divide(1.0, 3.0)", 1 / 3),
        ("root(2.0)", np.sqrt(2)),
        ("root(-1.0)", NAN),
        ("ln(0.0)", -INFINITY),
        ("ln(-1.0)", NAN),
        ("pow(0.0, -1.0)", INFINITY),
        ("pow(2.0, 0.5)", np.sqrt(2)),
        ("asin(2.0)", NAN),
        ("neg(infinity())", -INFINITY),
        ("sub(infinity(), infinity())", NAN),
        ("mul(infinity(), 0.0)", NAN),
        ("add(nan(), 1.0)", NAN),
        ("if(is_nan(nan()), 1.0, 2.0)", 1.0),
    ],
)
def test_functions_of_literals(database: Database, expression: str, expected: float):
    """An engine may compute these when it plans, also in a branch that is not taken."""
    assert_values(values(database, expression), np.full(len(X), expected))


def test_special_values_are_stored(database: Database):
    """What goes into a table comes out of it."""
    assert_values(values(database, "x", x=SPECIAL), SPECIAL)
