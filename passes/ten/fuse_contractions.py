"""Contractions of one tensor with several weights -> slices of one contraction."""

from dataclasses import dataclass
from itertools import accumulate

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from tensorjoin.dialects import ten
from tensorjoin.dialects.ten import is_sparse, parse_indices, tensor, tensor_type
from tensorjoin.dialects.transform import transforms_attr, transforms_of
from tensorjoin.fused_names import fused_name


def free_weight(op: ten.ContractOp) -> ten.WeightOp | None:
    """
    The second of two operands, if it is a weight that can grow along its first axis: the axis is
    free, nothing else uses the weight, and how it is stored is still open.
    """
    labels, result = parse_indices(op.indices.data)
    if len(labels) != 2 or not isinstance(weight := op.inputs[1].owner, ten.WeightOp):
        return None
    left, right = labels
    is_free = right != "" and right[0] in result and right[0] not in left
    return weight if is_free and weight.layout is None and weight.result.has_one_use() else None


def likeness(op: ten.ContractOp, weight: ten.WeightOp) -> tuple[object, ...]:
    """Equal for contractions that differ in nothing but their weight and its first extent."""
    type, result = tensor(weight.result), tensor(op.result)
    return (
        op.parent,
        op.inputs[0],
        op.indices,
        (weight.layer, weight.layers, type.get_shape()[1:], type.get_element_type()),
        (result.get_element_type(), is_sparse(result)),
    )


def contractions_like(op: ten.ContractOp) -> dict[ten.ContractOp, ten.WeightOp]:
    """The contractions that can be fused with `op` and their weights, in order from `op` on."""
    group: dict[ten.ContractOp, ten.WeightOp] = {}
    if (weight := free_weight(op)) is None:
        return group
    wanted = likeness(op, weight)
    candidate: Operation | None = op
    while candidate is not None:
        if (
            isinstance(candidate, ten.ContractOp)
            and (found := free_weight(candidate)) is not None
            and likeness(candidate, found) == wanted
        ):
            group[candidate] = found
        candidate = candidate.next_op
    return group


def concatenation(weights: list[ten.WeightOp]) -> ten.WeightOp:
    """The weights one after the other along their first axis, as one weight."""
    first, types = weights[0], [tensor(weight.result) for weight in weights]
    rows = sum(type.get_shape()[0] for type in types)
    return ten.WeightOp(
        fused_name([weight.symbol.string_value() for weight in weights]),
        [source.data for weight in weights for source in weight.sources],
        tensor_type(types[0].get_element_type(), [rows, *types[0].get_shape()[1:]]),
        first.layer,
        first.layers,
        transforms=transforms_attr(
            {n: t for each in weights for n, t in transforms_of(each.transforms).items()}
        ),
    )


class FuseContractions(RewritePattern):
    """contract(x, a), contract(x, b) -> slices of contract(x, a|b)"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.ContractOp, rewriter: PatternRewriter, /):
        group = contractions_like(op)
        if len(group) < 2:
            return
        (_, letters), result = parse_indices(op.indices.data)
        axis = result.index(letters[0])
        types = [tensor(other.result) for other in group]
        extents = [type.get_shape()[axis] for type in types]
        shape = [*types[0].get_shape()]
        shape[axis] = sum(extents)

        weight = concatenation(list(group.values()))
        fused = ten.ContractOp(
            op.indices.data,
            [op.inputs[0], weight],
            tensor_type(types[0].get_element_type(), shape, is_sparse(types[0])),
        )
        offsets = accumulate(extents[:-1], initial=0)
        slices = [
            ten.SliceOp(fused, axis, offset, type)
            for offset, type in zip(offsets, types, strict=True)
        ]
        rewriter.insert([weight, fused, *slices])
        for (other, old), slice in zip(group.items(), slices, strict=True):
            rewriter.replace(other, [], [slice.result])
            rewriter.erase(old)


@dataclass(frozen=True)
class FuseContractionsPass(ModulePass):
    """Contract a tensor once with several weights, stored as one (query|key|value, gate|up)."""

    name = "fuse-contractions"
    requires = frozenset({"canonical form"})
    establishes = frozenset({"fused contractions"})

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        PatternRewriteWalker(FuseContractions()).rewrite_module(op)
