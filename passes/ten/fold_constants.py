"""What depends on constants only -> constants."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from xdsl.context import Context
from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    Float32Type,
    Float64Type,
    IntegerType,
    ModuleOp,
    TensorType,
)
from xdsl.interpreter import Interpreter
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.rewriter import InsertPoint
from xdsl.traits import is_side_effect_free
from xdsl.utils.exceptions import InterpretationError
from xdsl.utils.hints import isa

from tensorjoin.dialects import ten
from tensorjoin.dialects.ten import is_sparse, parse_indices, tensor
from tensorjoin.interpreter.foreign import register_foreign
from tensorjoin.interpreter.scalars import (
    SCALARS,
    compare_floats,
    compare_integers,
    scalar_constant,
)
from tensorjoin.interpreter.ten import TenFunctions
from tensorjoin.universe import DIALECTS

MAX_ELEMENTS = 4096
"""
Of a constant that this pass makes: its elements stand in the text of a statement, some 40 kB for
these. That is no engine's: every one of them reads statements of a megabyte.
"""

Folded = ten.MapOp | ten.ReduceOp | ten.ContractOp | ten.GatherOp | ten.ReshapeOp | ten.SliceOp


def largest(element: Float32Type | Float64Type) -> float:
    return float(np.finfo(f"float{element.bitwidth}").max)


def dense(type: ten.Tensor, array: npt.NDArray[Any]) -> DenseIntOrFPElementsAttr | None:
    """The array as an attribute; None where an element is not finite, or too large for the type."""
    shape, elements = type.get_shape(), array.flatten().tolist()
    match element := type.get_element_type():
        case IntegerType() if all(element.normalized_value(int(n)) is not None for n in elements):
            integers = TensorType(IntegerType(element.bitwidth), shape)
            return DenseIntOrFPElementsAttr.from_list(integers, [int(n) for n in elements])
        case Float32Type() | Float64Type() if np.all(np.abs(array) <= largest(element)):
            return DenseIntOrFPElementsAttr.from_list(TensorType(element, shape), elements)
        case _:
            return None


class FoldTensor(RewritePattern):
    """ten.reduce, ten.contract, or an op of another package, of constants -> ten.constant"""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /):
        if not isinstance(op, Folded) and not is_foreign(op):
            return
        type = tensor(op.results[0])
        constants = [v.owner for v in op.operands if isinstance(v.owner, ten.ConstantOp)]
        is_small = type.has_static_shape() and prod(type.get_shape()) <= MAX_ELEMENTS
        if len(constants) < len(op.operands) or not is_small or is_sparse(type):
            return
        interpreter = Interpreter(ModuleOp([]))
        interpreter.register_implementations(TenFunctions({}, {}, {}, {}))
        register_foreign(interpreter)
        arguments = [interpreter.run_op(constant)[0] for constant in constants]
        try:
            (array,) = interpreter.run_op(op, tuple(arguments))
        except InterpretationError:
            return
        if (value := dense(type, array)) is not None:
            rewriter.replace(op, ten.ConstantOp(value))


def is_foreign(op: Operation) -> bool:
    """Whether an op that computes one tensor of others may be of an installed package."""
    computes = len(op.results) == 1 and isa(op.results[0].type, TensorType) and bool(op.operands)
    return computes and op.dialect_name() not in DIALECTS and is_side_effect_free(op)


class InlineSplat(RewritePattern):
    """ten.map "p,->p" (%x, dense<2.0>) -> ten.map "p->p" (%x) with an arith.constant 2.0"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.MapOp, rewriter: PatternRewriter, /):
        labels, result = parse_indices(op.indices.data)
        for place, letters in enumerate(labels):
            constant = op.inputs[place].owner
            others = [*labels[:place], *labels[place + 1 :]]
            if (
                isinstance(constant, ten.ConstantOp)
                and constant.value.is_splat()
                and others
                and set(letters) <= set("".join(others))
            ):
                break
        else:
            return
        body = rewriter.move_region_contents_to_new_regions(op.body)
        scalar = arith.ConstantOp(next(iter(constant.value.iter_attrs())))
        rewriter.insert(scalar, InsertPoint.at_start(body.block))
        rewriter.replace_all_uses_with(body.block.args[place], scalar.result)
        body.block.erase_arg(body.block.args[place])
        inputs = [*op.inputs[:place], *op.inputs[place + 1 :]]
        indices = f"{','.join(others)}->{result}"
        rewriter.replace(op, ten.MapOp(indices, inputs, tensor(op.result), body))


class FoldScalar(RewritePattern):
    """mulf(constant, constant) in the body of a map -> arith.constant"""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /):
        if not isinstance(op.parent_op(), ten.MapOp) or (function := function_of(op)) is None:
            return
        constants = [v.owner for v in op.operands if isinstance(v.owner, arith.ConstantOp)]
        if len(constants) < len(op.operands):
            return
        with np.errstate(all="ignore"):
            value = function(*(scalar_constant(constant.value) for constant in constants))
        if (folded := dense(TensorType(op.results[0].type, []), np.asarray(value))) is not None:
            rewriter.replace(op, arith.ConstantOp(next(iter(folded.iter_attrs()))))


def function_of(op: Operation) -> Callable[..., Any] | None:
    """What the reference interpreter computes for an operation on scalars."""
    match op:
        case arith.CmpiOp():
            return partial(compare_integers, op.predicate.value.data)
        case arith.CmpfOp():
            return partial(compare_floats, op.predicate.value.data)
        case _:
            return SCALARS.get(type(op))


@dataclass(frozen=True)
class FoldConstantsPass(ModulePass):
    """
    Compute what depends on constants only, as the reference interpreter does: tensors of up to
    4096 elements, and scalars in the bodies of maps. What is not finite stays as it is.
    """

    name = "fold-constants"
    ends = frozenset({"canonical form"})

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        PatternRewriteWalker(
            GreedyRewritePatternApplier([FoldTensor(), InlineSplat(), FoldScalar()])
        ).rewrite_module(op)
