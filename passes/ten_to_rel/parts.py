"""What reads a weight in parts that lie beside each other: a product, and the slices of it."""

from dataclasses import dataclass

from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern
from xdsl.rewriter import InsertPoint

from tensorjoin.dialects import rel, ten
from tensorjoin.dialects.expression import call, col
from tensorjoin.dialects.layout import LayoutAttr, Storage
from tensorjoin.dialects.rel import schema
from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.rel.analysis.views import is_before
from tensorjoin.passes.ten_to_rel.halves import scaled_dot, unit_chunks
from tensorjoin.passes.ten_to_rel.scalars import scalar_expressions
from tensorjoin.passes.ten_to_rel.values import (
    Emitter,
    as_tensor,
    layout_of,
    part_columns,
    relation_of,
)


@dataclass(frozen=True)
class PartedProduct:
    """A contraction with a weight, read in slices along an axis of the weight."""

    contract: ten.ContractOp
    parted: int = 0
    """The axis of the weight."""

    @property
    def axis(self) -> int:
        """The axis of the product that this is."""
        (_, letters), result = ten.parse_indices(self.contract.indices.data)
        return result.index(letters[self.parted])

    @property
    def extent(self) -> int:
        return ten.tensor(self.contract.result).get_shape()[self.axis]

    def scaling(self) -> ten.MapOp | None:
        """The map that alone reads the product, in one expression, and no other along the axis."""
        use = next(iter(self.contract.result.uses), None)
        if use is None or not self.contract.result.has_one_use():
            return None
        if not isinstance(op := use.operation, ten.MapOp):
            return None
        labels, result = ten.parse_indices(op.indices.data)
        letters = labels.pop(use.index)
        steps, _ = scalar_expressions(op, [col("x") for _ in op.inputs])
        is_alike = letters == result and letters[self.axis] not in "".join(labels)
        others = [value for value in op.inputs if value != self.contract.result]
        is_ready = all(is_before(value, self.contract) for value in others)
        return op if is_alike and is_ready and not steps else None

    def parts(self, count: int) -> list[ten.SliceOp]:
        """
        The slices which alone read the product, or what scales it, in order, if each is one of
        `count` parts; else none.
        """
        scaling = self.scaling()
        value, size = (scaling or self.contract).result, self.extent // count
        readers = [use.operation for use in value.uses]
        slices = [op for op in readers if isinstance(op, ten.SliceOp) and self.cuts(op, size)]
        if len(slices) != len(readers):
            return []
        return sorted(slices, key=lambda slice: slice.offset.value.data)

    def cuts(self, slice: ten.SliceOp, size: int) -> bool:
        """Whether a slice is one of the parts of so many rows."""
        extent = ten.tensor(slice.result).get_shape()[self.axis]
        is_part = slice.offset.value.data % size == 0 and extent == size
        return slice.axis.value.data == self.axis and is_part


class ConvertContractOfParts(RewritePattern):
    """
    ten.slice (ten.contract "pi,oi->po" (%x, %w)) axis 1 from 768
      -> project(aggregate(join(x, w)) by [p, o] {v0 = sum(dot(x, v0)), v1 = ...}) {v = v1}
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.ContractOp, rewriter: PatternRewriter, /):
        if len(op.inputs) != 2 or (layout := layout_of(op.inputs[1])) is None:
            return
        if layout.parts.data == 1 or layout.parted.data != 0:
            return
        product, out = PartedProduct(op), Emitter()
        columns = part_columns(layout.parts.data)
        if not (slices := product.parts(len(columns))):
            raise TensorjoinError("the parts of a product are read by slices alone, one each")
        _, result = ten.parse_indices(op.indices.data)
        relation = products(out, op, columns, layout)
        if (scaling := product.scaling()) is not None:
            relation = scaled(out, scaling, op, relation, columns)
        rewriter.insert(out.ops, InsertPoint.before(scaling or op))
        size = product.extent // len(columns)
        for slice in slices:
            column = columns[slice.offset.value.data // size]
            part = rel.ProjectOp(relation, {k: k for k in result}, {"v": col(column)})
            rewriter.replace(slice, [part, as_tensor(part, ten.tensor(slice.result))])
        if scaling is not None:
            rewriter.erase(scaling)
        rewriter.erase(op)


def products(out: Emitter, op: ten.ContractOp, columns: list[str], layout: LayoutAttr) -> SSAValue:
    """The product of each part, a column each, with a weight that has this layout."""
    (letters, names), result = ten.parse_indices(op.indices.data)
    axis, size = names[layout.axis.data], layout.size.data
    is_half = layout.storage.data == Storage.HALVES
    if is_half:
        x = unit_chunks(out, op.inputs[0], list(letters), axis, size)
    else:
        x = out.chunks(op.inputs[0], list(letters), axis, size, "x")
    weight = relation_of(op.inputs[1])
    if parted := layout.parted.data:
        result = result.replace(names[parted], "")
        names = names.replace(names[parted], "")
    keys = dict(zip(names, schema(weight).extents, strict=True))
    w = out.emit(rel.ProjectOp(weight, keys, {name: col(name) for name in columns}))
    whole = {axis} if schema(w).extents[axis] == 1 else set[str]()
    joined = out.join([out.without(x, whole), out.without(w, whole)])
    dots = {
        name: scaled_dot(name) if is_half else call("dot", col("x"), col(name)) for name in columns
    }
    if set(schema(joined).extents) == set(result):
        return out.emit(rel.ProjectOp(joined, {k: k for k in result}, dots))
    sums = {name: call("sum", dot) for name, dot in dots.items()}
    total = not ten.is_sparse(ten.tensor(op.result))
    return out.emit(rel.AggregateOp(joined, list(result), sums, total))


def scaled(
    out: Emitter,
    op: ten.MapOp,
    product: ten.ContractOp,
    relation: SSAValue,
    columns: list[str],
) -> SSAValue:
    """What a map computes of each part of a product, by the product's names for the axes."""
    labels, own = ten.parse_indices(op.indices.data)
    _, result = ten.parse_indices(product.indices.data)
    renamed = str.maketrans(own, result)
    arguments: list[Attribute] = []
    inputs = [relation]
    for number, (value, letters) in enumerate(zip(op.inputs, labels, strict=True)):
        arguments.append(col(f"x{number}"))
        if value != product.result:
            inputs.append(out.rows(value, list(letters.translate(renamed)), f"x{number}"))
    place = list(op.inputs).index(product.result)
    joined = out.join(inputs)
    values: dict[str, Attribute] = {}
    for name in columns:
        arguments[place] = col(name)
        _, values[name] = scalar_expressions(op, arguments)
    # The parts of one index each have no key for it.
    keys = {k: k for k in result if k in schema(joined).extents}
    return out.emit(rel.ProjectOp(joined, keys, values))
