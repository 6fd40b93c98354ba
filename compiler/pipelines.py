"""The stages of the compiler, each a function that reads like a table of contents."""

from typing import Literal

from xdsl.passes import ModulePass
from xdsl.transforms.canonicalize import CanonicalizePass
from xdsl.transforms.common_subexpression_elimination import CommonSubexpressionElimination

from tensorjoin.errors import TensorjoinError
from tensorjoin.forms import LAYERWISE
from tensorjoin.layouts import longest_half
from tensorjoin.passes.allocate_scratch import AllocateScratchPass
from tensorjoin.passes.assign_layouts import AssignLayoutsPass
from tensorjoin.passes.convert_rel_to_sql import ConvertRelToSqlPass
from tensorjoin.passes.convert_ten_to_rel import ConvertTenToRelPass
from tensorjoin.passes.decompose import DecomposePass
from tensorjoin.passes.decompose_onnx import DecomposeOnnxPass
from tensorjoin.passes.drop_unit_keys import DropUnitKeysPass
from tensorjoin.passes.expand_vectors import ExpandVectorsPass
from tensorjoin.passes.fold_constants import FoldConstantsPass
from tensorjoin.passes.fuse_contractions import FuseContractionsPass
from tensorjoin.passes.fuse_elementwise import FuseElementwisePass
from tensorjoin.passes.groups_to_rows import GroupsToRowsPass
from tensorjoin.passes.groups_to_windows import GroupsToWindowsPass
from tensorjoin.passes.hoist_factors import HoistFactorsPass
from tensorjoin.passes.interleave_weights import InterleaveWeightsPass
from tensorjoin.passes.legalize_functions import LegalizeFunctionsPass
from tensorjoin.passes.legalize_limits import LegalizeLimitsPass
from tensorjoin.passes.loops_to_recursion import LoopsToRecursionPass
from tensorjoin.passes.materialize import MaterializePass
from tensorjoin.passes.merge_ctes import MergeCtesPass
from tensorjoin.passes.merge_groups import MergeGroupsPass
from tensorjoin.passes.order_joins import OrderJoinsPass
from tensorjoin.passes.pack_in_steps import PackInStepsPass
from tensorjoin.passes.pack_lanes import PackLanesPass
from tensorjoin.passes.pair_rotary import PairRotaryPass
from tensorjoin.passes.pivot_outputs import PivotOutputsPass
from tensorjoin.passes.push_projections import PushProjectionsPass
from tensorjoin.passes.quantize_weights import HALF_BITS, QuantizeWeightsPass
from tensorjoin.passes.read_once import ReadOncePass
from tensorjoin.passes.roll_layers import RollLayersPass
from tensorjoin.passes.split_sums import SplitSumsPass
from tensorjoin.passes.tile_inputs import TileInputsPass
from tensorjoin.passes.tile_state import TileStatePass
from tensorjoin.passes.tile_weights import TileWeightsPass
from tensorjoin.passes.vectorize_rows import VectorizeRowsPass
from tensorjoin.passes.widen_rows import WidenRowsPass
from tensorjoin.passes.widen_singles import WidenSinglesPass
from tensorjoin.targets import MATH_FUNCTIONS, TargetProfile

Pipeline = tuple[ModulePass, ...]
Layout = Literal["auto", "rows", "arrays", "columns", "pivoted"]
GROUPS = {8: 64, 4: 32}
"""By the bits of weights as integers, the elements that share a scale."""


def to_tensor_algebra(profile: TargetProfile) -> Pipeline:
    """Any level above -> `ten`, simplified."""
    return (
        DecomposeOnnxPass(),
        RollLayersPass(),
        DecomposePass(),
        CommonSubexpressionElimination(),
        FoldConstantsPass(),
        CanonicalizePass(),
        FuseContractionsPass(),
        HoistFactorsPass(target=profile.name),
        FuseElementwisePass(),
    )


def to_relational(
    profile: TargetProfile, layout: Layout = "auto", costs: str = "", bits: int | None = None
) -> Pipeline:
    """
    Any level above -> `rel`, weights stored as `layout` says or as is cheapest by the file `costs`;
    those that contractions sum over as numbers of so many `bits`, if any are given.
    """
    return (
        *to_tensor_algebra(profile),
        *quantization(profile, bits, layout),
        TileWeightsPass(chunk=profile.chunk),
        TileStatePass(chunk=profile.chunk),
        AssignLayoutsPass(target=profile.name, layout=layout, costs=costs),
        InterleaveWeightsPass(target=profile.name),
        PairRotaryPass(target=profile.name),
        WidenRowsPass(target=profile.name),
        ConvertTenToRelPass(),
        PushProjectionsPass(),
        CanonicalizePass(),
    )


def quantization(profile: TargetProfile, bits: int | None, layout: Layout = "auto") -> Pipeline:
    """
    Weights -> rows of 16 bits, or as many lanes of small integers as fit a number: a double where
    vectors may hold such, unless vectors are to be columns.
    """
    if bits is None:
        return ()
    if bits == HALF_BITS:
        return (QuantizeWeightsPass(bits, longest_half(profile)),)
    if bits not in GROUPS:
        raise TensorjoinError(f"weights of {bits} bits: choose 16, 8 or 4")
    in_doubles = profile.double_vectors and layout != "columns"
    return (QuantizeWeightsPass(bits, GROUPS[bits]), PackLanesPass(doubles=in_doubles))


def to_statements(profile: TargetProfile) -> Pipeline:
    """`rel` -> `sql`."""
    return (
        LoopsToRecursionPass(target=profile.name, keep=LAYERWISE),
        CanonicalizePass(),
        MergeGroupsPass(),
        WidenSinglesPass(target=profile.name),
        LegalizeFunctionsPass(missing=tuple(sorted(MATH_FUNCTIONS - profile.functions))),
        PackInStepsPass(target=profile.name),
        ExpandVectorsPass(),
        SplitSumsPass(target=profile.name),
        LegalizeLimitsPass(target=profile.name),
        MaterializePass(target=profile.name),
        AllocateScratchPass(),
        OrderJoinsPass(target=profile.name),
        ConvertRelToSqlPass(),
        *merging(profile),
    )


def merging(profile: TargetProfile) -> Pipeline:
    """Few query blocks; what then reads itself no longer is read once, and merges in turn."""
    return (MergeCtesPass(target=profile.name), CanonicalizePass()) * 2


def to_query(profile: TargetProfile, wide_inputs: tuple[str, ...]) -> Pipeline:
    """
    `onnx` for one example -> one query of `sql` for every row of its inputs, with its outputs as
    columns; the inputs named are rows of wide tables.
    """
    return (
        *to_tensor_algebra(profile),
        TileInputsPass(tables=wide_inputs, target=profile.name),
        TileWeightsPass(chunk=profile.chunk),
        # Cut as the inputs are, which lie in tables of their own.
        AssignLayoutsPass(target=profile.name, layout="arrays" if profile.vectors else "columns"),
        ConvertTenToRelPass(),
        VectorizeRowsPass(),
        PivotOutputsPass(),
        *(ReadOncePass(), PushProjectionsPass(), CanonicalizePass()) * 2,
        GroupsToWindowsPass(),
        MergeGroupsPass(),
        GroupsToRowsPass(target=profile.name),
        PushProjectionsPass(),
        CanonicalizePass(),
        WidenSinglesPass(target=profile.name),
        LegalizeFunctionsPass(missing=tuple(sorted(MATH_FUNCTIONS - profile.functions))),
        PackInStepsPass(target=profile.name),
        ExpandVectorsPass(),
        LegalizeLimitsPass(target=profile.name),
        OrderJoinsPass(target=profile.name),
        ConvertRelToSqlPass(),
        *merging(profile),
        DropUnitKeysPass(),
    )


def to_sql(profile: TargetProfile, layout: Layout = "auto") -> Pipeline:
    """Any level above -> `sql`."""
    return (*to_relational(profile, layout), *to_statements(profile))
