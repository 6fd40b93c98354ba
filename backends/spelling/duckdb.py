"""How DuckDB writes what it does not write as the others do."""

from collections.abc import Mapping

from sqlglot import exp

from tensorjoin.backends.spelling.functions import (
    FUNCTIONS,
    Function,
    binary,
    bits,
    case,
    cast,
    float_comparisons,
    function,
    integer,
    truncation,
)


def pack(value: exp.Expr, slot: exp.Expr, size: exp.Expr) -> exp.Expr:
    """The values in the order of their slots; what is missing at the end is zero."""
    ordered = exp.Order(this=cast("FLOAT")(value), expressions=[exp.Ordered(this=slot)])
    return function("LIST_RESIZE")(function("LIST")(ordered), size, cast("FLOAT")(integer(0)))


def pack_sparse(value: exp.Expr, slot: exp.Expr, size: exp.Expr) -> exp.Expr:
    """The value of each slot, zero where it is missing."""
    elements = [
        function("SUM")(case(binary(exp.EQ)(slot.copy(), integer(k)), value.copy(), integer(0)))
        for k in range(int(size.name))
    ]
    floats = exp.DataType.build("FLOAT[]", dialect="duckdb")
    return exp.Cast(this=function("LIST_VALUE")(*elements), to=floats)


def shift_left(x: exp.Expr, places: exp.Expr) -> exp.Expr:
    """A product: DuckDB shifts no negative number."""
    one = cast("BIGINT")(integer(1))
    return binary(exp.Mul)(x, bits(exp.BitwiseLeftShift)(one, places))


def element(vector: exp.Expr, index: exp.Expr) -> exp.Expr:
    """An element by its index from 0; lists count from 1."""
    return function("LIST_EXTRACT")(vector, binary(exp.Add)(index, integer(1)))


DUCKDB_FUNCTIONS: Mapping[str, Function] = {
    **FUNCTIONS,
    **float_comparisons(function("ISNAN")),
    "idiv": binary(exp.IntDiv),
    "shift_left": shift_left,
    "to_int": truncation("INT"),
    "to_long": truncation("BIGINT"),
    "dot": function("LIST_DOT_PRODUCT"),
    "element": element,
    "pack": pack,
    "pack_sparse": pack_sparse,
}
