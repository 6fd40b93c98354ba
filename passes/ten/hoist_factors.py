"""
Take factors out of sums: x s g w summed over i is (x (g w) summed over i) s.

See docs/notes/layouts.md#the-scale-of-a-norm.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from tensorjoin.context import profile_of
from tensorjoin.dialects import ten
from tensorjoin.dialects.ten import is_sparse, parse_indices, tensor
from tensorjoin.dialects.transform import transforms_attr, transforms_of
from tensorjoin.passes.nn.maps import elementwise

Factor = tuple[str, SSAValue]
"""A tensor and the letters of its axes."""


def factors(op: ten.MapOp) -> list[Factor]:
    """The inputs of a map that multiplies each of them once; none for another map."""
    *products, last = op.body.block.ops
    read = [operand for each in (*products, last) for operand in each.operands]
    is_product = all(isinstance(each, arith.MulfOp) for each in products)
    # Each input and each product is read once, the last product by the end.
    is_tree = len(set(read)) == len(read) == 2 * len(op.inputs) - 1
    if not is_product or not is_tree:
        return []
    labels, _ = parse_indices(op.indices.data)
    return list(zip(labels, op.inputs, strict=True))


def product(indices: str, values: Sequence[SSAValue | Operation]) -> ten.MapOp:
    def multiplied(first: SSAValue, *others: SSAValue) -> Operation:
        for other in others:
            first = arith.MulfOp(first, other).result
        assert isinstance(first.owner, Operation)
        return first.owner

    element = tensor(SSAValue.get(values[0])).get_element_type()
    return elementwise(indices, values, multiplied, element)


def scaled_factors(op: ten.ContractOp) -> list[Factor]:
    """
    The factors of what a contraction multiplies by its second operand, by the letters that it has
    for their axes, if one of them has all axes.
    """
    labels, _ = parse_indices(op.indices.data)
    if len(labels) != 2 or not isinstance(scaled := op.inputs[0].owner, ten.MapOp):
        return []
    # Where no term exists, a sparse factor would leave nothing of a sum that is 0.
    if is_sparse(tensor(scaled.result)) and not is_sparse(tensor(op.result)):
        return []
    _, own = parse_indices(scaled.indices.data)
    renamed = str.maketrans(own, labels[0])
    found = [(letters.translate(renamed), value) for letters, value in factors(scaled)]
    whole = [factor for factor in found if set(factor[0]) == set(labels[0])]
    return found if len(whole) == 1 else []


def stored_factors(op: ten.ContractOp) -> list[Factor]:
    """The factor that can be stored with the weight of a contraction, if there is one."""
    (_, letters), _ = parse_indices(op.indices.data)
    return [f for f in scaled_factors(op) if can_store(op.inputs[1], letters, f)][:1]


def storable(module: ModuleOp) -> frozenset[str]:
    """The names of the weights all of which can be stored times one other, as a table is one."""
    named: Counter[str] = Counter()
    gains: dict[str, list[str]] = {}
    for op in module.walk():
        if isinstance(op, ten.WeightOp):
            named[op.symbol.string_value()] += 1
        if isinstance(op, ten.ContractOp) and len(op.inputs) == 2:
            for _, gain in stored_factors(op):
                names = gains.setdefault(weight_of(op.inputs[1]).symbol.string_value(), [])
                names.append(weight_of(gain).sources.data[0].data)
    return frozenset(
        name for name, found in gains.items() if len(found) == named[name] and len(set(found)) == 1
    )


def weight_of(value: SSAValue) -> ten.WeightOp:
    assert isinstance(value.owner, ten.WeightOp)
    return value.owner


def can_store(weight: SSAValue, letters: str, factor: Factor) -> bool:
    """Whether a weight can be stored times a factor: another weight, along its last axis."""
    gain, other = factor[1].owner, weight.owner
    return (
        isinstance(gain, ten.WeightOp)
        and isinstance(other, ten.WeightOp)
        and factor[0] == letters[-1:]
        and len(gain.sources) == 1
        and (gain.layer, gain.layers) == (other.layer, other.layers)
        and other.gain is None
        and other.layout is None
        and weight.has_one_use()
    )


def stored_times(weight: SSAValue, gain: SSAValue) -> ten.WeightOp:
    """The weight as it is stored times another along its last axis."""
    unscaled, factor = weight_of(weight), weight_of(gain)
    return ten.WeightOp(
        unscaled.symbol.string_value(),
        [source.data for source in unscaled.sources],
        tensor(weight),
        unscaled.layer,
        unscaled.layers,
        gain=factor.sources.data[0].data,
        transforms=transforms_attr(
            transforms_of(unscaled.transforms) | transforms_of(factor.transforms)
        ),
    )


@dataclass
class HoistFactors(RewritePattern):
    """contract "pi,oi->po" (%x * %s * %g, %w) -> (contract "pi,oi->po" (%x, %w times g)) * %s"""

    storable: frozenset[str]
    """The names of the weights that can be stored times others."""
    scales: bool
    """Whether a sum is one expression, so that a factor behind it costs no operator."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.ContractOp, rewriter: PatternRewriter, /):
        labels, result = parse_indices(op.indices.data)
        found = scaled_factors(op)
        behind = [f for f in found if self.scales and set(f[0]) < set(result)]
        stored = stored_factors(op) if found else []
        stored = [f for f in stored if self.may_store(op.inputs[1])]
        if not (behind or stored):
            return
        scaled, weight = op.inputs[0].owner, op.inputs[1]
        for _, gain in stored:
            times = stored_times(weight, gain)
            rewriter.insert(times)
            weight = times.result
        left = [factor for factor in found if factor not in (*behind, *stored)]
        letters, value = left[0]
        if len(left) > 1:
            names = ",".join(letters for letters, _ in left)
            kept = product(f"{names}->{labels[0]}", [value for _, value in left])
            rewriter.insert(kept)
            letters, value = labels[0], kept.result
        type = tensor(op.result)
        summed = ten.ContractOp(f"{letters},{labels[1]}->{result}", [value, weight], type)
        names = ",".join([result, *(letters for letters, _ in behind)])
        values = [summed, *(value for _, value in behind)]
        scaling = [product(f"{names}->{result}", values)] if behind else []
        rewriter.replace(op, [summed, *scaling])
        if isinstance(scaled, ten.MapOp) and scaled.result.uses.get_length() == 0:
            rewriter.erase(scaled)

    def may_store(self, weight: SSAValue) -> bool:
        return weight_of(weight).symbol.string_value() in self.storable


@dataclass(frozen=True)
class HoistFactorsPass(ModulePass):
    """
    Multiply by weights along the axis of a contraction when the other weight is stored, and by what
    does not depend on the axis after the sum: the gain and the scale of a norm.
    """

    name = "hoist-factors"
    requires = frozenset({"fused contractions"})
    establishes = frozenset({"hoisted factors"})

    target: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        PatternRewriteWalker(
            HoistFactors(storable(op), profile_of(ctx, self.target).vectors)
        ).rewrite_module(op)
