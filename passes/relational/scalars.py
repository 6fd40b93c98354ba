"""The body of a `ten.map` as an expression over columns."""

from collections.abc import Mapping

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, i1
from xdsl.ir import Attribute, Operation, SSAValue

from tensorjoin.dialects import ten
from tensorjoin.dialects.expression import DEEPEST, call, col, lit
from tensorjoin.errors import TensorjoinError

FUNCTIONS: Mapping[type[Operation], str] = {
    arith.AddfOp: "add",
    arith.SubfOp: "sub",
    arith.MulfOp: "mul",
    arith.DivfOp: "div",
    arith.NegfOp: "neg",
    arith.MaximumfOp: "greatest",
    arith.MinimumfOp: "least",
    arith.AddiOp: "add",
    arith.SubiOp: "sub",
    arith.MuliOp: "mul",
    arith.AndIOp: "and",
    arith.OrIOp: "or",
    arith.SelectOp: "if",
    arith.SIToFPOp: "to_float",
    math.ExpOp: "exp",
    math.SqrtOp: "sqrt",
    math.CosOp: "cos",
    math.SinOp: "sin",
    math.AbsFOp: "abs",
}

INTEGER_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
FLOAT_COMPARISONS = {1: "eq", 2: "gt", 3: "ge", 4: "lt", 5: "le", 6: "ne"}
"""By the numbers of the predicates in `arith`; NaN does not occur in a relation."""


SHARED_CALLS = 12
"""Calls above which what is used twice becomes a column of its own."""


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


def _expression(op: Operation, operands: list[Attribute]) -> Attribute:
    match op:
        case arith.ConstantOp(value=IntegerAttr() as value) if value.type == i1:
            return call("eq", lit(0), lit(0 if value.value.data else 1))
        case arith.ConstantOp(value=IntegerAttr() as value):
            return lit(value.value.data)
        case arith.ConstantOp(value=FloatAttr() as value):
            return lit(value.value.data)
        case arith.CmpiOp() if op.predicate.value.data < len(INTEGER_COMPARISONS):
            return call(INTEGER_COMPARISONS[op.predicate.value.data], *operands)
        case arith.CmpfOp() if op.predicate.value.data in FLOAT_COMPARISONS:
            return call(FLOAT_COMPARISONS[op.predicate.value.data], *operands)
        case arith.ExtFOp() | arith.TruncFOp():
            return operands[0]
        case math.RsqrtOp():
            return call("div", lit(1.0), call("sqrt", *operands))
        case _ if type(op) in FUNCTIONS:
            return call(FUNCTIONS[type(op)], *operands)
        case _:
            raise TensorjoinError(f"{op.name} has no relational form")
