"""The scalar functions of `arith` and `math`, computed by numpy on all elements at once."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, i1
from xdsl.ir import Attribute, Operation
from xdsl.utils.exceptions import InterpretationError

Array: TypeAlias = npt.NDArray[Any]


def widened(array: npt.ArrayLike) -> Array:
    """Floats, half ones too, as float64, integers as int64, booleans as they are; masks stay."""
    values = np.asanyarray(array)
    if values.dtype == np.bool_:
        return values
    return values.astype(np.int64 if np.issubdtype(values.dtype, np.integer) else np.float64)


def divide_integers(x: Array, y: Array) -> Array:
    return (np.sign(x) * np.sign(y) * (np.abs(x) // np.abs(y))).astype(np.int64)


def truncated(x: Array) -> Array:
    return np.trunc(x).astype(np.int64)


def inverse_root(x: Array) -> Array:
    return 1.0 / np.sqrt(x)


SCALARS: Mapping[type[Operation], Callable[..., Any]] = {
    arith.AddfOp: np.add,
    arith.SubfOp: np.subtract,
    arith.MulfOp: np.multiply,
    arith.DivfOp: np.divide,
    arith.NegfOp: np.negative,
    arith.MaximumfOp: np.maximum,
    arith.MinimumfOp: np.minimum,
    arith.MaxnumfOp: np.fmax,
    arith.MinnumfOp: np.fmin,
    arith.AddiOp: np.add,
    arith.SubiOp: np.subtract,
    arith.MuliOp: np.multiply,
    arith.DivSIOp: divide_integers,
    arith.RemSIOp: np.fmod,
    arith.MaxSIOp: np.maximum,
    arith.MinSIOp: np.minimum,
    arith.AndIOp: np.bitwise_and,
    arith.OrIOp: np.bitwise_or,
    arith.XOrIOp: np.bitwise_xor,
    arith.ShLIOp: np.left_shift,
    arith.ShRSIOp: np.right_shift,
    arith.ExtUIOp: np.int64,
    arith.SelectOp: np.where,
    arith.SIToFPOp: np.float64,
    arith.FPToSIOp: truncated,
    arith.ExtFOp: np.positive,
    arith.TruncFOp: np.positive,
    math.AbsFOp: np.abs,
    math.AbsIOp: np.abs,
    math.AcosOp: np.arccos,
    math.AcoshOp: np.arccosh,
    math.AsinOp: np.arcsin,
    math.AsinhOp: np.arcsinh,
    math.AtanOp: np.arctan,
    math.Atan2Op: np.arctan2,
    math.AtanhOp: np.arctanh,
    math.CeilOp: np.ceil,
    math.CosOp: np.cos,
    math.CoshOp: np.cosh,
    math.ExpOp: np.exp,
    math.ExpM1Op: np.expm1,
    math.FloorOp: np.floor,
    math.LogOp: np.log,
    math.Log1pOp: np.log1p,
    math.PowFOp: np.power,
    math.RoundEvenOp: np.rint,
    math.RsqrtOp: inverse_root,
    math.SinOp: np.sin,
    math.SinhOp: np.sinh,
    math.SqrtOp: np.sqrt,
    math.TanOp: np.tan,
    math.TanhOp: np.tanh,
}
"""What computes each operation on all elements at once."""
INTEGER_PREDICATES = (
    *(np.equal, np.not_equal),
    *(np.less, np.less_equal, np.greater, np.greater_equal) * 2,
)
"""By their numbers in `arith`, signed before unsigned."""
UNSIGNED = range(6, 10)
FLOAT_PREDICATES = (np.equal, np.greater, np.greater_equal, np.less, np.less_equal, np.not_equal)
"""By their numbers in `arith`: the ordered ones from 1 on, the unordered ones from 8 on."""


def compare_integers(predicate: int, x: Array, y: Array) -> Array:
    if predicate in UNSIGNED:
        x, y = (np.asarray(side).astype(np.uint64) for side in (x, y))
    return INTEGER_PREDICATES[predicate](x, y)


def compare_floats(predicate: int, x: Array, y: Array) -> Array:
    unordered = np.isnan(x) | np.isnan(y)
    match predicate:
        case 0 | 15:
            return np.full_like(unordered, predicate == 15)
        case 7 | 14:
            return unordered if predicate == 14 else ~unordered
        case _ if predicate < 7:
            return FLOAT_PREDICATES[predicate - 1](x, y) & ~unordered
        case _:
            return FLOAT_PREDICATES[predicate - 8](x, y) | unordered


def scalar_constant(value: Attribute) -> Any:
    match value:
        case IntegerAttr() if value.type == i1:
            return np.bool_(bool(value.value.data))
        case IntegerAttr():
            return np.int64(value.value.data)
        case FloatAttr():
            return np.float64(value.value.data)
        case _:
            raise InterpretationError(f"{value} is no scalar")
