"""How DuckDB writes what it does not write as the others do."""

from collections.abc import Mapping, Sequence

from sqlglot import exp

from tensorjoin.backends.functions import (
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
from tensorjoin.backends.spelling import Spelling


def list_type(size: int) -> exp.DataType:
    return exp.DataType.build("FLOAT[]", dialect="duckdb")


def doubles_type(size: int) -> exp.DataType:
    return exp.DataType.build("DOUBLE[]", dialect="duckdb")


def floats(elements: Sequence[exp.Expr]) -> exp.Expr:
    return exp.Cast(this=function("LIST_VALUE")(*elements), to=list_type(len(elements)))


def pack_as(kind: str) -> Function:
    """The values in the order of their slots; what is missing at the end is zero."""

    def pack(value: exp.Expr, slot: exp.Expr, size: exp.Expr) -> exp.Expr:
        ordered = exp.Order(this=cast(kind)(value), expressions=[exp.Ordered(this=slot)])
        return function("LIST_RESIZE")(function("LIST")(ordered), size, cast(kind)(integer(0)))

    return pack


def pack_sparse(value: exp.Expr, slot: exp.Expr, size: exp.Expr) -> exp.Expr:
    """The value of each slot, zero where it is missing."""
    elements = [
        function("SUM")(case(binary(exp.EQ)(slot.copy(), integer(k)), value.copy(), integer(0)))
        for k in range(int(size.name))
    ]
    return floats(elements)


def shift_left(x: exp.Expr, places: exp.Expr) -> exp.Expr:
    """In 128 bits, of which 64 are kept: DuckDB shifts no negative number, and no bit out."""
    huge = cast("INT128")
    times, plus, minus, rest = (binary(op) for op in (exp.Mul, exp.Add, exp.Sub, exp.Mod))
    shifted = times(huge(x), bits(exp.BitwiseLeftShift)(huge(integer(1)), places))
    wrapped = rest(plus(rest(shifted, integer(1 << 64)), integer(3 << 63)), integer(1 << 64))
    return cast("BIGINT")(minus(wrapped, integer(1 << 63)))


def element(vector: exp.Expr, index: exp.Expr) -> exp.Expr:
    """An element by its index from 0; lists count from 1."""
    return function("LIST_EXTRACT")(vector, binary(exp.Add)(index, integer(1)))


def slice_vector(vector: exp.Expr, start: exp.Expr, size: exp.Expr) -> exp.Expr:
    """Elements from `start`, which counts from 0; lists count from 1, and include the last."""
    first, last = int(start.name) + 1, int(start.name) + int(size.name)
    return exp.Bracket(
        this=vector, expressions=[exp.Slice(this=integer(first), expression=integer(last))]
    )


DUCKDB_FUNCTIONS: Mapping[str, Function] = {
    **FUNCTIONS,
    **float_comparisons(function("ISNAN")),
    "idiv": binary(exp.IntDiv),
    "shift_left": shift_left,
    "to_int": truncation("INT"),
    "to_long": truncation("BIGINT"),
    "dot": function("LIST_DOT_PRODUCT"),
    "element": element,
    "slice": slice_vector,
    "pack": pack_as("FLOAT"),
    "pack_double": pack_as("DOUBLE"),
    "pack_sparse": pack_sparse,
}

SPELLING = Spelling(
    "duckdb",
    DUCKDB_FUNCTIONS,
    primary_keys=False,
    pads_row_groups=True,
    marks_materialized=True,
    vector_type=list_type,
    double_type=doubles_type,
    vector=floats,
    series=lambda count: function("RANGE")(integer(0), integer(count)),
)
