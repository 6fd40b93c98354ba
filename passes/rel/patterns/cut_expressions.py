"""Expressions over vectors -> the same over the columns that they are cut into."""

from collections.abc import Callable, Mapping, Sequence

from xdsl.dialects.builtin import IntAttr
from xdsl.ir import Attribute

from tensorjoin.dialects.expression import CallAttr, ColumnRefAttr, LiteralAttr, call, col, lit
from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.rel.patterns.cuts import Cut


def balanced(join: Callable[[int, Attribute, Attribute], Attribute], items: Sequence[Attribute]):
    """Fold items by a tree of logarithmic depth; `join` also gets the index where it splits."""

    def fold(start: int, end: int) -> Attribute:
        if end - start == 1:
            return items[start]
        middle = (start + end) // 2
        return join(middle, fold(start, middle), fold(middle, end))

    return fold(0, len(items))


def column(name: str, index: int) -> str:
    return f"{name}_{index}"


def columns(name: str, cut: Cut) -> list[Attribute]:
    """The columns that take the place of a vector."""
    return [col(column(name, k)) for k in range(cut.columns)]


def elements(
    values: Sequence[Attribute], slot: Attribute, size: int, zero: Attribute
) -> list[Attribute]:
    """The elements of a packed vector, each an aggregate; a row has several that follow."""
    places = (divmod(k, len(values)) for k in range(size))
    here = [call("if", call("eq", slot, lit(row)), values[k], zero) for row, k in places]
    return [call("sum", element) for element in here]


def slices(vector: Attribute, cut: Cut) -> list[Attribute]:
    """A whole vector, cut."""
    return [call("slice", vector, lit(k * cut.vector), lit(cut.vector)) for k in range(cut.columns)]


def cut_of(vector: Attribute, cuts: Mapping[str, Cut]) -> Cut | None:
    """How a vector that an expression reads is cut; None if it is not."""
    if isinstance(vector, ColumnRefAttr):
        return cuts.get(vector.column.data)
    if isinstance(vector, CallAttr) and vector.function.data == "slice":
        return cut_of(vector.arguments.data[0], cuts)
    if cuts:
        raise TensorjoinError(f"no columns for the vector {vector}")
    return None


def expand(expression: Attribute, cuts: Mapping[str, Cut]) -> Attribute:
    """dot(x, w) -> x_0 * w_0 + x_1 * w_1 + ...; element(v, k) -> one of v_0, v_1, ..."""
    match expression:
        case CallAttr(function=function, arguments=arguments) if function.data in (
            "dot",
            "element",
        ) and (cut := cut_of(arguments.data[0], cuts)):
            vector, other = arguments
            return (dot if function.data == "dot" else element)(vector, other, cut)
        case CallAttr(function=function):
            return call(
                function.data, *(expand(argument, cuts) for argument in expression.arguments)
            )
        case _:
            return expression


def dot(x: Attribute, y: Attribute, cut: Cut) -> Attribute:
    """The sum of the products of columns, or of their dot products, in double precision."""
    pairs = zip(columns_of(x, cut), columns_of(y, cut), strict=True)
    if cut.vector:
        products = [call("to_float", call("dot", *pair)) for pair in pairs]
    else:
        products = [call("mul", *pair) for pair in pairs]
    return balanced(lambda _, a, b: call("add", a, b), products)


def columns_of(vector: Attribute, cut: Cut) -> list[Attribute]:
    """The columns that hold a vector, or the slice of one which is cut into numbers."""
    if isinstance(vector, ColumnRefAttr):
        return columns(vector.column.data, cut)
    assert isinstance(vector, CallAttr)
    whole, *bounds = vector.arguments
    start, size = map(literal, bounds)
    if cut.vector:
        raise TensorjoinError(f"no columns for the vector {vector}")
    return columns_of(whole, cut)[start : start + size]


def literal(number: Attribute) -> int:
    if not isinstance(number, LiteralAttr) or not isinstance(number.value, IntAttr):
        raise TensorjoinError(f"no columns for the slice at {number}, which is not known before")
    return number.value.data


def element(vector: Attribute, index: Attribute, cut: Cut) -> Attribute:
    """The column that holds an element, and the element within it."""
    held = columns_of(vector, cut)
    if isinstance(index, LiteralAttr) and isinstance(index.value, IntAttr):
        number, place = divmod(index.value.data, cut.length)
        return call("element", held[number], lit(place)) if cut.vector else held[number]
    if cut.vector:
        held = [call("element", each, call("mod", index, lit(cut.vector))) for each in held]

    def choose(middle: int, below: Attribute, above: Attribute) -> Attribute:
        return call("if", call("lt", index, lit(middle * cut.length)), below, above)

    return balanced(choose, held)
