"""reshape, slice and sparsify as computed keys and selections."""

from math import prod

from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from tensorjoin.dialects import rel, ten
from tensorjoin.dialects.expression import call, col, lit
from tensorjoin.dialects.rel import AssignmentAttr, schema
from tensorjoin.passes.ten_to_rel.values import Emitter, as_tensor, axis_names, element, key
from tensorjoin.reshape import axis_groups


class ConvertReshape(RewritePattern):
    """ten.reshape [p, 64] -> [p, 8, 8] -> project [p, h = idiv(o, 8), d = mod(o, 8)]"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.ReshapeOp, rewriter: PatternRewriter, /):
        old, new = ten.tensor(op.input).get_shape(), ten.tensor(op.result).get_shape()
        out = Emitter()
        rows = out.rows(op.input, [f"k{axis}" for axis in range(len(old))])
        names = axis_names(op.result)
        keys: dict[int, AssignmentAttr] = {}
        for group in axis_groups(old, new):
            flat = flatten([(col(f"k{axis}"), old[axis]) for axis in group.old])
            wide = [axis for axis in group.new if new[axis] != 1]
            for axis in group.new:
                inner = prod(new[other] for other in group.new if other > axis)
                outermost = axis == wide[0] if wide else False
                index = unflatten(flat, inner, None if outermost else new[axis])
                keys[axis] = AssignmentAttr(names[axis], index, new[axis])
        ordered = [keys[axis] for axis in range(len(new))]
        reshaped = out.emit(rel.ProjectOp(rows, ordered, element(rows)))
        rewriter.replace(op, [*out.ops, as_tensor(reshaped, ten.tensor(op.result))])


def flatten(axes: list[tuple[Attribute, int]]) -> Attribute:
    """The row-major position of an element, from its index and extent on each axis."""
    indices = [index for index, extent in axes if extent != 1] or [lit(0)]
    extents = [extent for _, extent in axes if extent != 1] or [1]
    flat = indices[0]
    for index, extent in zip(indices[1:], extents[1:], strict=True):
        flat = call("add", call("mul", flat, lit(extent)), index)
    return flat


def unflatten(flat: Attribute, inner: int, extent: int | None) -> Attribute:
    """The index on an axis of `extent` with `inner` positions a step; the outermost has None."""
    if extent == 1:
        return lit(0)
    index = flat if inner == 1 else call("idiv", flat, lit(inner))
    return index if extent is None else call("mod", index, lit(extent))


class ConvertSlice(RewritePattern):
    """ten.slice %x axis 1 from 64 -> project(select(x)) with the key moved"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.SliceOp, rewriter: PatternRewriter, /):
        out = Emitter()
        names = axis_names(op.result)
        axis, offset = op.axis.value.data, op.offset.value.data
        size = ten.tensor(op.result).get_shape()[axis]
        piece = sliced(out, out.rows(op.input, names), names[axis], offset, size)
        rewriter.replace(op, [*out.ops, as_tensor(piece, ten.tensor(op.result))])


def sliced(out: Emitter, rows: SSAValue, name: str, offset: int, size: int) -> SSAValue:
    """The rows whose key `name` is one of `size` that follow, numbered from 0."""
    inside = call(
        "and", call("ge", col(name), lit(offset)), call("lt", col(name), lit(offset + size))
    )
    selected = out.emit(rel.SelectOp(rows, inside))
    index = call("sub", col(name), lit(offset)) if offset else col(name)
    names, values = schema(rows).extents, schema(rows).values
    keys = [AssignmentAttr(n, index, size) if n == name else key(n) for n in names]
    return out.emit(rel.ProjectOp(selected, keys, {n: col(n) for n in values}))


class ConvertSparsify(RewritePattern):
    """ten.sparsify %flags -> project(select(flags where v)) without a value"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.SparsifyOp, rewriter: PatternRewriter, /):
        out = Emitter()
        rows = out.rows(op.input, axis_names(op.result))
        kept = out.emit(rel.SelectOp(rows, col("v")))
        mask = out.emit(rel.ProjectOp(kept, {k: k for k in schema(rows).extents}, {}))
        rewriter.replace(op, [*out.ops, as_tensor(mask, ten.tensor(op.result))])
