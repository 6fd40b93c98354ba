"""
Tensors as relations, while a module is being converted.

A converted tensor is an `unrealized_conversion_cast` of its relation: one key for each axis, in
order, and the element in column `v`. Where a `layout` says that an axis is cut in chunks, its key
numbers the chunks and `v` is a vector. A sparse tensor of booleans, all true, has no `v`. Where
`abreast` names an axis, its elements lie in one row: no key numbers them, and they are in columns
`v0`, `v1`, ...
"""

from collections.abc import Collection, Sequence

from xdsl.dialects.builtin import IntAttr, UnrealizedConversionCastOp, VectorType, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.utils.hints import isa

from tensorjoin.dialects import rel, ten
from tensorjoin.dialects.expression import call, col, lit
from tensorjoin.dialects.layout import LayoutAttr, Storage
from tensorjoin.dialects.rel import AssignmentAttr, schema
from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.ten_to_rel.gaps import has_gaps

LAYOUT = "layout"
ABREAST = "abreast"


def as_tensor(
    relation: SSAValue | Operation,
    type: ten.Tensor,
    layout: LayoutAttr | None = None,
    abreast: int | None = None,
) -> UnrealizedConversionCastOp:
    cast = UnrealizedConversionCastOp.get([relation], [type])
    if layout is not None and layout.is_chunked:
        cast.attributes[LAYOUT] = layout
    if abreast is not None:
        cast.attributes[ABREAST] = IntAttr(abreast)
    return cast


def relation_of(tensor: SSAValue) -> SSAValue:
    """The relation that stands for a converted tensor."""
    if not isinstance(cast := tensor.owner, UnrealizedConversionCastOp):
        raise TensorjoinError(f"no relational form for {tensor.owner}")
    return cast.inputs[0]


def layout_of(tensor: SSAValue) -> LayoutAttr | None:
    """The layout of a converted tensor whose rows hold chunks, else None."""
    layout = tensor.owner.attributes.get(LAYOUT) if isinstance(tensor.owner, Operation) else None
    return layout if isinstance(layout, LayoutAttr) else None


def abreast_of(tensor: SSAValue) -> int | None:
    """The axis of a converted tensor whose elements lie in one row."""
    axis = tensor.owner.attributes.get(ABREAST) if isinstance(tensor.owner, Operation) else None
    return axis.data if isa(axis, IntAttr) else None


def part_columns(count: int, column: str = "v") -> list[str]:
    """The names of columns that lie in one row."""
    return [f"{column}{part}" for part in range(count)]


class Emitter:
    """Collects the relational ops that replace one tensor op."""

    def __init__(self) -> None:
        self.ops: list[Operation] = []

    def emit(self, op: Operation) -> SSAValue:
        self.ops.append(op)
        return op.results[0]

    def named(self, tensor: SSAValue, names: Sequence[str], column: str = "v") -> SSAValue:
        """The relation of a tensor, its keys renamed, its element in `column`; chunks stay."""
        if (axis := abreast_of(tensor)) is not None:
            return self.apart(tensor, names, axis, column)
        if (layout := layout_of(tensor)) is not None and layout.parts.data != 1:
            raise TensorjoinError(
                "a weight in parts is read by products alone, as their second factor"
            )
        relation = relation_of(tensor)
        keys = dict(zip(names, schema(relation).extents, strict=True))
        values = element(relation, column)
        if keys == {name: name for name in names} and (column == "v" or not values):
            return relation
        return self.emit(rel.ProjectOp(relation, keys, values))

    def apart(self, tensor: SSAValue, names: Sequence[str], axis: int, column: str) -> SSAValue:
        """As `named`, with a row for each element along an axis whose elements lie in one."""
        relation, number = relation_of(tensor), names[axis]
        others = [name for name in names if name != number]
        parts = {name: col(name) for name in schema(relation).values}
        keys = dict(zip(others, schema(relation).extents, strict=True))
        renamed = self.emit(rel.ProjectOp(relation, keys, parts))
        numbered = self.emit(rel.JoinOp([renamed, self.emit(rel.RangeOp(number, len(parts)))]))
        value = chosen(col(number), list(parts.values()))
        return self.emit(rel.ProjectOp(numbered, {name: name for name in names}, {column: value}))

    def rows(self, tensor: SSAValue, names: Sequence[str], column: str = "v") -> SSAValue:
        """As `named`, with one row for each element: chunks are taken apart."""
        if (layout := layout_of(tensor)) is None:
            return self.named(tensor, names, column)
        if layout.is_packed:
            raise TensorjoinError("a weight in lanes is read by contractions and look-ups alone")
        size, name = layout.size.data, names[layout.axis.data]
        chunks = self.named(tensor, names)
        slots = self.emit(rel.RangeOp("slot", size))
        extent = ten.tensor(tensor).get_shape()[layout.axis.data]
        element = self.emit(rel.JoinOp([chunks, slots]))
        start = call("mul", col(name), lit(size))
        index = col("slot") if extent == size else call("add", start, col("slot"))
        if extent % size:
            element = self.emit(rel.SelectOp(element, call("lt", index, lit(extent))))
        keys = [AssignmentAttr(n, index, extent) if n == name else key(n) for n in names]
        value = {column: call("element", col("v"), col("slot"))}
        return self.emit(rel.ProjectOp(element, keys, value))

    def chunks(
        self, tensor: SSAValue, names: Sequence[str], axis: str, size: int, column: str
    ) -> SSAValue:
        """As `named`, with one row for each chunk of `size` float32 along `axis`."""
        layout = layout_of(tensor)
        cut = (layout.axis.data, layout.size.data) if layout else None
        if layout and layout.storage.data != Storage.HALVES and cut == (names.index(axis), size):
            return self.named(tensor, names, column)
        rows = self.rows(tensor, names)
        packed = self.packed(tensor, rows, axis, size)
        slotted = self.slotted(rows, axis, size)
        return self.emit(rel.AggregateOp(slotted, list(names), {column: packed}))

    def packed(self, tensor: SSAValue, rows: SSAValue, axis: str, size: int) -> Attribute:
        """What packs the elements of a chunk of `size` along `axis`, in `rows` of a tensor."""
        is_sparse = ten.is_sparse(ten.tensor(tensor)) and has_gaps(rows, axis)
        function = "pack_sparse" if is_sparse else "pack"
        return call(function, col("v"), col("slot"), lit(size))

    def slotted(self, rows: SSAValue, axis: str, size: int) -> SSAValue:
        """Rows of elements, keyed by the number of their chunk along `axis` and the slot in it."""
        extents = schema(rows).extents
        is_whole = extents[axis] == size
        number = lit(0) if is_whole else call("idiv", col(axis), lit(size))
        place = col(axis) if is_whole else call("mod", col(axis), lit(size))
        chunk = AssignmentAttr(axis, number, -(-extents[axis] // size))
        slot = AssignmentAttr("slot", place, size)
        keys = [chunk if name == axis else key(name) for name in extents]
        return self.emit(rel.ProjectOp(rows, [*keys, slot], {"v": col("v")}))

    def integral(self, relation: SSAValue, type: ten.Tensor) -> SSAValue:
        """A relation of sums: those of integers are integers again, which engines widen."""
        if type.get_element_type() != i64:
            return relation
        keys = {name: name for name in schema(relation).extents}
        return self.emit(rel.ProjectOp(relation, keys, {"v": call("long", col("v"))}))

    def without(self, relation: SSAValue, keys: Collection[str]) -> SSAValue:
        """A relation without some of its keys, each of extent 1."""
        type = schema(relation)
        kept = {name: name for name in type.extents if name not in keys}
        if len(kept) == len(type.extents):
            return relation
        return self.emit(rel.ProjectOp(relation, kept, {name: col(name) for name in type.values}))

    def join(self, relations: Sequence[SSAValue]) -> SSAValue:
        return relations[0] if len(relations) == 1 else self.emit(rel.JoinOp(relations))


def chosen(number: Attribute, choices: Sequence[Attribute]) -> Attribute:
    """The choice that `number` counts, from 0."""
    choice = choices[-1]
    for k in reversed(range(len(choices) - 1)):
        choice = call("if", call("eq", number, lit(k)), choices[k], choice)
    return choice


def element(relation: SSAValue, column: str = "v") -> dict[str, Attribute]:
    """What a projection assigns to carry the element on in `column`; a mask has none."""
    return {column: col("v")} if "v" in schema(relation).values else {}


def key(name: str) -> AssignmentAttr:
    return AssignmentAttr(name, col(name))


def axis_names(tensor: SSAValue) -> list[str]:
    """Names for the axes of a tensor: those by which its first user calls them."""
    for use in tensor.uses:
        match op := use.operation:
            case ten.MapOp() | ten.ContractOp() | ten.GatherOp() | ten.ReduceOp() | ten.ScatterOp():
                labels, _ = ten.parse_indices(op.indices.data)
                return list(labels[use.index])
            case ten.AppendOp():
                return ["p", *(name.data for name in op.keys.data[1:])]
            case ten.OutputOp():
                return [name.data for name in op.keys]
            case ten.SparsifyOp() | ten.FillOp() | ten.RankOp() | ten.RunningSumOp():
                return axis_names(op.result)
            case ten.ConcatOp():
                return axis_names(op.result)
            case _:
                pass
    return list("abcdefghijklmnopqrstuwyz"[: len(ten.tensor(tensor).get_shape())])


def is_vector(type: Attribute) -> bool:
    return isinstance(type, VectorType)
