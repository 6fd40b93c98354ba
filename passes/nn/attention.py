"""Rotary embedding, masks and attention -> primitives of `ten`."""

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    IntegerAttr,
    TensorType,
    f32,
    f64,
    i1,
    i32,
)
from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import (
    PatternRewriter,
    RewritePattern,
    op_type_rewrite_pattern,
)

from tensorjoin.dialects import nn, ten
from tensorjoin.dialects.ten import Reduction, tensor, tensor_type
from tensorjoin.passes.nn.maps import constant, elementwise, quotient


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
    """nn.causal_mask -> two look-ups in `until`, comparisons of positions, ten.sparsify"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: nn.CausalMaskOp, rewriter: PatternRewriter, /):
        def readable(position: SSAValue, earlier: SSAValue, until: SSAValue) -> Operation:
            visible = arith.AndIOp(
                arith.CmpiOp(earlier, position, "sle"), arith.CmpiOp(earlier, until, "slt")
            )
            if op.window is None:
                return visible
            extent = arith.ConstantOp(IntegerAttr(op.window.value.data, i32))
            distance = arith.SubiOp(position, earlier)
            return arith.AndIOp(visible, arith.CmpiOp(distance, extent, "slt"))

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
