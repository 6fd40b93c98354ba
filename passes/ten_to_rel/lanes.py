"""
What reads a weight in lanes: contractions and look-ups.

A row of the weight holds `v`, a vector of integers (or of doubles that hold integers) in which
several indices of the first axis share a number, and `s`, the scale of each of these lanes, for one
group of `v` after the other (see `tensorjoin.lanes`).
"""

from collections.abc import Sequence
from functools import reduce

from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from tensorjoin.dialects import rel, ten
from tensorjoin.dialects.expression import call, col, lit
from tensorjoin.dialects.layout import LayoutAttr, Storage
from tensorjoin.dialects.rel import AssignmentAttr, schema
from tensorjoin.lanes import ACTIVATION_BITS, bias, lane_bits, largest
from tensorjoin.passes.ten_to_rel.values import (
    Emitter,
    as_tensor,
    chosen,
    key,
    layout_of,
    relation_of,
)

STEPS = float(largest(ACTIVATION_BITS))


def lanes_of(tensor: SSAValue) -> LayoutAttr | None:
    """The layout of a weight in lanes, else None."""
    layout = layout_of(tensor)
    return layout if layout is not None and layout.is_packed else None


def as_digits(packed: Attribute, layout: LayoutAttr) -> Attribute:
    """A number that elements share, or a sum of such, with no negative lane but the last."""
    shift = bias(lane_bits(layout.group, layout.bits.data), layout.lanes.data)
    integer = call("to_long", packed) if layout.storage.data == Storage.DOUBLES else packed
    return call("add", integer, lit(shift)) if shift else integer


def lane(digits: Attribute, layout: LayoutAttr, number: int) -> Attribute:
    """One lane of a packed number, which is a digit."""
    width, lanes = lane_bits(layout.group, layout.bits.data), layout.lanes.data
    digit = call("shift_right", digits, lit(width * number)) if number else digits
    if number == lanes - 1:
        return digit
    return call("sub", call("bit_and", digit, lit((1 << width) - 1)), lit(1 << (width - 1)))


def scaled_lane(digits: Attribute, layout: LayoutAttr, number: int, place: Attribute) -> Attribute:
    """One lane of a packed number as the float that it stands for; its scale has a place in `s`."""
    return call("mul", lane(digits, layout, number), call("element", col("s"), place))


def scale_place(layout: LayoutAttr, number: int) -> Attribute:
    """The place of a lane's scale among those of a row whose `group` is known."""
    if layout.columns.data == 1:
        return lit(number)
    return call("add", call("mul", col("group"), lit(layout.lanes.data)), lit(number))


def renamed(out: Emitter, tensor: SSAValue, names: Sequence[str]) -> SSAValue:
    """The relation of a weight in lanes, with its keys renamed."""
    relation = relation_of(tensor)
    keys = dict(zip(names, schema(relation).extents, strict=True))
    return out.emit(rel.ProjectOp(relation, keys, {"v": col("v"), "s": col("s")}))


def quantized(
    out: Emitter, tensor: SSAValue, names: Sequence[str], axis: str, layout: LayoutAttr
) -> SSAValue:
    """
    A tensor in the chunks of a layout along `axis`, each a vector of integers `x` and, for each
    group, the scale `m`, a 127th of the largest magnitude of its elements: an element is about x m,
    rounded half away from zero.
    """
    size, groups = layout.group, layout.columns.data
    slotted = out.slotted(out.rows(tensor, names), axis, size)
    magnitude = {"m": call("max", call("abs", col("v")))}
    joined = out.join([slotted, out.emit(rel.AggregateOp(slotted, list(names), magnitude))])
    steps = call("div", call("mul", col("v"), lit(STEPS)), col("m"))
    half = call("if", call("lt", col("v"), lit(0.0)), lit(-0.5), lit(0.5))
    rounded = call("to_long", call("add", steps, half))
    integer = call("if", call("eq", col("m"), lit(0.0)), call("to_long", lit(0)), rounded)
    slots = {name: name for name in (*names, "slot")}
    scale = call("div", col("m"), lit(STEPS))
    integers = out.emit(rel.ProjectOp(joined, slots, {"x": integer, "m": scale}))
    pack = "pack_double" if layout.storage.data == Storage.DOUBLES else "pack"
    packed = call(pack, col("x"), col("slot"), lit(size))
    vectors = {"x": packed, "m": call("max", col("m"))}
    whole = out.emit(rel.AggregateOp(integers, list(names), vectors))
    return whole if groups == 1 else side_by_side(out, whole, axis, layout)


def side_by_side(out: Emitter, rows: SSAValue, axis: str, layout: LayoutAttr) -> SSAValue:
    """Groups `x` and `m` along `axis`, one in a row -> as many in a row as a chunk has."""
    groups, extents = layout.columns.data, schema(rows).extents
    chunk = AssignmentAttr(axis, call("idiv", col(axis), lit(groups)), -(-extents[axis] // groups))
    place = AssignmentAttr("group", call("mod", col(axis), lit(groups)), groups)
    keys = [chunk if name == axis else key(name) for name in extents]
    placed = out.emit(rel.ProjectOp(rows, [*keys, place], {"x": col("x"), "m": col("m")}))
    vectors = {
        "x": call("pack", col("x"), col("group"), lit(layout.size.data)),
        "m": call("pack", col("m"), col("group"), lit(groups)),
    }
    return out.emit(rel.AggregateOp(placed, list(extents), vectors))


def dots(layout: LayoutAttr) -> dict[str, Attribute]:
    """The packed sum of each group of a row, as digits."""
    groups, size = layout.columns.data, layout.group
    if groups == 1:
        return {"t0": as_digits(call("dot", col("x"), col("v")), layout)}
    cut = {
        k: [call("slice", col(name), lit(k * size), lit(size)) for name in ("x", "v")]
        for k in range(groups)
    }
    return {f"t{k}": as_digits(call("dot", *vectors), layout) for k, vectors in cut.items()}


def lane_sum(layout: LayoutAttr, number: int) -> Attribute:
    """What a row adds to one lane: the sums of its groups, scaled."""
    groups, lanes = layout.columns.data, layout.lanes.data
    parts: list[Attribute] = []
    for group in range(groups):
        scale = col("m") if groups == 1 else call("element", col("m"), lit(group))
        part = scaled_lane(col(f"t{group}"), layout, number, lit(group * lanes + number))
        parts.append(call("mul", part, scale))
    return reduce(lambda a, b: call("add", a, b), parts)


class ConvertContractOfLanes(RewritePattern):
    """
    ten.contract "pi,oi->po" (%x, %w) -> the lanes of dot(x, w), scaled and summed over the chunks

    x is quantised in the same chunks as w; the sum of a lane is exact, and so is its product with
    the scales, as far as a double is.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.ContractOp, rewriter: PatternRewriter, /):
        place = next((k for k, value in enumerate(op.inputs) if lanes_of(value)), None)
        if place is None or (layout := lanes_of(op.inputs[place])) is None:
            return
        out = Emitter()
        labels, result = ten.parse_indices(op.indices.data)
        names, lanes = list(labels[place]), layout.lanes.data
        axis, row = names[layout.axis.data], names[0]
        x = quantized(out, op.inputs[1 - place], list(labels[1 - place]), axis, layout)
        joined = out.join([x, renamed(out, op.inputs[place], names)])
        extents = {k: k for k in schema(joined).extents}
        products = {**dots(layout), "s": col("s"), "m": col("m")}
        packed = out.emit(rel.ProjectOp(joined, extents, products))
        sums, lane_sums = packed, [lane_sum(layout, k) for k in range(lanes)]
        whole = {axis} if schema(packed).extents[axis] == 1 else set[str]()
        if extents.keys() - whole != set(result):
            added = {f"y{k}": call("sum", each) for k, each in enumerate(lane_sums)}
            total = not ten.is_sparse(ten.tensor(op.result))
            sums = out.emit(rel.AggregateOp(packed, list(result), added, total))
            lane_sums = [col(name) for name in added]
        numbered = out.join([sums, out.emit(rel.RangeOp("lane", lanes))])
        extent = ten.tensor(op.inputs[place]).get_shape()[0]
        index = call("add", call("mul", col(row), lit(lanes)), col("lane"))
        if extent % lanes:
            numbered = out.emit(rel.SelectOp(numbered, call("lt", index, lit(extent))))
        keys = [AssignmentAttr(row, index, extent) if n == row else key(n) for n in result]
        value = chosen(col("lane"), lane_sums)
        rows = out.emit(rel.ProjectOp(numbered, keys, {"v": value}))
        rewriter.replace(op, [*out.ops, as_tensor(rows, ten.tensor(op.result))])


class ConvertGatherOfLanes(RewritePattern):
    """ten.gather "ti,p->pi" %table, %ids -> the lanes of the rows which hold the ids, scaled"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.GatherOp, rewriter: PatternRewriter, /):
        if (layout := lanes_of(op.table)) is None:
            return
        out = Emitter()
        (letters, id_letters), result = ten.parse_indices(op.indices.data)
        lanes, size = layout.lanes.data, layout.size.data
        axis = letters[layout.axis.data]
        table = renamed(out, op.table, list(letters))
        ids = out.rows(op.ids, list(id_letters))
        row = AssignmentAttr(
            op.axis, call("idiv", col("v"), lit(lanes)), schema(table).extents[op.axis]
        )
        place = {"lane": call("mod", col("v"), lit(lanes))}
        wanted = out.emit(rel.ProjectOp(ids, [*map(key, id_letters), row], place))
        found = out.join([wanted, table, out.emit(rel.RangeOp("slot", size))])
        extent = ten.tensor(op.table).get_shape()[layout.axis.data]
        index = call("add", call("mul", col(axis), lit(size)), col("slot"))
        if extent % size:
            found = out.emit(rel.SelectOp(found, call("lt", index, lit(extent))))
        keys = [AssignmentAttr(axis, index, extent) if n == axis else key(n) for n in result]
        number = as_digits(call("element", col("v"), col("slot")), layout)
        element = {"t": number, "s": col("s"), "lane": col("lane")}
        if layout.columns.data > 1:
            element["group"] = call("idiv", col("slot"), lit(layout.group))
        packed = out.emit(rel.ProjectOp(found, keys, element))
        value = chosen(
            col("lane"),
            [scaled_lane(col("t"), layout, k, scale_place(layout, k)) for k in range(lanes)],
        )
        rows = out.emit(rel.ProjectOp(packed, {k: k for k in result}, {"v": value}))
        rewriter.replace(op, [*out.ops, as_tensor(rows, ten.tensor(op.result))])
