"""Fold a query block into the one that reads it, so that a statement has few of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from tensorjoin.context import profile_of
from tensorjoin.dialects import sql
from tensorjoin.dialects.expression import (
    AGGREGATES,
    DEEPEST,
    PACKS,
    CallAttr,
    ColumnRefAttr,
    LiteralAttr,
    calls,
    col,
    columns_of,
    depth,
    nesting,
    reads_many,
    substitute,
    walk,
)
from tensorjoin.dialects.rel import schema
from tensorjoin.targets import TargetProfile

ONCE = PACKS | {"dot"}
"""
Functions of many numbers, which a merged block never computes again. See
docs/notes/layouts.md#gate-and-up-in-one-row.
"""


def numbers_chunk(expression: CallAttr) -> bool:
    """Whether a call is the number of a chunk, or a place in it: no dearer than a column."""
    if expression.function.data not in ("idiv", "mod"):
        return False
    column, size = expression.arguments
    return isinstance(column, ColumnRefAttr) and isinstance(size, LiteralAttr)


def repeats_too_much(inner: Mapping[str, Attribute], reads: list[str], most: int) -> bool:
    """Whether replacing each column read by its expression repeats more than so many calls."""
    repeated = 0
    for name, expression in inner.items():
        if reads.count(name) > 1 and calls(expression, ONCE):
            return True
        count = sum(isinstance(e, CallAttr) and not numbers_chunk(e) for e in walk(expression))
        repeated += count * max(0, reads.count(name) - 1)
    return repeated > most


def is_too_deep(outer: list[Attribute], inner: Mapping[str, Attribute], limit: int) -> bool:
    """Whether expressions with columns replaced could be nested deeper than `limit`."""
    for measure, most in ((nesting, limit), (depth, max(limit, DEEPEST))):
        below = max((measure(expression) for expression in inner.values()), default=1)
        if max((measure(expression) for expression in outer), default=1) + below > most:
            return True
    return False


def deepest(profile: TargetProfile) -> int:
    """How deep merged expressions may be nested: statements add some."""
    return profile.max_depth // 2


def outer_expressions(op: sql.SelectOp) -> list[Attribute]:
    """All expressions of a block, each as often as it is written."""
    return [*op.outputs.values(), *op.where, *op.group, *op.partition, *op.order]


def reads_of(op: sql.SelectOp, alias: str) -> list[str]:
    """The columns of one source that a block reads, each as often as it does."""
    columns = [c.rpartition(".") for e in outer_expressions(op) for c in columns_of(e)]
    return [name for source, _, name in columns if source == alias]


def rebuild(
    op: sql.SelectOp,
    sources: list[tuple[str, SSAValue]],
    replaced: Mapping[str, Attribute],
    where: list[Attribute],
) -> sql.SelectOp:
    """The block over other sources, its columns replaced, the aliases numbered anew."""
    numbered = {alias: f"a{k}" for k, (alias, _) in enumerate(sources)}
    renamed = {
        f"{alias}.{name}": col(f"{numbered[alias]}.{name}")
        for alias, source in sources
        for name in schema(source).types
    }

    def rewrite(expression: Attribute) -> Attribute:
        return substitute(substitute(expression, replaced), renamed)

    return sql.SelectOp(
        [(numbered[alias], source) for alias, source in sources],
        {name: rewrite(expression) for name, expression in op.outputs.items()},
        schema(op.result),
        [rewrite(condition) for condition in (*where, *op.where)],
        # A literal makes no groups, and SQL takes it for the number of a column.
        [e for e in map(rewrite, op.group) if not isinstance(e, LiteralAttr)],
        [rewrite(expression) for expression in op.partition],
        [(rewrite(expression), descends) for expression, descends in op.ordering],
    )


def is_cheap(op: sql.SelectOp) -> bool:
    """Whether a block only renames columns: of some rows of a table, or of all of a query."""
    if len(op.sources) != 1 or any(isinstance(e, CallAttr) for e in op.outputs.values()):
        return False
    ((alias, source),) = op.source_map.items()
    keys = {f"{alias}.{key}" for key in schema(source).extents}
    keeps_keys = keys <= {column for e in op.outputs.values() for column in columns_of(e)}
    return isinstance(source.owner, sql.TableOp) or (keeps_keys and not op.where)


def groups_by_constants(op: sql.SelectOp, alias: str, inner: sql.SelectOp) -> bool:
    """Whether only literals would make the groups: without them, no rows would be one group."""
    constants = {
        col(f"{alias}.{name}")
        for name, expression in inner.outputs.items()
        if isinstance(expression, LiteralAttr)
    }
    return bool(op.group) and constants.issuperset(op.group)


def computes_lookup(op: sql.SelectOp, alias: str, inner: sql.SelectOp) -> bool:
    """Whether a block computes a column by which those before it look it up."""
    if any(isinstance(source.owner, sql.TableOp) for source in inner.sources):
        return False
    aliases = list(op.source_map)
    later = set(aliases[aliases.index(alias) + 1 :])
    computed = {
        col(f"{alias}.{name}") for name, e in inner.outputs.items() if isinstance(e, CallAttr)
    }
    return any(side in computed and not used & later for used, side in op.equalities)


def computes_of_many(inner: sql.SelectOp, most: int) -> bool:
    """Whether a block makes one column of many, which a reader would carry in its place."""
    return any(reads_many(e, most) for e in inner.outputs.values())


def cuts_vectors(inner: sql.SelectOp) -> bool:
    """Whether a block cuts vectors, which a reader that joins would do for each pair of rows."""
    return any(calls(e, frozenset({"slice"})) for e in inner.outputs.values())


def joins_by_several(op: sql.SelectOp, replaced: Mapping[str, Attribute]) -> bool:
    """
    Whether a side of a join would be computed of several sources, and is not yet.

    No row finds another by it: a planner would begin with the product of these sources.
    """
    return any(
        len(sql.aliases_of(side)) == 1 < len(sql.aliases_of(substitute(side, replaced)))
        for _, side in op.equalities
    )


@dataclass
class MergeIntoReader(RewritePattern):
    """select ... from (select x + y as v from t, u) as a -> select ... x + y ... from t, u"""

    profile: TargetProfile

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: sql.SelectOp, rewriter: PatternRewriter, /):
        thresholds, keeps_join_order = self.profile.thresholds, self.profile.keeps_join_order
        carried = thresholds.carried_columns
        for alias, source in op.source_map.items():
            inner = source.owner
            # Rows of a group, or of a window, are not those of its sources.
            if not isinstance(inner, sql.SelectOp) or not inner.is_simple:
                continue
            # Each reader would compute it again; and a dropped key would be back in a self-join,
            # which then is no longer one by the whole key. See
            # docs/notes/onnx.md#a-step-down-a-tree.
            if not source.has_one_use() and not is_cheap(inner):
                continue
            # Engines compute an expression as often as it is written.
            if repeats_too_much(inner.outputs, reads_of(op, alias), thresholds.merged_calls):
                continue
            # A parser's stack ends. See docs/notes/planning.md#nesting.
            if is_too_deep(outer_expressions(op), inner.outputs, deepest(self.profile)):
                continue
            # `group by` of literals alone is one group even of no rows.
            if groups_by_constants(op, alias, inner):
                continue
            # No index has a computed column; the block's own rows may get one. See
            # docs/notes/joins.md#the-product-of-gate-and-up.
            if keeps_join_order and computes_lookup(op, alias, inner):
                continue
            # Each pair of rows would cut the vector. See
            # docs/notes/layouts.md#packing-and-cutting-vectors.
            if len(op.sources) > 1 and cuts_vectors(inner):
                continue
            # The sort would carry all the columns that the sum is computed from. See
            # docs/notes/grouping.md#what-is-sorted-is-carried-whole.
            if self.profile.sorts_groups and op.group and computes_of_many(inner, carried):
                continue
            # Each pair of rows would compute the sum. See
            # docs/notes/quantization.md#lanes-chosen-too-early.
            if op.meets_all(alias) and computes_of_many(inner, carried):
                continue
            # Planners do not order so many joins. See docs/notes/planning.md#many-joins-in-a-block.
            if len(op.sources) + len(inner.sources) - 1 > thresholds.merged_sources:
                continue
            # A name that no alias has.
            fresh = {a: f"{alias} {a}" for a in inner.source_map}
            inside = {
                f"{a}.{name}": col(f"{fresh[a]}.{name}")
                for a, s in inner.source_map.items()
                for name in schema(s).types
            }
            replaced = {f"{alias}.{n}": substitute(e, inside) for n, e in inner.outputs.items()}
            # The join would be a filter after a product. See
            # docs/notes/planning.md#a-key-computed-of-several-tables.
            if not keeps_join_order and joins_by_several(op, replaced):
                continue
            sources = [
                pair
                for a, s in op.source_map.items()
                for pair in (
                    [(fresh[b], t) for b, t in inner.source_map.items()] if a == alias else [(a, s)]
                )
            ]
            where = [substitute(condition, inside) for condition in inner.where]
            rewriter.replace(op, rebuild(op, sources, replaced, where))
            return


@dataclass
class MergeProjection(RewritePattern):
    """select v / 2 from (select sum(x) as v ... group by p) -> select sum(x) / 2 ... group by p"""

    profile: TargetProfile

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: sql.SelectOp, rewriter: PatternRewriter, /):
        if len(op.sources) != 1 or op.where or not op.is_simple:
            return
        ((alias, source),) = op.source_map.items()
        inner = source.owner
        if not isinstance(inner, sql.SelectOp) or inner.is_simple or not source.has_one_use():
            return
        most = self.profile.thresholds.merged_calls
        if repeats_too_much(inner.outputs, reads_of(op, alias), most):
            return
        if is_too_deep(outer_expressions(op), inner.outputs, deepest(self.profile)):
            return
        replaced = {f"{alias}.{n}": e for n, e in inner.outputs.items()}
        outputs = {name: substitute(e, replaced) for name, e in op.outputs.items()}
        # Without groups, it is its aggregates that make a query one row.
        is_one_row = not inner.group and any(calls(e, AGGREGATES) for e in inner.outputs.values())
        if is_one_row and not any(calls(e, AGGREGATES) for e in outputs.values()):
            return
        merged = sql.SelectOp(
            inner.source_map,
            outputs,
            schema(op.result),
            inner.where.data,
            inner.group.data,
            inner.partition.data,
            inner.ordering,
        )
        rewriter.replace(op, merged)


@dataclass(frozen=True)
class MergeCtesPass(ModulePass):
    """
    Merge query blocks wherever that repeats little work.

    Five blocks, each of which reads the one before, are one; a block without groups or windows goes
    into its reader, and a projection into the aggregate below it:

        %kept = sql.select {p = a.p, i = a.i, v = a.v} from %t as a where [gt(a.v, 0.0)]
        %joined = sql.select {p = a0.p, i = a1.i, v = a0.v, w = a1.w} from %kept as a0, %u as a1 ...
        %product = sql.select {p = a.p, i = a.i, v = mul(a.v, a.w)} from %joined as a
        %sum = sql.select {p = a.p, v = sum(a.v)} from %product as a group [a.p]
        %root = sql.select {p = a.p, v = sqrt(a.v)} from %sum as a
    becomes
        %root = sql.select {p = a0.p, v = sqrt(sum(mul(a0.v, a1.w)))} from %t as a0, %u as a1 where
        ... [gt(a0.v, 0.0), eq(a0.i, a1.i)] group [a0.p]
    """

    name = "merge-ctes"
    requires = frozenset({"canonical form"})
    ends = frozenset({"canonical form"})

    target: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        profile = profile_of(ctx, self.target)
        patterns: list[RewritePattern] = [MergeIntoReader(profile), MergeProjection(profile)]
        PatternRewriteWalker(GreedyRewritePatternApplier(patterns)).rewrite_module(op)
