"""Operators of `nn` -> primitives of `ten`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xdsl.builder import ImplicitBuilder
from xdsl.context import Context
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IntegerAttr,
    ModuleOp,
    TensorType,
    f32,
    f64,
    i1,
    i32,
)
from xdsl.dialects.utils import FastMathFlag
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
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


def elementwise(
    indices: str,
    inputs: Sequence[SSAValue | Operation],
    scalar: Callable[..., Operation],
    element: Attribute = f32,
) -> ten.MapOp:
    """A `ten.map` whose body `scalar` builds from the elements of its inputs."""
    values = [SSAValue.get(value) for value in inputs]
    types = [tensor(value) for value in values]
    body = Block(arg_types=[type.get_element_type() for type in types])
    with ImplicitBuilder(body):
        ten.YieldOp(scalar(*body.args))
    labels, result = ten.parse_indices(indices)
    extents = {
        letter: extent
        for letters, type in zip(labels, types, strict=True)
        for letter, extent in zip(letters, type.get_shape(), strict=True)
    }
    shape = [extents[letter] for letter in result]
    sparse = any(is_sparse(type) for type in types)
    return ten.MapOp(indices, values, tensor_type(element, shape, sparse), Region(body))


def same_axes(rank: int, inputs: int) -> str:
    """The index string of a map over `inputs` tensors of equal shape."""
    letters = "pijklmn"[:rank]
    return f"{','.join([letters] * inputs)}->{letters}"


FINITE = arith.FastMathFlagsAttr((FastMathFlag.NO_NANS, FastMathFlag.NO_INFS))
"""Promised of quotients whose divisor cannot be 0."""


def quotient(x: SSAValue | Operation, y: SSAValue | Operation) -> arith.DivfOp:
    return arith.DivfOp(x, y, FINITE)


def constant(value: float) -> arith.ConstantOp:
    return arith.ConstantOp(FloatAttr(value, f32))


class DecomposeWeight(RewritePattern):
    """nn.weight @name -> ten.weight @name from ["name"]"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: nn.WeightOp, rewriter: PatternRewriter, /):
        name = op.symbol.string_value()
        rewriter.replace(op, ten.WeightOp(name, [name], tensor(op.result), op.layer, op.layers))


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


class DecomposeRMSNorm(RewritePattern):
    """nn.rms_norm -> the sum of squares, its inverse root, and a product"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: nn.RMSNormOp, rewriter: PatternRewriter, /):
        x = tensor(op.input)
        rows, width = x.get_shape()
        epsilon = op.epsilon.value.data

        def inverse_root(total: SSAValue) -> Operation:
            mean = quotient(total, constant(float(width)))
            return math.RsqrtOp(arith.AddfOp(mean, constant(epsilon)))

        def square(v: SSAValue) -> Operation:
            return arith.MulfOp(v, v)

        def scaled(v: SSAValue, s: SSAValue, g: SSAValue) -> Operation:
            return arith.MulfOp(arith.MulfOp(v, s), g)

        squares = elementwise("pi->pi", [op.input], square)
        total = ten.ReduceOp(
            Reduction.SUM, "pi->p", squares, tensor_type(f32, [rows], is_sparse(x))
        )
        scale = elementwise("p->p", [total], inverse_root)
        normed = elementwise("pi,p,i->pi", [op.input, scale, op.gain], scaled)
        rewriter.replace(op, [squares, total, scale, normed])


class DecomposeRotary(RewritePattern):
    """nn.rotary -> cos of the angles times the identity plus sin times a quarter turn"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: nn.RotaryOp, rewriter: PatternRewriter, /):
        def rotation(position: SSAValue, frequency: SSAValue, one: SSAValue, turn: SSAValue):
            angle = arith.MulfOp(arith.SIToFPOp(position, f64), frequency)
            cosine, sine = math.CosOp(angle), math.SinOp(angle)
            sum = arith.AddfOp(arith.MulfOp(cosine, one), arith.MulfOp(sine, turn))
            return arith.TruncFOp(sum, f32)

        square = TensorType(f64, [2, 2])
        identity = DenseIntOrFPElementsAttr.from_list(square, [1.0, 0.0, 0.0, 1.0])
        quarter_turn = DenseIntOrFPElementsAttr.from_list(square, [0.0, -1.0, 1.0, 0.0])
        constants = [ten.ConstantOp(c) for c in (op.frequencies, identity, quarter_turn)]
        rotations = elementwise("p,f,sr,sr->psrf", [op.positions, *constants], rotation)
        rewriter.replace(op, [*constants, rotations])


class DecomposeRope(RewritePattern):
    """nn.rope -> the product of each head's pairs with the rotations"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: nn.RopeOp, rewriter: PatternRewriter, /):
        rows, width = tensor(op.input).get_shape()
        half = tensor(op.rotations).get_shape()[-1]
        paired_type = tensor_type(f32, [rows, width // (2 * half), 2, half])
        paired = ten.ReshapeOp(op.input, paired_type)
        rotated = ten.ContractOp("phrf,psrf->phsf", [paired, op.rotations], paired_type)
        rewriter.replace(op, [paired, rotated, ten.ReshapeOp(rotated, tensor(op.result))])


class DecomposeCausalMask(RewritePattern):
    """nn.causal_mask -> two look-ups in `until`, a comparison of positions, ten.sparsify"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: nn.CausalMaskOp, rewriter: PatternRewriter, /):
        def readable(position: SSAValue, earlier: SSAValue, until: SSAValue) -> Operation:
            return arith.AndIOp(
                arith.CmpiOp(earlier, position, "sle"), arith.CmpiOp(earlier, until, "slt")
            )

        rows, context = tensor(op.result).get_shape()
        (_, sources) = tensor(op.until).get_shape()
        of_row = ten.GatherOp(
            "su,p->pu", op.until, op.streams, tensor_type(i32, [rows, sources], sparse=True)
        )
        of_pair = ten.GatherOp(
            "pu,c->pc",
            of_row,
            op.context_streams,
            tensor_type(i32, [rows, context], sparse=True),
        )
        visible = elementwise(
            "p,c,pc->pc", [op.positions, op.context_positions, of_pair], readable, i1
        )
        rewriter.replace(op, [of_row, of_pair, visible, ten.SparsifyOp(visible)])


class DecomposeAttention(RewritePattern):
    """nn.attention -> append to the cache, scores, a softmax that subtracts its maximum, a mean"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: nn.AttentionOp, rewriter: PatternRewriter, /):
        rows, _ = tensor(op.query).get_shape()
        _, context = tensor(op.mask).get_shape()
        width, groups = op.head_width, op.kv_heads.value.data
        heads = op.heads.value.data // groups
        cache = op.cache.string_value()
        scale = op.scale.value.data

        cached: list[Operation] = []
        for part, value in (("keys", op.key), ("values", op.value)):
            name = f"{cache}.{part}"
            split = ten.ReshapeOp(value, TensorType(f32, [rows, groups, width]))
            append = ten.AppendOp(split, name, ["c", "g", "d"], op.layer, op.layers)
            all_rows = TensorType(f32, [context, groups, width])
            read = ten.ReadOp(name, ["c", "g", "d"], all_rows, op.layer, op.layers)
            cached += [split, append, read]
        keys, values = cached[2], cached[5]

        def weight(score: SSAValue, highest: SSAValue) -> Operation:
            return math.ExpOp(arith.MulfOp(arith.SubfOp(score, highest), constant(scale)))

        per_pair = tensor_type(f32, [rows, groups, heads, context], sparse=True)
        per_head = TensorType(f32, [rows, groups, heads])
        per_element = TensorType(f32, [rows, groups, heads, width])
        query = ten.ReshapeOp(op.query, per_element)
        scores = ten.ContractOp("pghd,cgd,pc->pghc", [query, keys, op.mask], per_pair)
        highest = ten.ReduceOp(Reduction.MAX, "pghc->pgh", scores, per_head)
        weights = elementwise("pghc,pgh->pghc", [scores, highest], weight)
        total = ten.ReduceOp(Reduction.SUM, "pghc->pgh", weights, per_head)
        mixed = ten.ContractOp("pghc,cgd->pghd", [weights, values], per_element)
        mean = elementwise("pghd,pgh->pghd", [mixed, total], quotient)
        flat = ten.ReshapeOp(mean, tensor(op.result))
        rewriter.replace(op, [*cached, query, scores, highest, weights, total, mixed, mean, flat])


class DecomposeElementwise(RewritePattern):
    """nn.silu, nn.add, nn.mul -> ten.map"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: nn.SiluOp | nn.AddOp | nn.MulOp, rewriter: PatternRewriter, /):
        def silu(x: SSAValue) -> Operation:
            denominator = arith.AddfOp(constant(1.0), math.ExpOp(arith.NegfOp(x)))
            return quotient(x, denominator)

        scalar = {nn.SiluOp: silu, nn.AddOp: arith.AddfOp, nn.MulOp: arith.MulfOp}[type(op)]
        rank = len(tensor(op.result).get_shape())
        rewriter.replace(op, elementwise(same_axes(rank, len(op.operands)), op.operands, scalar))


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
                    DecomposeRMSNorm(),
                    DecomposeRotary(),
                    DecomposeRope(),
                    DecomposeCausalMask(),
                    DecomposeAttention(),
                    DecomposeElementwise(),
                    DecomposeFilter(),
                ]
            ),
            apply_recursively=False,
        ).rewrite_module(op)
