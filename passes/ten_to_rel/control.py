"""Functions and loops over tensors as functions and loops over relations."""

from dataclasses import dataclass

from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import (
    FunctionType,
    IntegerAttr,
    IntegerType,
    TensorType,
    UnrealizedConversionCastOp,
    f64,
    i32,
)
from xdsl.ir import Attribute, Block, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern
from xdsl.rewriter import InsertPoint

from tensorjoin.dialects import rel, ten
from tensorjoin.dialects.expression import call, col
from tensorjoin.dialects.rel import RelationType
from tensorjoin.errors import TensorjoinError
from tensorjoin.interface import LAYER
from tensorjoin.passes.ten_to_rel.storage import Tables
from tensorjoin.passes.ten_to_rel.values import Emitter, as_tensor, axis_names


def carried_type(tensor: SSAValue) -> RelationType:
    """The type of the relation for a tensor that a loop carries: floats are doubles."""
    type = ten.tensor(tensor)
    element = type.get_element_type()
    value: Attribute = i32 if isinstance(element, IntegerType) else f64
    keys = dict(zip(axis_names(tensor), type.get_shape(), strict=True))
    return RelationType(keys, {"v": value}, ten.is_sparse(type))


def carried_relation(out: Emitter, tensor: SSAValue, type: RelationType) -> SSAValue:
    """The relation of a tensor, brought to the type in which a loop carries it."""
    rows = out.rows(tensor, list(type.extents))
    if rel.schema(rows) == type:
        return rows
    value = call("to_float", col("v")) if type.values["v"] == f64 else col("v")
    return out.emit(rel.ProjectOp(rows, {k: k for k in type.extents}, {"v": value}))


def constant_bound(value: SSAValue) -> int:
    match value.owner:
        case arith.ConstantOp(value=IntegerAttr() as bound):
            return bound.value.data
        case _:
            raise TensorjoinError("a loop needs constant bounds to become statements")


class ConvertFor(RewritePattern):
    """scf.for %l = 0 to 5 iter_args(%x) -> rel.for layer to 5 carrying (%x)"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: scf.ForOp, rewriter: PatternRewriter, /):
        if (constant_bound(op.lb), constant_bound(op.step)) != (0, 1):
            raise TensorjoinError("a loop must count from 0 by 1 to become statements")
        out = Emitter()
        index, *carried = op.body.block.args
        types = [carried_type(argument) for argument in carried]
        inputs = [
            carried_relation(out, tensor, type)
            for tensor, type in zip(op.iter_args, types, strict=True)
        ]
        body = Block(arg_types=types)
        counter = UnrealizedConversionCastOp.get([], [index.type])
        casts = [
            as_tensor(argument, ten.tensor(tensor))
            for argument, tensor in zip(body.args, carried, strict=True)
        ]
        body.add_ops([counter, *casts])
        old = op.body.detach_block(0)
        rewriter.inline_block(
            old, InsertPoint.at_end(body), [counter.results[0], *(c.results[0] for c in casts)]
        )
        loop = rel.ForOp(LAYER, constant_bound(op.ub), inputs, [body])
        results = [
            as_tensor(result, ten.tensor(tensor))
            for result, tensor in zip(loop.results, op.results, strict=True)
        ]
        rewriter.replace(op, [*out.ops, loop, *results], [result.results[0] for result in results])


class ConvertYield(RewritePattern):
    """scf.yield %x -> rel.yield of the relation"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: scf.YieldOp, rewriter: PatternRewriter, /):
        if not isinstance(loop := op.parent_op(), rel.ForOp):
            return
        out = Emitter()
        relations = [
            carried_relation(out, tensor, rel.schema(argument))
            for tensor, argument in zip(op.arguments, loop.body.block.args, strict=True)
        ]
        rewriter.replace(op, [*out.ops, rel.YieldOp(*relations)], [])


@dataclass
class ConvertFunction(RewritePattern):
    """func @f(%x: tensor<...>) -> tensor<...> -> func @f(): reads @arg0, fills @result0"""

    tables: Tables

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: func.FuncOp, rewriter: PatternRewriter, /):
        if not op.function_type.inputs and not op.function_type.outputs:
            return
        block = op.body.block
        for number, argument in reversed(list(enumerate(block.args))):
            type = argument.type
            if not isinstance(type, TensorType):
                raise TensorjoinError(f"argument {number} of @{op.sym_name.data} is no tensor")
            read = ten.InputOp(f"arg{number}", axis_names(argument), "v", ten.tensor(argument))
            rewriter.insert(read, InsertPoint.at_start(block))
            rewriter.replace_all_uses_with(argument, read.result)
            block.erase_arg(argument)
        if isinstance(last := block.last_op, func.ReturnOp):
            for number, result in enumerate(last.arguments):
                names = axis_names(result)
                write = ten.OutputOp(result, f"result{number}", names)
                rewriter.insert(write, InsertPoint.before(last))
            rewriter.replace(last, func.ReturnOp())
        op.properties["function_type"] = FunctionType.from_lists([], [])
        rewriter.notify_op_modified(op)
