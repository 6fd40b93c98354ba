"""iota, concat, fill and scatter: relations made, put together and keyed anew."""

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, i1, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from tensorjoin.dialects import rel, ten
from tensorjoin.dialects.expression import call, col, lit
from tensorjoin.dialects.rel import AssignmentAttr, RelationType, schema
from tensorjoin.passes.ten_to_rel.scalars import number
from tensorjoin.passes.ten_to_rel.values import Emitter, as_tensor, axis_names, element, key

LITERAL_ROWS = 64
"""
The longest range that is spelt out; a longer one is a product of shorter ones. That is no engine's:
it keeps the text of a module short, in which a range of any length is a few lines.
"""


def numbers(out: Emitter, name: str, extent: int) -> SSAValue:
    """A relation of one key that counts from 0 to below `extent`."""
    if extent <= LITERAL_ROWS:
        return out.emit(rel.RangeOp(name, extent))
    high = numbers(out, f"{name}high", -(-extent // LITERAL_ROWS))
    low = numbers(out, f"{name}low", LITERAL_ROWS)
    index = call("add", call("mul", col(f"{name}high"), lit(LITERAL_ROWS)), col(f"{name}low"))
    pairs = out.emit(rel.JoinOp([high, low]))
    if extent % LITERAL_ROWS:
        pairs = out.emit(rel.SelectOp(pairs, call("lt", index, lit(extent))))
    return out.emit(rel.ProjectOp(pairs, [AssignmentAttr(name, index, extent)], {}))


class ConvertIota(RewritePattern):
    """ten.iota -> project(range) {v = its key}"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.IotaOp, rewriter: PatternRewriter, /):
        out = Emitter()
        (name,) = axis_names(op.result)
        (extent,) = ten.tensor(op.result).get_shape()
        rows = numbers(out, name, extent)
        counted = out.emit(rel.ProjectOp(rows, {name: name}, {"v": call("long", col(name))}))
        rewriter.replace(op, [*out.ops, as_tensor(counted, ten.tensor(op.result))])


class ConvertConcat(RewritePattern):
    """ten.concat %x, %y axis 0 -> union(x, project(y) [a = a + 3])"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.ConcatOp, rewriter: PatternRewriter, /):
        out = Emitter()
        type, axis = ten.tensor(op.result), op.axis.value.data
        names = axis_names(op.result)
        extents = dict(zip(names, type.get_shape(), strict=True))
        pieces: list[SSAValue] = []
        offset = 0
        for input in op.inputs:
            rows = out.rows(input, names)
            index = call("add", col(names[axis]), lit(offset)) if offset else col(names[axis])
            keys = [
                AssignmentAttr(name, index, extent) if name == names[axis] else key(name)
                for name, extent in extents.items()
            ]
            pieces.append(out.emit(rel.ProjectOp(rows, keys, element(rows))))
            offset += ten.tensor(input).get_shape()[axis]
        values = schema(pieces[0]).values
        whole = rel.UnionOp(pieces, RelationType(extents, values, ten.is_sparse(type)))
        rewriter.replace(op, [*out.ops, whole, as_tensor(whole, type)])


class ConvertFill(RewritePattern):
    """ten.fill %x with c -> of union(x, c at all indices) the first row of each index"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.FillOp, rewriter: PatternRewriter, /):
        out = Emitter()
        type, names = ten.tensor(op.result), axis_names(op.result)
        extents = dict(zip(names, type.get_shape(), strict=True))
        keys = {name: name for name in names}
        rows = out.rows(op.input, names)
        # What is in a mask is true.
        value = element(rows) or {"v": boolean(True)}
        there = out.emit(rel.ProjectOp(rows, keys, {**value, "filled": lit(0)}))
        ranges = [numbers(out, name, extent) for name, extent in extents.items()]
        filler = {"v": literal(op.value), "filled": lit(1)}
        every = out.emit(rel.ProjectOp(joined(out, ranges), keys, filler))
        both = out.emit(rel.UnionOp([there, every], RelationType(extents, schema(there).values)))
        first = {"first": call("row_number")}
        ranked = out.emit(rel.WindowOp(both, names, {"filled": False}, first))
        chosen = out.emit(rel.SelectOp(ranked, call("eq", col("first"), lit(1))))
        whole = out.emit(rel.ProjectOp(chosen, keys, {"v": col("v")}))
        rewriter.replace(op, [*out.ops, as_tensor(whole, type)])


def joined(out: Emitter, ranges: list[SSAValue]) -> SSAValue:
    """The product of ranges; of none, the one row without columns."""
    if ranges:
        return out.join(ranges)
    one = out.emit(rel.ValuesOp([0], RelationType({}, {"v": i64})))
    return out.emit(rel.ProjectOp(one, {}, {}))


class ConvertScatter(RewritePattern):
    """ten.scatter "ij,i->rj" %x, %ids by sum -> aggregate(join(x, ids)) by [r = id, j]"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.ScatterOp, rewriter: PatternRewriter, /):
        out = Emitter()
        type = ten.tensor(op.result)
        (letters, id_letters), result = ten.parse_indices(op.indices.data)
        rows = out.rows(op.input, list(letters))
        joined = out.join([rows, out.rows(op.ids, list(id_letters), "id")])
        extent = type.get_shape()[result.index(op.axis)]
        inside = call("and", call("ge", col("id"), lit(0)), call("lt", col("id"), lit(extent)))
        kept = out.emit(rel.SelectOp(joined, inside))
        # Elements that may meet keep the keys that tell them apart until they are folded.
        names = result if op.kind is None else [*schema(kept).extents, op.axis]
        keys = [
            AssignmentAttr(op.axis, col("id"), extent) if name == op.axis else key(name)
            for name in names
        ]
        moved = out.emit(rel.ProjectOp(kept, keys, {"v": col("v")}))
        if op.kind is not None:
            folded = {"v": call(op.kind.data.value, col("v"))}
            total = not ten.is_sparse(type)
            moved = out.emit(rel.AggregateOp(moved, list(result), folded, total))
            moved = out.integral(moved, type)
        rewriter.replace(op, [*out.ops, as_tensor(moved, type)])


def boolean(value: bool) -> Attribute:
    return call("eq", lit(0), lit(0 if value else 1))


def literal(value: Attribute) -> Attribute:
    match value:
        case IntegerAttr() if value.type == i1:
            return boolean(bool(value.value.data))
        case IntegerAttr():
            return call("long", lit(value.value.data))
        case FloatAttr():
            return number(value.value.data)
        case _:
            raise ValueError(f"{value} is no scalar")
