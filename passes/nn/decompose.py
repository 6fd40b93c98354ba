"""Operators of `nn` -> primitives of `ten`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import pi

from xdsl.context import Context
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import (
    DictionaryAttr,
    IntegerAttr,
    ModuleOp,
    f32,
    i1,
    i32,
)
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from tensorjoin.dialects import nn, ten
from tensorjoin.dialects.ten import Reduction, is_sparse, tensor, tensor_type
from tensorjoin.passes.nn.attention import (
    DecomposeAttention,
    DecomposeCausalMask,
    DecomposeRope,
    DecomposeRotary,
)
from tensorjoin.passes.nn.maps import constant, elementwise, quotient, same_axes


class DecomposeWeight(RewritePattern):
    """nn.weight @name from <...> -> ten.weight @name from ["name"] with {"name" = ...}"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: nn.WeightOp, rewriter: PatternRewriter, /):
        name = op.symbol.string_value()
        transforms = None if op.transform is None else DictionaryAttr({name: op.transform})
        weight = ten.WeightOp(
            name, [name], tensor(op.result), op.layer, op.layers, transforms=transforms
        )
        rewriter.replace(op, weight)


class DecomposeEmbedding(RewritePattern):
    """nn.embedding %table, %tokens -> ten.gather "ti,p->pi" """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: nn.EmbeddingOp, rewriter: PatternRewriter, /):
        rewriter.replace(op, ten.GatherOp("ti,p->pi", op.table, op.tokens, tensor(op.result)))


class DecomposeLinear(RewritePattern):
    """nn.linear %x, %w -> ten.contract "pi,oi->po" """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: nn.LinearOp, rewriter: PatternRewriter, /):
        rewriter.replace(op, ten.ContractOp("pi,oi->po", [op.input, op.weight], tensor(op.result)))


class DecomposeAddBias(RewritePattern):
    """nn.add_bias %x, %b -> ten.map "pi,i->pi" """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: nn.AddBiasOp, rewriter: PatternRewriter, /):
        rewriter.replace(op, elementwise("pi,i->pi", [op.input, op.bias], arith.AddfOp))


class DecomposeRMSNorm(RewritePattern):
    """nn.rms_norm -> the sum of squares, its inverse root, and a product"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: nn.RMSNormOp, rewriter: PatternRewriter, /):
        x = tensor(op.input)
        rows, row_width = x.get_shape()
        (width,) = tensor(op.gain).get_shape()
        epsilon = op.epsilon.value.data

        def inverse_root(total: SSAValue) -> Operation:
            mean = quotient(total, constant(float(width)))
            return math.RsqrtOp(arith.AddfOp(mean, constant(epsilon)))

        def square(v: SSAValue) -> Operation:
            return arith.MulfOp(v, v)

        def scaled(v: SSAValue, s: SSAValue, g: SSAValue) -> Operation:
            return arith.MulfOp(arith.MulfOp(v, s), g)

        pieces = row_width // width
        before, after, outer, shape = [], [], "p", [rows]
        input = op.input
        if pieces > 1:
            outer, shape = "ph", [rows, pieces]
            cut = tensor_type(f32, [*shape, width], is_sparse(x))
            before = [ten.ReshapeOp(input, cut)]
            input = before[0].result
        squares = elementwise(f"{outer}i->{outer}i", [input], square)
        total = ten.ReduceOp(
            Reduction.SUM, f"{outer}i->{outer}", squares, tensor_type(f32, shape, is_sparse(x))
        )
        scale = elementwise(f"{outer}->{outer}", [total], inverse_root)
        normed = elementwise(f"{outer}i,{outer},i->{outer}i", [input, scale, op.gain], scaled)
        if pieces > 1:
            after = [ten.ReshapeOp(normed, x)]
        rewriter.replace(op, [*before, squares, total, scale, normed, *after])


def silu(x: SSAValue) -> Operation:
    denominator = arith.AddfOp(constant(1.0), math.ExpOp(arith.NegfOp(x)))
    return quotient(x, denominator)


def gelu_tanh(x: SSAValue) -> Operation:
    cube = arith.MulfOp(arith.MulfOp(x, x), x)
    inner = arith.AddfOp(x, arith.MulfOp(constant(0.044715), cube))
    bend = math.TanhOp(arith.MulfOp(constant((2 / pi) ** 0.5), inner))
    return arith.MulfOp(arith.MulfOp(constant(0.5), x), arith.AddfOp(constant(1.0), bend))


def relu(x: SSAValue) -> Operation:
    return arith.MaximumfOp(x, constant(0.0))


SCALAR_FUNCTIONS: Mapping[type[Operation], Callable[..., Operation]] = {
    nn.SiluOp: silu,
    nn.GeluTanhOp: gelu_tanh,
    nn.ReluOp: relu,
    nn.AddOp: arith.AddfOp,
    nn.MulOp: arith.MulfOp,
}


class DecomposeElementwise(RewritePattern):
    """nn.silu, nn.gelu_tanh, nn.relu, nn.add, nn.mul -> ten.map"""

    @op_type_rewrite_pattern
    def match_and_rewrite(
        self,
        op: nn.SiluOp | nn.GeluTanhOp | nn.ReluOp | nn.AddOp | nn.MulOp,
        rewriter: PatternRewriter,
        /,
    ):
        scalar = SCALAR_FUNCTIONS[type(op)]
        rank = len(tensor(op.result).get_shape())
        rewriter.replace(op, elementwise(same_axes(rank, len(op.operands)), op.operands, scalar))


class DecomposeScale(RewritePattern):
    """nn.scale %x by 8.0 -> ten.map that multiplies by a constant"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: nn.ScaleOp, rewriter: PatternRewriter, /):
        def scaled(x: SSAValue) -> Operation:
            return arith.MulfOp(x, constant(op.factor.value.data))

        rank = len(tensor(op.result).get_shape())
        rewriter.replace(op, elementwise(same_axes(rank, 1), [op.input], scaled))


class DecomposeFilter(RewritePattern):
    """nn.filter %x, %flags -> ten.map over the rows whose flag is not 0"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: nn.FilterOp, rewriter: PatternRewriter, /):
        def is_raised(flag: SSAValue) -> Operation:
            return arith.CmpiOp(flag, arith.ConstantOp(IntegerAttr(0, i32)), "ne")

        raised = elementwise("p->p", [op.flags], is_raised, i1)
        rows = ten.SparsifyOp(raised)
        kept = ten.MapOp(
            "pi,p->pi", [op.input, rows], tensor(op.result), Region(Block(arg_types=[f32, i1]))
        )
        kept.body.block.add_op(ten.YieldOp(kept.body.block.args[0]))
        rewriter.replace(op, [raised, rows, kept])


@dataclass(frozen=True)
class DecomposePass(ModulePass):
    """Decompose the operators of `nn` into tensor algebra."""

    name = "decompose"
    establishes = frozenset({"operators of ten"})
    ends = frozenset({"operators of nn"})

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        PatternRewriteWalker(
            GreedyRewritePatternApplier(
                [
                    DecomposeWeight(),
                    DecomposeEmbedding(),
                    DecomposeLinear(),
                    DecomposeAddBias(),
                    DecomposeRMSNorm(),
                    DecomposeRotary(),
                    DecomposeRope(),
                    DecomposeCausalMask(),
                    DecomposeAttention(),
                    DecomposeElementwise(),
                    DecomposeScale(),
                    DecomposeFilter(),
                ]
            ),
            apply_recursively=False,
        ).rewrite_module(op)
