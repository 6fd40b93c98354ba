"""Weights that contractions sum over -> small integers with scales, or numbers of 16 bits."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Use
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from tensorjoin.dialects import ten
from tensorjoin.dialects.layout import LayoutAttr, Storage
from tensorjoin.errors import TensorjoinError
from tensorjoin.lanes import lanes_refusal
from tensorjoin.tiling import chunk_size

HALF_BITS = 16


def summed_axis(use: Use) -> int | None:
    """
    The one axis that a product of two tensors sums over, where it sums over nothing else of the
    weight, and keeps its first axis, which the other tensor does not have.
    """
    op = use.operation
    if not isinstance(op, ten.ContractOp) or len(op.inputs) != 2:
        return None
    labels, result = ten.parse_indices(op.indices.data)
    letters, others = labels[use.index], labels[1 - use.index]
    summed = [axis for axis, letter in enumerate(letters) if letter not in result]
    if len(summed) != 1 or summed[0] == 0 or letters[summed[0]] not in others:
        return None
    if letters[0] in others:
        return None
    return summed[0]


def looks_up(use: Use) -> bool:
    """Whether a use reads rows of the weight by an index of its first axis."""
    op = use.operation
    return (
        isinstance(op, ten.GatherOp)
        and use.index == 0
        and ten.parse_indices(op.indices.data)[0][0].startswith(op.axis)
    )


def quantizable_axis(weight: ten.WeightOp) -> int | None:
    """The axis of a weight that each of its readers sums over, as none is approximate else."""
    axes = {summed_axis(use) for use in weight.result.uses if not looks_up(use)}
    return next(iter(axes)) if len(axes) == 1 else None


@dataclass
class QuantizeWeight(RewritePattern):
    """
    ten.weight @w -> ten.weight @w layout #rel.layout<lanes AXIS by GROUP of BITS bits in 1>, or
    layout #rel.layout<halves AXIS by GROUP>
    """

    bits: int
    group: int

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.WeightOp, rewriter: PatternRewriter, /):
        shape = ten.tensor(op.result).get_shape()
        if op.layout is not None or len(shape) < 2:
            return
        if (axis := quantizable_axis(op)) is not None:
            size = chunk_size(shape[axis], self.group)
            if self.bits == HALF_BITS:
                op.layout = LayoutAttr(Storage.HALVES, axis, size)
            else:
                op.layout = LayoutAttr(Storage.LANES, axis, size, self.bits)
            rewriter.notify_op_modified(op)


@dataclass(frozen=True)
class QuantizeWeightsPass(ModulePass):
    """
    Store weights as integers of `bits` bits with a scale for each group of at most `group`
    elements; what meets them is quantised to 8 bits in the same groups. With 16 bits, a group is a
    vector of floating-point numbers, and so is what meets it.
    """

    name = "quantize-weights"
    establishes = frozenset({"quantised weights"})

    bits: int = 8
    group: int = 64

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if self.group < 1:
            raise TensorjoinError(f"quantize-weights: a group of {self.group}: choose 1 or more")
        if self.bits != HALF_BITS and (reason := lanes_refusal(self.group, self.bits, 1)):
            raise TensorjoinError(f"quantize-weights: {reason}")
        PatternRewriteWalker(QuantizeWeight(self.bits, self.group)).rewrite_module(op)
