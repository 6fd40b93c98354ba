"""The body of a `ten.map` as an expression over columns."""

from collections.abc import Mapping
from math import isinf, isnan

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, i1
from xdsl.dialects.utils import FastMathFlag
from xdsl.ir import Attribute, Operation, SSAValue

from tensorjoin.dialects import ten
from tensorjoin.dialects.expression import DEEPEST, call, col, lit
from tensorjoin.errors import TensorjoinError

FUNCTIONS: Mapping[type[Operation], str] = {
    arith.AddfOp: "add",
    arith.SubfOp: "sub",
    arith.MulfOp: "mul",
    arith.DivfOp: "divide",
    arith.NegfOp: "neg",
    arith.MaximumfOp: "greatest",
    arith.MinimumfOp: "float_least",
    arith.AddiOp: "add",
    arith.SubiOp: "sub",
    arith.MuliOp: "mul",
    arith.AndIOp: "and",
    arith.OrIOp: "or",
    arith.XOrIOp: "ne",
    arith.SelectOp: "if",
    arith.SIToFPOp: "to_float",
    arith.FPToSIOp: "to_long",
    arith.ExtUIOp: "truth",
    arith.ShLIOp: "shift_left",
    arith.ShRSIOp: "shift_right",
    arith.DivSIOp: "idiv",
    arith.RemSIOp: "mod",
    arith.MaxSIOp: "greatest",
    arith.MinSIOp: "least",
    math.AbsFOp: "abs",
    math.AbsIOp: "abs",
    math.AcosOp: "acos",
    math.AcoshOp: "acosh",
    math.AsinOp: "asin",
    math.AsinhOp: "asinh",
    math.AtanOp: "atan",
    math.Atan2Op: "atan2",
    math.AtanhOp: "atanh",
    math.CeilOp: "ceil",
    math.CosOp: "cos",
    math.CoshOp: "cosh",
    math.ExpOp: "exp",
    math.FloorOp: "floor",
    math.LogOp: "ln",
    math.PowFOp: "pow",
    math.SinOp: "sin",
    math.SinhOp: "sinh",
    math.SqrtOp: "root",
    math.TanOp: "tan",
    math.TanhOp: "tanh",
}

FINITE: Mapping[type[Operation], str] = {arith.DivfOp: "div", math.SqrtOp: "sqrt"}
"""What is said of operations whose flags promise a number: no NaN and no infinity."""

BITWISE: Mapping[type[Operation], str] = {
    arith.AndIOp: "bit_and",
    arith.OrIOp: "bit_or",
    arith.XOrIOp: "bit_xor",
}
"""Of integers; of booleans they are logical."""

INTEGER_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
FLOAT_COMPARISONS = {1: "eq", 2: "gt", 3: "ge", 4: "lt", 5: "le", 13: "ne"}
"""By the numbers of the predicates in `arith`: ordered, but for "not equal", which is unordered."""

UNORDERED = 14
"""The predicate that holds where an operand is NaN; of x and x, it asks whether x is."""


SHARED_CALLS = 12
"""
Calls above which what is used twice becomes a column of its own. That is no engine's: written out
twice at each use, a chain of n such values would be 2^n calls long before any pass could see that
an engine computes them again; merge-ctes decides by the engine which of the columns remain.
"""


def scalar_expressions(
    op: ten.MapOp, arguments: list[Attribute]
) -> tuple[dict[str, Attribute], Attribute]:
    """
    What the map computes from one element of each input, given as expressions: columns to add one
    after the other, and the value over them; none is nested deeper than passes allow.
    """
    steps: dict[str, Attribute] = {}
    expressions: dict[SSAValue, Attribute] = {}
    depths: dict[SSAValue, int] = {}
    sizes: dict[SSAValue, int] = {}
    for argument, expression in zip(op.body.block.args, arguments, strict=True):
        expressions[argument], depths[argument], sizes[argument] = expression, 1, 0
    for inner in op.body.block.ops:
        operands = [expressions[operand] for operand in inner.operands]
        if isinstance(inner, ten.YieldOp):
            return steps, operands[0]
        result = inner.results[0]
        expressions[result] = _expression(inner, operands)
        depths[result] = 2 + max((depths[operand] for operand in inner.operands), default=0)
        sizes[result] = 2 + sum(sizes[operand] for operand in inner.operands)
        is_shared = sizes[result] > SHARED_CALLS and not result.has_one_use()
        if depths[result] > DEEPEST or is_shared:
            name = f"step{len(steps)}"
            steps[name] = expressions[result]
            expressions[result], depths[result], sizes[result] = col(name), 1, 0
    raise TensorjoinError("a map without ten.yield")


def number(value: float) -> Attribute:
    """A float, which SQL has no literal for if it is not finite."""
    if isnan(value):
        return call("nan")
    if isinf(value):
        return call("infinity") if value > 0 else call("neg", call("infinity"))
    return lit(value)


def is_finite(flags: arith.FastMathFlagsAttr) -> bool:
    return {FastMathFlag.NO_NANS, FastMathFlag.NO_INFS} <= set(flags.data)


def _expression(op: Operation, operands: list[Attribute]) -> Attribute:
    match op:
        case arith.ConstantOp(value=IntegerAttr() as value) if value.type == i1:
            return call("eq", lit(0), lit(0 if value.value.data else 1))
        case arith.ConstantOp(value=IntegerAttr() as value):
            return lit(value.value.data)
        case arith.ConstantOp(value=FloatAttr() as value):
            return number(value.value.data)
        case arith.CmpiOp() if op.predicate.value.data < len(INTEGER_COMPARISONS):
            return call(INTEGER_COMPARISONS[op.predicate.value.data], *operands)
        case arith.CmpfOp() if op.predicate.value.data in FLOAT_COMPARISONS:
            name = FLOAT_COMPARISONS[op.predicate.value.data]
            promised = FastMathFlag.NO_NANS in op.fastmath.data
            return call(name if promised else f"float_{name}", *operands)
        case arith.ExtFOp() | arith.TruncFOp():
            return operands[0]
        case arith.CmpfOp() if op.predicate.value.data == UNORDERED:
            return call("is_nan", operands[0])
        case math.RsqrtOp():
            return call("div", lit(1.0), call("sqrt", *operands))
        case arith.DivfOp() | math.SqrtOp() if is_finite(op.fastmath):
            return call(FINITE[type(op)], *operands)
        case arith.AndIOp() | arith.OrIOp() | arith.XOrIOp() if op.result.type != i1:
            return call(BITWISE[type(op)], *operands)
        case _ if type(op) in FUNCTIONS:
            return call(FUNCTIONS[type(op)], *operands)
        case _:
            raise TensorjoinError(f"{op.name} has no relational form")
