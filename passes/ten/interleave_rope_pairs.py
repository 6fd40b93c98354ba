"""Weights whose products are rotated in pairs (queries, keys) -> one row for both of a pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, f32, f64
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import GreedyRewritePatternApplier, PatternRewriteWalker
from xdsl.rewriter import InsertPoint, Rewriter

from tensorjoin.context import profile_of
from tensorjoin.dialects import ten
from tensorjoin.dialects.layout import LayoutAttr
from tensorjoin.dialects.ten import is_sparse, parse_indices, tensor, tensor_type
from tensorjoin.passes.canonicalization.ten import ReshapeOfReshape, SameShape
from tensorjoin.passes.ten.interleave_weights import fits, product_with, readers_of_weights
from tensorjoin.passes.ten_to_rel.parts import PartedProduct

PAIR = 2


@dataclass(frozen=True)
class RotatedProduct:
    """A product with a weight [rows, ...], read in slices, some of which are rotated in pairs."""

    weight: ten.WeightOp
    product: PartedProduct
    slices: list[ten.SliceOp]
    cut: tuple[int, int, int]
    """What the rows are cut into: heads, the two of a pair, and the pairs of a head."""


def rotated_product(weight: ten.WeightOp) -> RotatedProduct | None:
    """The product with a weight, if heads are what it is read in."""
    if len(tensor(weight.result).get_shape()) != 2 or (product := product_with(weight)) is None:
        return None
    readers = [use.operation for use in (product.scaling() or product.contract).result.uses]
    slices = [op for op in readers if isinstance(op, ten.SliceOp)]
    rotations = {pairs for slice in slices if (pairs := rotated_pairs(slice, product.axis))}
    if len(slices) != len(readers) or len(rotations) != 1:
        return None
    (pairs,) = rotations
    rows = PAIR * pairs
    if product.extent % rows or not all(is_of_heads(s, product.axis, rows) for s in slices):
        return None
    return RotatedProduct(weight, product, slices, (product.extent // rows, PAIR, pairs))


def is_of_heads(slice: ten.SliceOp, axis: int, rows: int) -> bool:
    """Whether a slice along an axis is of whole heads."""
    bounds = (slice.offset.value.data, tensor(slice.result).get_shape()[axis])
    return slice.axis.value.data == axis and all(bound % rows == 0 for bound in bounds)


def rotated_pairs(slice: ten.SliceOp, axis: int) -> int | None:
    """The pairs of a head where a slice is cut into heads, and a contraction sums over pairs."""
    if not slice.result.has_one_use():
        return None
    reshape = next(iter(slice.result.uses)).operation
    if not isinstance(reshape, ten.ReshapeOp) or not reshape.result.has_one_use():
        return None
    use = next(iter(reshape.result.uses))
    shape = tensor(reshape.result).get_shape()
    head = shape[axis + 1 : axis + 3]
    whole = tensor(slice.result).get_shape()
    is_cut = shape == (*whole[:axis], *shape[axis : axis + 1], *head, *whole[axis + 1 :])
    if not isinstance(op := use.operation, ten.ContractOp) or len(head) != 2 or not is_cut:
        return None
    labels, result = parse_indices(op.indices.data)
    pair = labels[use.index][axis + 1]
    is_summed = pair not in result and sum(pair in letters for letters in labels) == 2
    are_floats = all(tensor(value).get_element_type() in (f32, f64) for value in op.inputs)
    return head[1] if is_summed and are_floats and head[0] == PAIR else None


def cut_axis(type: ten.Tensor, axis: int, extents: Sequence[int]) -> ten.Tensor:
    shape = type.get_shape()
    cut = [*shape[:axis], *extents, *shape[axis + 1 :]]
    return tensor_type(type.get_element_type(), cut, is_sparse(type))


def cut_letter(indices: str, letter: str) -> str:
    """The indices with three letters for one: heads, the two of a pair, frequencies."""
    free = [other for other in f"hrf{ascii_lowercase}" if other not in indices]
    return indices.replace(letter, "".join(free[:3]))


def cut_into_heads(rotated: RotatedProduct, layout: LayoutAttr) -> None:
    """Cut the rows of a weight and the axis of all that is computed of them; it is stored anew."""
    weight, contract, scaling = rotated.weight, rotated.product.contract, rotated.product.scaling()
    axis, cut = rotated.product.axis, rotated.cut
    _, letters = parse_indices(contract.indices.data)
    split = ten.WeightOp(
        weight.symbol.string_value(),
        [source.data for source in weight.sources],
        cut_axis(tensor(weight.result), 0, cut),
        weight.layer,
        weight.layers,
        layout,
        None if weight.gain is None else weight.gain.data,
        weight.transforms,
    )
    type = cut_axis(tensor(contract.result), axis, cut)
    indices = cut_letter(contract.indices.data, letters[axis])
    product = ten.ContractOp(indices, [contract.inputs[0], split.result], type)
    Rewriter.insert_op([split, product], InsertPoint.before(contract))
    value = product.result
    if scaling is not None:
        _, letters = parse_indices(scaling.indices.data)
        inputs = [product.result if v == contract.result else v for v in scaling.inputs]
        scaled = ten.MapOp(
            cut_letter(scaling.indices.data, letters[axis]),
            inputs,
            cut_axis(tensor(scaling.result), axis, cut),
            scaling.body.clone(),
        )
        Rewriter.insert_op(scaled, InsertPoint.before(scaling))
        value = scaled.result
    rows = cut[1] * cut[2]
    for slice in rotated.slices:
        whole = tensor(slice.result)
        heads = cut_axis(whole, axis, (whole.get_shape()[axis] // rows, *cut[1:]))
        of_heads = ten.SliceOp(value, axis, slice.offset.value.data // rows, heads)
        Rewriter.replace_op(slice, [of_heads, ten.ReshapeOp(of_heads, whole)])
    for old in (scaling, contract, weight):
        if old is not None:
            Rewriter.erase_op(old)


@dataclass(frozen=True)
class InterleaveRopePairsPass(ModulePass):
    """
    Store the rows of a weight whose products a rotation pairs (of queries and keys) beside each
    other, where a row holds both: what is rotated is then one row, and nothing is summed by groups.

    Output o of a weight with heads of 4 is head h, half r and frequency f, as o = 4 h + 2 r + f. A
    rotation mixes r = 0 with r = 1, so that these two lie in one row (h, f), in columns v0 and v1:

        o     0    1    2    3    4 ...            h, f     v0     v1
        h,r,f 000  001  010  011  100 ...   --->   0, 0     o = 0  o = 2
              '---------'                          0, 1     o = 1  o = 3
                   '---------'  rotated pairs      1, 0     o = 4  o = 6

        %w = ten.weight @q_v from ["q", "v"] layout <arrays 1 by 4> : tensor<12x8xf32>
        %y = ten.contract "pi,oi->po"(%x, %w)
        %h = ten.reshape %q : tensor<?x8xf32> -> tensor<?x2x2x2xf32>
        %t = ten.contract "phrf,psrf->phsf"(%h, %r)
    becomes
        %0 = ten.weight @q_v from ["q", "v"] layout <arrays 3 by 4 parts 2 of 1>
        %1 = ten.contract "pi,hrfi->phrf"(%x, %0)
        %t = ten.contract "phrf,psrf->phsf"(%q, %r)

    A rotation is recognised by its form: a slice of whole heads, reshaped into (h, r, f) with two
    values of r, and contracted over r. All readers of the table must have that form (`is_of_heads`,
    `rotated_pairs`), or the weight stays as it is. See
    docs/notes/layouts.md#both-of-a-rotated-pair-in-one-row.
    """

    name = "interleave-rope-pairs"
    requires = frozenset({"layouts"})

    target: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        profile = profile_of(ctx, self.target)
        for weights in readers_of_weights(op):
            rotated = [found for weight in weights if (found := rotated_product(weight))]
            stored = {(found.cut, found.weight.layout) for found in rotated}
            # All that read a table read it as it is stored.
            if len(rotated) < len(weights) or len(stored) != 1:
                continue
            ((_, layout),) = stored
            if layout is not None and fits(layout, PAIR, profile):
                # Heads, pairs and frequencies take the place of one axis before that of the chunks.
                in_pairs = layout.along(layout.axis.data + 2).in_parts(PAIR, parted=1)
                for found in rotated:
                    cut_into_heads(found, in_pairs)
                patterns = GreedyRewritePatternApplier([ReshapeOfReshape(), SameShape()])
                PatternRewriteWalker(patterns).rewrite_module(op)
