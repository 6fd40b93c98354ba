"""Scalar expressions of `rel` and `sql`, computed by numpy on all rows at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from xdsl.ir import Attribute
from xdsl.utils.exceptions import InterpretationError

from tensorjoin.dialects.expression import (
    CallAttr,
    ColumnRefAttr,
    LiteralAttr,
    ParameterAttr,
)
from tensorjoin.interpreter.relations import Relation
from tensorjoin.interpreter.scalars import Array, divide_integers, truncated, widened

Parameters: TypeAlias = Mapping[str, int | float]


def power_of_ten(x: Array) -> Array:
    return np.power(10.0, x)


def exponent_of_ten(x: Array) -> Array:
    """The exponent of x in scientific form: of 0.012 it is -2."""
    return np.floor(np.log10(x)).astype(np.int64)


def dot(x: Array, y: Array) -> Array:
    return np.sum(x * y, axis=1)


def element(vector: Array, index: Array) -> Array:
    return vector[np.arange(len(vector)), index]


def slice_vector(vector: Array, start: int, size: int) -> Array:
    return vector[:, start : start + size]


def norm(vectors: Array) -> Array:
    """[rows, size] -> [rows], of elements in single precision."""
    return np.linalg.norm(widened(vectors.astype(np.float32)), axis=1)


def unit_half(vectors: Array) -> Array:
    """[rows, size], each divided by its norm, in half precision."""
    norms = norm(vectors)[:, None]
    units = vectors.astype(np.float32) / np.where(norms == 0, 1, norms)
    return widened(units.astype(np.float32).astype(np.float16))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.true_divide,
    "idiv": divide_integers,
    "mod": np.fmod,
    "neg": np.negative,
    "greatest": np.maximum,
    "least": np.minimum,
    "exp": np.exp,
    "round": np.rint,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "abs": np.abs,
    "pow10": power_of_ten,
    "exponent10": exponent_of_ten,
    "to_int": truncated,
    "to_float": np.float64,
    "to_long": truncated,
    "long": np.int64,
    "truth": np.int64,
    "divide": np.true_divide,
    "root": np.sqrt,
    "ln": np.log,
    "pow": np.power,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "floor": np.floor,
    "ceil": np.ceil,
    "infinity": lambda: np.float64(np.inf),
    "nan": lambda: np.float64(np.nan),
    "is_nan": np.isnan,
    "bit_and": np.bitwise_and,
    "bit_or": np.bitwise_or,
    "bit_xor": np.bitwise_xor,
    "shift_left": np.left_shift,
    "shift_right": np.right_shift,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "float_least": np.minimum,
    "float_eq": np.equal,
    "float_ne": np.not_equal,
    "float_lt": np.less,
    "float_le": np.less_equal,
    "float_gt": np.greater,
    "float_ge": np.greater_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "if": np.where,
    "dot": dot,
    "element": element,
    "slice": slice_vector,
    "norm": norm,
    "unit_half": unit_half,
}
"""What computes each function that takes one row at a time, on all rows at once."""


@dataclass
class Expressions:
    """Evaluates expressions over the rows of a relation; `special` handles aggregates, windows."""

    columns: Relation
    count: int
    parameters: Parameters
    special: Callable[[CallAttr], Array | None] | None = None

    def column(self, expression: Attribute) -> Array:
        """The value on each row."""
        value = np.asarray(self.value(expression))
        return np.full(self.count, value) if value.ndim == 0 else value

    def value(self, expression: Attribute) -> Any:
        match expression:
            case ColumnRefAttr():
                return self.columns[expression.column.data]
            case ParameterAttr():
                return widened(self.parameters[expression.parameter.data])
            case LiteralAttr():
                return widened(expression.value.data)
            case CallAttr():
                if self.special and (found := self.special(expression)) is not None:
                    return found
                arguments = [self.value(argument) for argument in expression.arguments]
                function = expression.function.data
                if function not in FUNCTIONS:
                    raise InterpretationError(f"{function} is not a function of one row")
                if function == "element":
                    arguments[1] = self.column(expression.arguments.data[1])
                with np.errstate(all="ignore"):
                    return FUNCTIONS[function](*arguments)
            case _:
                raise InterpretationError(f"not an expression: {expression}")
