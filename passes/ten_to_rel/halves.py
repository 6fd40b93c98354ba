"""
What meets a weight of 16 bits: chunks of the other operand, as vectors of 16 bits too.

Such numbers end at 65504, so that a chunk is divided by its Euclidean norm, and the product is
multiplied by it. That loses nothing: down to 6e-5, these numbers are as exact, relative to their
size, as elsewhere, and what is smaller than that beside the norm counts for little.
"""

from collections.abc import Sequence

from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from tensorjoin.dialects import rel, ten
from tensorjoin.dialects.expression import call, col
from tensorjoin.dialects.layout import LayoutAttr, Storage
from tensorjoin.dialects.rel import schema
from tensorjoin.passes.ten_to_rel.values import Emitter, as_tensor, layout_of


def unit_chunks(
    out: Emitter, tensor: SSAValue, names: Sequence[str], axis: str, size: int
) -> SSAValue:
    """
    A tensor in chunks of `size` along `axis`, each a vector `x` of 16 bits whose norm is 1, and
    the chunk's own `norm`; a chunk of zeros is zeros.
    """
    rows = out.rows(tensor, names)
    packed = out.packed(tensor, rows, axis, size)
    values = {"x": call("unit_half", packed), "norm": call("norm", packed)}
    return out.emit(rel.AggregateOp(out.slotted(rows, axis, size), list(names), values))


def scaled_dot(chunk: str) -> Attribute:
    """The product of a column of 16 bits with what `unit_chunks` makes."""
    return call("mul", call("dot", col("x"), col(chunk)), col("norm"))


def halves_summed(op: ten.ContractOp) -> tuple[int, LayoutAttr] | None:
    """
    The input that holds chunks of 16 bits of an axis which a product of two sums over; the second
    if both do. None if one is in parts, which have a form of their own.
    """
    if len(op.inputs) != 2:
        return None
    layouts = [layout_of(value) for value in op.inputs]
    if any(layout is not None and layout.parts.data != 1 for layout in layouts):
        return None
    labels, result = ten.parse_indices(op.indices.data)
    for place in (1, 0):
        layout = layouts[place]
        if layout is None or layout.storage.data != Storage.HALVES:
            continue
        axis = labels[place][layout.axis.data]
        if axis not in result and axis in labels[1 - place]:
            return place, layout
    return None


class ConvertContractOfHalves(RewritePattern):
    """
    ten.contract "pi,oi->po" (%x, %w)
      -> aggregate(join(x, w)) by [p, o] {v = sum(mul(dot(x, w), norm))}
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.ContractOp, rewriter: PatternRewriter, /):
        if (found := halves_summed(op)) is None:
            return
        (place, layout), out = found, Emitter()
        labels, result = ten.parse_indices(op.indices.data)
        axis, size = labels[place][layout.axis.data], layout.size.data
        w = out.named(op.inputs[place], list(labels[place]), "w")
        x = unit_chunks(out, op.inputs[1 - place], list(labels[1 - place]), axis, size)
        whole = {axis} if schema(w).extents[axis] == 1 else set[str]()
        joined = out.join([out.without(x, whole), out.without(w, whole)])
        product = scaled_dot("w")
        if set(schema(joined).extents) == set(result):
            value = rel.ProjectOp(joined, {k: k for k in result}, {"v": product})
        else:
            total = not ten.is_sparse(ten.tensor(op.result))
            value = rel.AggregateOp(joined, list(result), {"v": call("sum", product)}, total)
        contracted = out.emit(value)
        rewriter.replace(op, [*out.ops, as_tensor(contracted, ten.tensor(op.result))])
