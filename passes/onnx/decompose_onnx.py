"""Operators of ONNX -> primitives of `ten`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from xdsl.builder import Builder, ImplicitBuilder
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType, f32, f64, i1, i64
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.transforms.dead_code_elimination import dce

from tensorjoin.context import profile_of
from tensorjoin.dialects import onnx, ten
from tensorjoin.errors import TensorjoinError, UnsupportedError, one_line
from tensorjoin.passes.onnx import array as arrays
from tensorjoin.passes.onnx.array import LETTERS, Array
from tensorjoin.passes.onnx.evaluation import Evaluation
from tensorjoin.passes.onnx.node import DECOMPOSITIONS, Node
from tensorjoin.passes.onnx.operators import OPERATORS

__all__ = ["OPERATORS", "DecomposeOnnxPass"]


INPUT, OUTPUT = "input.", "output."
"""What the names of tables begin with, before those of inputs and outputs."""


NO_FIT = (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError)
"""What Python and numpy say of operands and attributes that do not fit their operator."""


@dataclass
class Decomposer:
    """Replaces ops one after the other; `arrays` is what has become of each value."""

    max_rounds: int
    arrays: dict[SSAValue, Array | None] = field(default_factory=dict[SSAValue, Array | None])
    evaluate: Evaluation = field(default_factory=Evaluation)

    def block(self, block: Block) -> None:
        """Insert, before each op of `block`, what it decomposes into."""
        for op in list(block.ops):
            with ImplicitBuilder(Builder(InsertPoint.before(op))):
                self.op(op)

    def op(self, op: Operation) -> None:
        match op:
            case onnx.InputOp():
                self.arrays[op.result] = self.input(op)
            case onnx.InitializerOp():
                type = ten.tensor(op.result)
                element = type.get_element_type()
                stored: Attribute = f64 if element == f64 else f32
                stored = i64 if arrays.width(element) else stored
                weight = ten.WeightOp(
                    op.symbol.data, [op.symbol.data], TensorType(stored, type.get_shape())
                )
                self.arrays[op.result] = Array(weight.result, element)
            case onnx.ConstantOp():
                type = ten.tensor(op.result)
                values = np.array(op.value.get_values()).reshape(type.get_shape())
                self.arrays[op.result] = arrays.constant(values, type.get_element_type())
            case onnx.AbsentOp():
                self.arrays[op.result] = None
            case onnx.NodeOp():
                results = self.node(op)
                for result, array in zip(op.outputs, results, strict=False):
                    self.arrays[result] = array
            case onnx.OutputOp():
                self.output(op)
            case _:
                pass

    def input(self, op: onnx.InputOp) -> Array:
        type = ten.tensor(op.result)
        element, shape = type.get_element_type(), type.get_shape()
        stored: Attribute = i64 if arrays.width(element) else f64
        keys = list(LETTERS[: len(shape)])
        if len(keys) < len(shape):
            raise UnsupportedError(f"an input of {len(shape)} axes is too much")
        read = ten.InputOp(f"{INPUT}{op.symbol.data}", keys, "v", TensorType(stored, shape))
        if element == i1:
            return Array(read.result, i64).cast(i1)
        return Array(read.result, element)

    def output(self, op: onnx.OutputOp) -> None:
        array = self.arrays.get(op.input)
        if array is None:
            raise UnsupportedError(f"the output {op.symbol.data!r} is no tensor")
        value = arrays.same_type(array)
        ten.OutputOp(value, f"{OUTPUT}{op.symbol.data}", list(LETTERS[: array.rank]))

    def node(self, op: onnx.NodeOp) -> Sequence[Array | None]:
        key = (op.domain.data, op.op_type.data)
        if (function := DECOMPOSITIONS.get(key)) is None:
            name = ".".join(part for part in key if part)
            raise UnsupportedError(f"the operator {name} has no decomposition")
        operands: list[Array | None] = []
        for operand in op.inputs:
            if operand not in self.arrays:
                raise TensorjoinError(f"{op.op_type.data} reads what is not computed before it")
            operands.append(self.arrays[operand])
        node = Node(op, self.evaluate, self.inline, self.max_rounds)
        for name in reversed(node.texts("tables", [])):
            if operands and (table := operands.pop()) is not None:
                node.tables[name] = table
        try:
            results = function(node, *operands)
        except NO_FIT as error:
            raise TensorjoinError(
                f"{op.op_type.data} does not fit its operands: {one_line(error)}"
            ) from error
        return [results] if isinstance(results, Array) else list(results)

    def inline(self, block: Block, arguments: Sequence[Array]) -> list[Array]:
        """Decompose a graph within a node for given arguments, where the node stands."""
        # A round of a loop replaces what the one before has left.
        self.arrays |= dict(zip(block.args, arguments, strict=True))
        results: list[Array] = []
        for op in block.ops:
            if isinstance(op, onnx.YieldOp):
                results = [self.yielded(output) for output in op.outputs]
            else:
                self.op(op)
        return results

    def yielded(self, output: SSAValue) -> Array:
        if (array := self.arrays.get(output)) is None:
            raise UnsupportedError("a graph within a node has an output that is no tensor")
        return array


@dataclass(frozen=True)
class DecomposeOnnxPass(ModulePass):
    """Decompose the operators of ONNX into tensor algebra."""

    name = "decompose-onnx"
    establishes = frozenset({"operators of ten"})

    target: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        decomposer = Decomposer(profile_of(ctx, self.target).max_rounds)
        for function in op.ops:
            for region in function.regions:
                for block in region.blocks:
                    decomposer.block(block)
                    for old in reversed(list(block.ops)):
                        if old.dialect_name() == "onnx":
                            Rewriter.erase_op(old)
        dce(op)
