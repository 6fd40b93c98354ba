"""
Tensors whose elements along a short axis stand abreast: one row holds them, as columns v0, v1, ...

The product with a weight in parts is one. What a rotation makes of its pairs needs no other row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce

from xdsl.dialects.builtin import f32, f64, i1
from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern
from xdsl.rewriter import InsertPoint

from tensorjoin.dialects import rel, ten
from tensorjoin.dialects.expression import call, col, lit
from tensorjoin.dialects.rel import schema
from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.ten_to_rel.algebra import summed_over
from tensorjoin.passes.ten_to_rel.parts import PartedProduct, products, scaled
from tensorjoin.passes.ten_to_rel.shape import sliced
from tensorjoin.passes.ten_to_rel.values import (
    Emitter,
    abreast_of,
    as_tensor,
    layout_of,
    part_columns,
    relation_of,
)


class ConvertProductAbreast(RewritePattern):
    """
    ten.contract "pi,hrfi->phrf" (%x, %w) with the parts of %w of axis r
      -> aggregate(join(x, w)) by [p, h, f] {v0 = sum(dot(x, v0)), v1 = ...}
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.ContractOp, rewriter: PatternRewriter, /):
        if len(op.inputs) != 2 or (layout := layout_of(op.inputs[1])) is None:
            return
        if (parted := layout.parted.data) == 0:
            return
        (letters, names), result = ten.parse_indices(op.indices.data)
        summed = names[layout.axis.data]
        if names[parted] not in result or summed not in letters or summed in result:
            raise TensorjoinError(
                "a weight in parts is read by products alone that keep these and sum its chunks"
            )
        product, out = PartedProduct(op, parted), Emitter()
        scaling, columns = product.scaling(), part_columns(layout.parts.data)
        relation = products(out, op, columns, layout)
        if scaling is not None:
            relation = scaled(out, scaling, op, relation, columns)
        last = scaling or op
        type = ten.tensor(last.result)
        rewriter.replace(last, [*out.ops, as_tensor(relation, type, abreast=product.axis)])
        if scaling is not None:
            rewriter.erase(op)


class ConvertSliceAbreast(RewritePattern):
    """ten.slice of another axis -> project(select(x)), all columns kept"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.SliceOp, rewriter: PatternRewriter, /):
        abreast, axis = abreast_of(op.input), op.axis.value.data
        if abreast is None or abreast == axis:
            return
        out, rows = Emitter(), relation_of(op.input)
        name = list(schema(rows).extents)[axis - (abreast < axis)]
        size = ten.tensor(op.result).get_shape()[axis]
        piece = sliced(out, rows, name, op.offset.value.data, size)
        rewriter.replace(op, [*out.ops, as_tensor(piece, ten.tensor(op.result), abreast=abreast)])


@dataclass
class ConvertContractAbreast(RewritePattern):
    """
    ten.contract "phrf,psrf->phsf" (%x, %y), x abreast along r
      -> project(join(x, pivot y)) {v = v0 * y0 + v1 * y1}
    """

    pivots: dict[tuple[SSAValue, str, str], SSAValue] = field(
        default_factory=dict[tuple[SSAValue, str, str], SSAValue]
    )
    """Each tensor that such contractions read, with its axes named and one of them abreast."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.ContractOp, rewriter: PatternRewriter, /):
        labels, result = ten.parse_indices(op.indices.data)
        if (pair := paired(op, labels, result)) is None:
            return
        place, other, axis = pair
        out, count = Emitter(), ten.tensor(op.inputs[place]).get_shape()[labels[place].index(axis)]
        x = relation_of(op.inputs[place])
        names = [letter for letter in labels[place] if letter != axis]
        renamed = dict(zip(names, schema(x).extents, strict=True))
        inputs = [
            out.emit(rel.ProjectOp(x, renamed, {name: col(name) for name in schema(x).values})),
            self.pivoted(op.inputs[other], labels[other], axis, rewriter),
        ]
        products = [
            call("mul", *map(col, pair))
            for pair in zip(part_columns(count), part_columns(count, "y"), strict=True)
        ]
        product = reduce(lambda a, b: call("add", a, b), products)
        for k, (tensor, letters) in enumerate(zip(op.inputs, labels, strict=True)):
            if k not in (place, other):
                inputs.append(out.rows(tensor, list(letters), f"x{k}"))
                if schema(inputs[-1]).values.get(f"x{k}", i1) != i1:
                    product = call("mul", product, col(f"x{k}"))
        contracted = summed_over(out, op, out.join(inputs), product)
        rewriter.replace(op, [*out.ops, as_tensor(contracted, ten.tensor(op.result))])

    def pivoted(
        self, tensor: SSAValue, letters: str, axis: str, rewriter: PatternRewriter
    ) -> SSAValue:
        """A tensor with its elements along an axis abreast, as y0, y1, ...; computed once."""
        if (known := self.pivots.get((tensor, letters, axis))) is not None:
            return known
        out = Emitter()
        rows = out.rows(tensor, list(letters))
        count = schema(rows).extents[axis]
        values = {
            name: call("sum", call("if", call("eq", col(axis), lit(k)), col("v"), lit(0.0)))
            for k, name in enumerate(part_columns(count, "y"))
        }
        by = [letter for letter in letters if letter != axis]
        total = not ten.is_sparse(ten.tensor(tensor))
        pivot = out.emit(rel.AggregateOp(rows, by, values, total))
        # Where the tensor is computed: a loop need not do it again.
        assert isinstance(tensor.owner, Operation)
        rewriter.insert(out.ops, InsertPoint.after(tensor.owner))
        self.pivots[tensor, letters, axis] = pivot
        return pivot


def paired(op: ten.ContractOp, labels: Sequence[str], result: str) -> tuple[int, int, str] | None:
    """Which input stands abreast along an axis that is summed over, which other has it, and it."""
    for place, tensor in enumerate(op.inputs):
        if (abreast := abreast_of(tensor)) is None or (axis := labels[place][abreast]) in result:
            continue
        others = [k for k, letters in enumerate(labels) if axis in letters and k != place]
        if len(others) == 1 and is_number(op.inputs[others[0]]):
            return place, others[0], axis
    return None


def is_number(tensor: SSAValue) -> bool:
    return ten.tensor(tensor).get_element_type() in (f32, f64)
