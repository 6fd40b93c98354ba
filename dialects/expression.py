"""
Scalar expressions over the columns of a relation, shared by `rel` and `sql`.

An expression is an attribute: immutable, comparable, and rewritten by plain recursion. Its text is
a call: `mul(x, exp(neg(y)))`; `?layer` is a parameter, `x` a column, `a.x` column x of source a.

One file, though a long one: the attributes are verified and printed by the functions below them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from xdsl.dialects.builtin import (
    ArrayAttr,
    FloatData,
    IntAttr,
    IntegerType,
    StringAttr,
    VectorType,
    f16,
    f32,
    f64,
    i1,
    i32,
    i64,
)
from xdsl.ir import Attribute, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa


@irdl_attr_definition
class ColumnRefAttr(ParametrizedAttribute):
    """The value of a column: `x`, or `a.x` where several sources are in scope."""

    name = "rel.ref"

    column: StringAttr

    def __init__(self, column: str):
        super().__init__(StringAttr(column))


@irdl_attr_definition
class ParameterAttr(ParametrizedAttribute):
    """An integer or float bound when the statement runs: a loop's counter, a temperature."""

    name = "rel.parameter"

    parameter: StringAttr
    is_float: IntAttr

    def __init__(self, parameter: str, is_float: bool = False):
        super().__init__(StringAttr(parameter), IntAttr(int(is_float)))


@irdl_attr_definition
class LiteralAttr(ParametrizedAttribute):
    """An integer or a float."""

    name = "rel.literal"

    value: IntAttr | FloatData

    def __init__(self, value: int | float):
        super().__init__(IntAttr(value) if isinstance(value, int) else FloatData(value))

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            value = parser.parse_number()
        return (IntAttr(value) if isinstance(value, int) else FloatData(value),)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(literal_text(self.value.data))


@irdl_attr_definition
class CallAttr(ParametrizedAttribute):
    """A function of expressions; `FUNCTIONS` lists those that exist."""

    name = "rel.call"

    function: StringAttr
    arguments: ArrayAttr[Attribute]

    def __init__(self, function: str, *arguments: Attribute):
        super().__init__(StringAttr(function), ArrayAttr(arguments))

    def verify(self) -> None:
        if self.function.data not in FUNCTIONS:
            raise VerifyException(f"unknown function {self.function.data!r}")
        arity, _ = FUNCTIONS[self.function.data]
        if arity != len(self.arguments):
            raise VerifyException(
                f"{self.function.data} takes {arity} arguments, not {len(self.arguments)}"
            )


ExpressionAttr: TypeAlias = ColumnRefAttr | ParameterAttr | LiteralAttr | CallAttr


def _promote(*types: Attribute) -> Attribute:
    for candidate in (f64, f32, i64, i32):
        if candidate in types:
            return candidate
    raise VerifyException(f"arithmetic needs numbers, not {', '.join(map(str, types))}")


def _number(*types: Attribute) -> Attribute:
    return _promote(*types) if isinstance(_promote(*types), IntegerType) else f64


def _float(*types: Attribute) -> Attribute:
    _promote(*types)
    return f64


def _integral(*types: Attribute) -> Attribute:
    return f32 if _promote(*types) == f32 else f64


def _quotient(*types: Attribute) -> Attribute:
    # Engines differ in what they make of 1 / 2.
    if isinstance(_promote(*types), IntegerType):
        raise VerifyException("div needs a float: use idiv, or to_float")
    return _float(*types)


def _accumulator(*types: Attribute) -> Attribute:
    return i64 if isinstance(_promote(*types), IntegerType) else f64


def _boolean(*types: Attribute) -> Attribute:
    return i1


def _either(condition: Attribute, *types: Attribute) -> Attribute:
    return types[0] if types[0] == types[1] else _promote(*types)


def _dot(*types: Attribute) -> Attribute:
    if not isa(types[0], VectorType) or types[0] != types[1]:
        raise VerifyException(f"dot needs two vectors of one type, not {types[0]} and {types[1]}")
    return _computed(types[0].get_element_type())


def _element(*types: Attribute) -> Attribute:
    if not isa(types[0], VectorType):
        raise VerifyException(f"element needs a vector, not {types[0]}")
    return _computed(types[0].get_element_type())


def _computed(element: Attribute) -> Attribute:
    """The type of what is computed from elements of a vector: none of it has 16 bits."""
    return f32 if element == f16 else element


def _norm(*types: Attribute) -> Attribute:
    _of_singles("norm", types[0])
    return f64


def _unit_half(*types: Attribute) -> Attribute:
    return VectorType(f16, _of_singles("unit_half", types[0]).get_shape())


def _of_singles(function: str, vector: Attribute) -> VectorType:
    if not isa(vector, VectorType) or vector.get_element_type() != f32:
        raise VerifyException(f"{function} needs a vector of f32, not {vector}")
    return vector


def _slice(*types: Attribute) -> Attribute:
    if not isa(types[0], VectorType):
        raise VerifyException(f"slice needs a vector, not {types[0]}")
    return types[0].get_element_type()


def _packed(*types: Attribute) -> Attribute:
    return i64 if isinstance(element_type(types[0]), IntegerType) else f32


def _same(*types: Attribute) -> Attribute:
    return types[0]


FUNCTIONS: Mapping[str, tuple[int, Callable[..., Attribute]]] = {
    "add": (2, _number),
    "sub": (2, _number),
    "mul": (2, _number),
    "div": (2, _quotient),
    "idiv": (2, _promote),
    "mod": (2, _promote),
    "neg": (1, _promote),
    "divide": (2, _quotient),
    "greatest": (2, _promote),
    "least": (2, _promote),
    "exp": (1, _float),
    "sqrt": (1, _float),
    "root": (1, _float),
    "ln": (1, _float),
    "pow": (2, _float),
    "sin": (1, _float),
    "cos": (1, _float),
    "tan": (1, _float),
    "asin": (1, _float),
    "acos": (1, _float),
    "atan": (1, _float),
    "atan2": (2, _float),
    "sinh": (1, _float),
    "cosh": (1, _float),
    "tanh": (1, _float),
    "asinh": (1, _float),
    "acosh": (1, _float),
    "atanh": (1, _float),
    "abs": (1, _promote),
    "floor": (1, _integral),
    "ceil": (1, _integral),
    "round": (1, _integral),
    "infinity": (0, lambda: f64),
    "nan": (0, lambda: f64),
    "is_nan": (1, _boolean),
    "bit_and": (2, _promote),
    "bit_or": (2, _promote),
    "bit_xor": (2, _promote),
    "shift_left": (2, _promote),
    "shift_right": (2, _promote),
    "pow10": (1, _float),
    "exponent10": (1, lambda *_: i32),
    "to_int": (1, lambda *_: i32),
    "to_long": (1, lambda *_: i64),
    "long": (1, lambda *_: i64),
    "to_float": (1, lambda *_: f64),
    "truth": (1, lambda *_: i64),
    "eq": (2, _boolean),
    "ne": (2, _boolean),
    "lt": (2, _boolean),
    "le": (2, _boolean),
    "gt": (2, _boolean),
    "ge": (2, _boolean),
    "float_least": (2, _promote),
    "float_eq": (2, _boolean),
    "float_ne": (2, _boolean),
    "float_lt": (2, _boolean),
    "float_le": (2, _boolean),
    "float_gt": (2, _boolean),
    "float_ge": (2, _boolean),
    "and": (2, _boolean),
    "or": (2, _boolean),
    "not": (1, _boolean),
    "if": (3, _either),
    "dot": (2, _dot),
    "element": (2, _element),
    "slice": (3, _slice),
    "norm": (1, _norm),
    "unit_half": (1, _unit_half),
    # aggregates
    "sum": (1, _accumulator),
    "max": (1, _same),
    "min": (1, _same),
    "count": (1, lambda *_: i64),
    "pack": (3, _packed),
    "pack_sparse": (3, _packed),
    "pack_double": (3, lambda *_: f64),
    # window functions
    "row_number": (0, lambda *_: i64),
    "running_sum": (1, _accumulator),
    "partition_sum": (1, _accumulator),
    "partition_max": (1, _same),
    "partition_min": (1, _same),
}
"""
Each function's arity and the rule for its result type.

`div` and `sqrt` take what has a finite result; `divide`, `root` and the functions after it follow
IEEE 754, with infinities and NaN, and so do the comparisons `float_eq` to `float_ge`. `norm` is
Euclidean; `unit_half` is a vector divided by it, unless it is 0, and rounded to 16 bits.
"""

DEEPEST = 100
"""How deep passes may nest calls: what handles expressions, here and in printers, recurses."""

PACKS = frozenset({"pack", "pack_sparse", "pack_double"})
"""
Values gathered into a vector by their slots, or shorter vectors by their places, one after the
other as far as it reaches; `pack` and `pack_double` promise that only the last are missing.
"""

AGGREGATES = frozenset({"sum", "max", "min", "count"}) | PACKS
PARTITION_AGGREGATES = frozenset({"partition_sum", "partition_max", "partition_min"})
"""What `sum`, `max` and `min` are of a group, on each of its rows, whatever their order."""
WINDOWS = frozenset({"row_number", "running_sum"}) | PARTITION_AGGREGATES


# Attributes are immutable, and to verify one takes longer than to find it: a query of whole rows
# names a thousand columns.
@lru_cache(maxsize=1 << 16)
def col(name: str) -> ColumnRefAttr:
    return ColumnRefAttr(name)


def lit(value: int | float) -> LiteralAttr:
    return LiteralAttr(value)


def call(function: str, *arguments: Attribute) -> CallAttr:
    return CallAttr(function, *arguments)


def expression_type(expression: Attribute, columns: Mapping[str, Attribute]) -> Attribute:
    """The type of `expression` where `columns` gives each column's type."""
    match expression:
        case ColumnRefAttr():
            if expression.column.data not in columns:
                raise VerifyException(
                    f"no column {expression.column.data!r} among {', '.join(columns) or 'none'}"
                )
            return columns[expression.column.data]
        case ParameterAttr():
            return f64 if expression.is_float.data else i32
        case LiteralAttr():
            return i32 if isinstance(expression.value, IntAttr) else f64
        case CallAttr():
            types = [expression_type(argument, columns) for argument in expression.arguments]
            name = expression.function.data
            made = FUNCTIONS[name][1](*types)
            if name in PACKS or name == "slice":
                return VectorType(made, [literal_size(name, expression.arguments.data[2])])
            return made
        case _:
            raise VerifyException(f"not an expression: {expression}")


def element_type(type: Attribute) -> Attribute:
    """The type of a vector's elements; that of a number is its own."""
    return type.get_element_type() if isa(type, VectorType) else type


def literal_size(function: str, size: Attribute) -> int:
    """The elements of the vector that a function makes, which is part of its type."""
    if not isinstance(size, LiteralAttr) or not isinstance(size.value, IntAttr):
        raise VerifyException(f"{function} needs a literal size")
    return size.value.data


def substitute(expression: Attribute, columns: Mapping[str, Attribute]) -> Attribute:
    """`expression` with each column that `columns` names replaced by an expression."""
    match expression:
        case ColumnRefAttr():
            return columns.get(expression.column.data, expression)
        case CallAttr():
            arguments = [substitute(argument, columns) for argument in expression.arguments]
            return CallAttr(expression.function.data, *arguments)
        case _:
            return expression


def walk(expression: Attribute) -> Iterator[Attribute]:
    """`expression` and all that it contains, outermost first."""
    yield expression
    if isinstance(expression, CallAttr):
        for argument in expression.arguments:
            yield from walk(argument)


def columns_of(expression: Attribute) -> list[str]:
    """The columns that `expression` reads, once for each time it does."""
    return [e.column.data for e in walk(expression) if isinstance(e, ColumnRefAttr)]


def reads_many(expression: Attribute, most: int) -> bool:
    """Whether an expression is made of more than so many numbers: it is carried in their place."""
    return calls(expression, frozenset({"dot"})) or len(set(columns_of(expression))) > most


def calls(expression: Attribute, functions: frozenset[str]) -> bool:
    """Whether `expression` calls one of `functions`."""
    return any(isinstance(e, CallAttr) and e.function.data in functions for e in walk(expression))


def depth(expression: Attribute) -> int:
    """How deep calls are nested; 1 for a column or a literal."""
    deepest, level = 0, [expression]
    while level:
        deepest += 1
        level = [a for e in level if isinstance(e, CallAttr) for a in e.arguments]
    return deepest


def nesting(expression: Attribute) -> int:
    """
    How deep a parser nests an expression: as `depth`, but for a sum of sums, which is read from the
    left: a + b + c is nested as a + b.
    """
    if not isinstance(expression, CallAttr):
        return 1
    inner = [nesting(argument) for argument in expression.arguments]
    if is_sum(expression) and is_sum(expression.arguments.data[0]):
        inner[0] -= 1
    return 1 + max(inner, default=0)


def is_sum(expression: Attribute) -> bool:
    return isinstance(expression, CallAttr) and expression.function.data == "add"


def conjuncts(expression: Attribute) -> list[Attribute]:
    """a and b and c -> [a, b, c]"""
    if isinstance(expression, CallAttr) and expression.function.data == "and":
        return [c for argument in expression.arguments for c in conjuncts(argument)]
    return [expression]


def parse_expression(parser: AttrParser) -> ExpressionAttr:
    if parser.parse_optional_punctuation("?") is not None:
        name = parser.parse_identifier()
        return ParameterAttr(name, parser.parse_optional_keyword("float") is not None)
    negative = parser.parse_optional_punctuation("-") is not None
    if (number := parser.parse_optional_number()) is not None:
        return LiteralAttr(-number if negative else number)
    if negative:
        parser.raise_error("expected a number")
    name = parser.parse_identifier()
    arguments = parser.parse_optional_comma_separated_list(
        parser.Delimiter.PAREN, lambda: parse_expression(parser)
    )
    return ColumnRefAttr(name) if arguments is None else CallAttr(name, *arguments)


def print_expression(printer: Printer, expression: Attribute) -> None:
    match expression:
        case ColumnRefAttr():
            printer.print_string(expression.column.data)
        case ParameterAttr():
            printer.print_string(f"?{expression.parameter.data}")
            if expression.is_float.data:
                printer.print_string(" float")
        case LiteralAttr():
            printer.print_string(literal_text(expression.value.data))
        case CallAttr():
            printer.print_string(expression.function.data)
            with printer.in_parens():
                printer.print_list(
                    expression.arguments, lambda argument: print_expression(printer, argument)
                )
        case _:
            printer.print_attribute(expression)


def literal_text(value: int | float) -> str:
    """The shortest text that reads back as `value`; a float always has a point."""
    text = repr(value)
    if isinstance(value, float) and "." not in text:
        text = text.replace("e", ".0e")
    return text
