"""
The pipelines of the compiler: named stages, each a function that reads like a table of contents.

A stage has passes for the target of their context; a function takes the profile only where the
passes themselves differ by it.
"""

from typing import Literal

from xdsl.transforms.canonicalize import CanonicalizePass
from xdsl.transforms.common_subexpression_elimination import CommonSubexpressionElimination

from tensorjoin.errors import TensorjoinError
from tensorjoin.forms import LAYERWISE
from tensorjoin.layouts import longest_half
from tensorjoin.passes.nn.decompose import DecomposePass
from tensorjoin.passes.nn.roll_layers import RollLayersPass
from tensorjoin.passes.onnx.decompose_onnx import DecomposeOnnxPass
from tensorjoin.passes.rel.add_generation import AddGenerationPass
from tensorjoin.passes.rel.add_layerwise import AddLayerwisePass
from tensorjoin.passes.rel.aggregates_to_window_rows import AggregatesToWindowRowsPass
from tensorjoin.passes.rel.allocate_scratch import AllocateScratchPass
from tensorjoin.passes.rel.expand_vectors import ExpandVectorsPass
from tensorjoin.passes.rel.fuse_scans import FuseScansPass
from tensorjoin.passes.rel.groups_to_windows import GroupsToWindowsPass
from tensorjoin.passes.rel.legalize_functions import LegalizeFunctionsPass
from tensorjoin.passes.rel.legalize_limits import LegalizeLimitsPass
from tensorjoin.passes.rel.loops_to_recursion import LoopsToRecursionPass
from tensorjoin.passes.rel.materialize import MaterializePass
from tensorjoin.passes.rel.merge_groups import MergeGroupsPass
from tensorjoin.passes.rel.order_joins import OrderJoinsPass
from tensorjoin.passes.rel.pack_in_two_levels import PackInTwoLevelsPass
from tensorjoin.passes.rel.pivot_outputs import PivotOutputsPass
from tensorjoin.passes.rel.promote_f32 import PromoteF32Pass
from tensorjoin.passes.rel.push_projections import PushProjectionsPass
from tensorjoin.passes.rel.split_sums import SplitSumsPass
from tensorjoin.passes.rel.temporary_tables import TemporaryTablesPass
from tensorjoin.passes.rel.vectorize_rows import VectorizeRowsPass
from tensorjoin.passes.rel_to_sql.convert_rel_to_sql import ConvertRelToSqlPass
from tensorjoin.passes.sql.drop_unit_keys import DropUnitKeysPass
from tensorjoin.passes.sql.merge_ctes import MergeCtesPass
from tensorjoin.passes.sql.reset_scratch import ResetScratchPass
from tensorjoin.passes.ten.assign_layouts import AssignLayoutsPass
from tensorjoin.passes.ten.batch_quant_groups import BatchQuantGroupsPass
from tensorjoin.passes.ten.fold_constants import FoldConstantsPass
from tensorjoin.passes.ten.fuse_contractions import FuseContractionsPass
from tensorjoin.passes.ten.fuse_elementwise import FuseElementwisePass
from tensorjoin.passes.ten.hoist_factors import HoistFactorsPass
from tensorjoin.passes.ten.interleave_rope_pairs import InterleaveRopePairsPass
from tensorjoin.passes.ten.interleave_weights import InterleaveWeightsPass
from tensorjoin.passes.ten.pack_lanes import PackLanesPass
from tensorjoin.passes.ten.quantize_weights import HALF_BITS, QuantizeWeightsPass
from tensorjoin.passes.ten.tile_inputs import TileInputsPass
from tensorjoin.passes.ten.tile_state import TileStatePass
from tensorjoin.passes.ten.tile_weights import TileWeightsPass
from tensorjoin.passes.ten_to_rel.convert_ten_to_rel import ConvertTenToRelPass
from tensorjoin.stages import CANONICAL, Passes, Pipeline, Stage
from tensorjoin.targets import TargetProfile

Layout = Literal["auto", "rows", "arrays", "columns", "pivoted"]
GROUPS = {8: 64, 4: 32}
"""By the bits of weights as integers, the elements that share a scale."""


def import_graph() -> Stage:
    """`onnx` -> `ten`, where a model shows whether it is valid."""
    return Stage("import-graph", "ten", (DecomposeOnnxPass(),))


def tensor_algebra() -> Stage:
    """`nn` and `ten` -> `ten`, simplified."""
    return Stage(
        "tensor-algebra",
        "ten",
        (
            RollLayersPass(),
            DecomposePass(),
            CommonSubexpressionElimination(),
            FoldConstantsPass(),
            CanonicalizePass(),
            FuseContractionsPass(),
            HoistFactorsPass(),
            FuseElementwisePass(),
        ),
    )


def relational(
    profile: TargetProfile, layout: Layout = "auto", costs: str = "", bits: int | None = None
) -> Stage:
    """
    `ten` -> `rel`, weights stored as `layout` says or as is cheapest by the file `costs`; those
    that contractions sum over as numbers of so many `bits`, if any are given.
    """
    return Stage(
        "relational",
        "rel",
        (
            *quantization(profile, bits, layout),
            TileWeightsPass(),
            TileStatePass(),
            AssignLayoutsPass(layout=layout, costs=costs),
            InterleaveWeightsPass(),
            InterleaveRopePairsPass(),
            BatchQuantGroupsPass(),
            ConvertTenToRelPass(),
            PushProjectionsPass(),
            CanonicalizePass(),
        ),
    )


def quantization(profile: TargetProfile, bits: int | None, layout: Layout = "auto") -> Passes:
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


def lifetimes(is_temporary: bool) -> Stage:
    """`rel` -> `rel`, where even weights may end with the connection."""
    return Stage("lifetimes", "rel", (TemporaryTablesPass(),) if is_temporary else ())


def procedures() -> Stage:
    """A forward pass in `rel` -> all procedures that generate tokens."""
    return Stage("procedures", "rel", (AddLayerwisePass(), AddGenerationPass()))


def statements() -> Stage:
    """`rel` -> `sql`."""
    return Stage(
        "statements",
        "sql",
        (
            LoopsToRecursionPass(keep=LAYERWISE),
            CanonicalizePass(),
            MergeGroupsPass(),
            PromoteF32Pass(),
            LegalizeFunctionsPass(),
            PackInTwoLevelsPass(),
            ExpandVectorsPass(),
            SplitSumsPass(),
            LegalizeLimitsPass(),
            MaterializePass(),
            AllocateScratchPass(),
            OrderJoinsPass(),
            ConvertRelToSqlPass(),
            *merging(),
        ),
        establishes=frozenset({CANONICAL}),
    )


def merging() -> Passes:
    """Few query blocks; what then reads itself no longer is read once, and merges in turn."""
    return (MergeCtesPass(), CanonicalizePass()) * 2


def reset() -> Stage:
    """`sql` -> `sql`, with the procedures that empty what a run, and a sequence, leave behind."""
    return Stage("reset", "sql", (ResetScratchPass(),))


def to_query(
    profile: TargetProfile, wide_inputs: tuple[str, ...], is_temporary: bool = False
) -> Pipeline:
    """
    `onnx` for one example -> one query of `sql` for every row of its inputs, with its outputs as
    columns; the inputs named are rows of wide tables. The weights may end with the connection.
    """
    query = (
        TileInputsPass(tables=wide_inputs),
        TileWeightsPass(),
        # Cut as the inputs are, which lie in tables of their own.
        AssignLayoutsPass(layout="arrays" if profile.vectors else "columns"),
        ConvertTenToRelPass(),
        *lifetimes(is_temporary).passes,
        VectorizeRowsPass(),
        PivotOutputsPass(),
        *(FuseScansPass(), PushProjectionsPass(), CanonicalizePass()) * 2,
        GroupsToWindowsPass(),
        MergeGroupsPass(),
        AggregatesToWindowRowsPass(),
        PushProjectionsPass(),
        CanonicalizePass(),
        PromoteF32Pass(),
        LegalizeFunctionsPass(),
        PackInTwoLevelsPass(),
        ExpandVectorsPass(),
        LegalizeLimitsPass(),
        OrderJoinsPass(),
        ConvertRelToSqlPass(),
        *merging(),
        DropUnitKeysPass(),
    )
    return (import_graph(), tensor_algebra(), Stage("query", "sql", query))


def to_relational(profile: TargetProfile, layout: Layout = "auto") -> Pipeline:
    """Any level above -> `rel`."""
    return (import_graph(), tensor_algebra(), relational(profile, layout))


def to_sql(profile: TargetProfile, layout: Layout = "auto") -> Pipeline:
    """Any level above -> `sql`."""
    return (*to_relational(profile, layout), statements())


def to_temporary_tables(profile: TargetProfile, layout: Layout = "auto") -> Pipeline:
    """The same, on a connection that keeps nothing."""
    return (*to_relational(profile, layout), lifetimes(is_temporary=True), statements())


def to_language_model(
    profile: TargetProfile, layout: Layout = "auto", costs: str = "", bits: int | None = None
) -> Pipeline:
    """The forward pass of a language model -> all procedures of its generation, in `sql`."""
    return (
        tensor_algebra(),
        relational(profile, layout, costs, bits),
        procedures(),
        statements(),
        reset(),
    )
