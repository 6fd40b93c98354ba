"""How PostgreSQL with pgvector writes vectors."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlglot import exp

from tensorjoin.backends.functions import Function, binary, case, cast, function, integer
from tensorjoin.backends.postgres.spelling import POSTGRES_FUNCTIONS
from tensorjoin.backends.postgres.spelling import SPELLING as POSTGRES
from tensorjoin.backends.spelling import TableDefinition

DOUBLE = "DOUBLE PRECISION"
LARGEST_ROW = 8160
"""The most that PostgreSQL takes for its `toast_tuple_target`, in bytes."""


def vector_type(size: int) -> exp.DataType:
    return exp.DataType.build(f"vector({size})", dialect="postgres", udt=True)


def half_type(size: int | None = None) -> exp.DataType:
    return exp.DataType(
        this=exp.DType.USERDEFINED,
        kind=exp.to_identifier("halfvec", quoted=True),
        expressions=[] if size is None else [exp.DataTypeParam(this=integer(size))],
    )


def table_properties(table: TableDefinition) -> list[exp.Expr]:
    """Vectors stay in their rows while a page of 8 kB holds one: elsewhere each is looked up."""
    if not table.has_vectors:
        return []
    target = exp.Var(this="toast_tuple_target")
    return [exp.Property(this=target, value=exp.Literal.number(LARGEST_ROW))]


def as_vector(array: exp.Expr, size: exp.Expr) -> exp.Expr:
    return exp.Cast(this=array, to=vector_type(int(size.name)))


def vector(elements: Sequence[exp.Expr]) -> exp.Expr:
    return exp.Cast(this=exp.Array(expressions=elements), to=vector_type(len(elements)))


def reals(vector: exp.Expr) -> exp.Expr:
    return exp.Cast(this=vector, to=exp.DataType.build("REAL[]", dialect="postgres"))


def pack(value: exp.Expr, slot: exp.Expr, size: exp.Expr) -> exp.Expr:
    """
    The values in the order of their slots; what is missing at the end is zero. The vector rounds
    them: a cast to single precision is an error where the result would be zero.
    """
    ordered = exp.Order(this=cast(DOUBLE)(value), expressions=[exp.Ordered(this=slot)])
    missing = binary(exp.Sub)(size.copy(), cast("INT")(exp.Count(this=exp.Star())))
    zeros = function("ARRAY_FILL")(cast(DOUBLE)(integer(0)), exp.Array(expressions=[missing]))
    filled = function("ARRAY_CAT")(function("ARRAY_AGG")(ordered), zeros)
    return as_vector(filled, size)


def pack_sparse(value: exp.Expr, slot: exp.Expr, size: exp.Expr) -> exp.Expr:
    """The value of each slot, zero where it is missing."""
    elements = [
        function("SUM")(case(binary(exp.EQ)(slot.copy(), integer(k)), value.copy(), integer(0)))
        for k in range(int(size.name))
    ]
    return as_vector(exp.Array(expressions=elements), size)


def element(vector: exp.Expr, index: exp.Expr) -> exp.Expr:
    """An element by its index from 0; arrays count from 1."""
    place = binary(exp.Add)(index, integer(1))
    return exp.Bracket(this=exp.Paren(this=reals(vector)), expressions=[place])


def slice_vector(vector: exp.Expr, start: exp.Expr, size: exp.Expr) -> exp.Expr:
    """Elements from `start`, which counts from 0; vectors count from 1."""
    first = integer(int(start.name) + 1)
    return as_vector(function("SUBVECTOR")(vector, first, size), size)


def unit_half(vector: exp.Expr) -> exp.Expr:
    return exp.Cast(this=function("L2_NORMALIZE")(vector), to=half_type())


PGVECTOR_FUNCTIONS: Mapping[str, Function] = {
    **POSTGRES_FUNCTIONS,
    "dot": function("INNER_PRODUCT"),
    "element": element,
    "slice": slice_vector,
    "norm": function("VECTOR_NORM"),
    "unit_half": unit_half,
    "pack": pack,
    "pack_sparse": pack_sparse,
}

SPELLING = replace(
    POSTGRES,
    functions=PGVECTOR_FUNCTIONS,
    vector_type=vector_type,
    half_type=half_type,
    vector=vector,
    table_properties=table_properties,
)
