"""Order the inputs of joins by estimated cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from tensorjoin.context import profile_of
from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import CallAttr, ColumnRefAttr, conjuncts
from tensorjoin.dialects.rel import schema
from tensorjoin.join_order import Cost, Input, cost, hash_cost, join_order, skipped_keys
from tensorjoin.passes.rel.analysis.estimates import (
    DYNAMIC,
    elements_behind,
    estimated_extents,
    estimated_rows,
    width,
)

LONGEST_RANGE = 4096
"""
The numbers of a range stand in the text of a statement, some 20 kB for these. That is no engine's:
every one of them reads statements of a megabyte.
"""
WORTH_A_RANGE = 4
"""
How many times cheaper a join must be with a range than without: extents that are not known make the
estimate wrong by as much (`estimates.DYNAMIC`), on any engine.
"""


def stored_order(value: SSAValue) -> dict[str, str | None] | None:
    """
    The keys of the table behind a relation in the order of its index, each with the name by which
    the relation shows it, None if it is fixed or not shown; None for a computed relation.
    """
    match value.owner:
        case rel.ScanOp():
            return {name: name for name in schema(value).extents}
        case rel.SelectOp() as op:
            shown = stored_order(op.input)
            fixed = fixed_keys(op)
            return shown and {key: None if key in fixed else name for key, name in shown.items()}
        case rel.ProjectOp() as op:
            shown = stored_order(op.input)
            renamed = {
                e.column.data: name
                for name, e in rel.expressions(op.keys).items()
                if isinstance(e, ColumnRefAttr)
            }
            if shown is None:
                return None
            # A last key that has one value tells no rows apart.
            names = list(shown.values())
            extents = schema(op.input).extents
            while names and (last := names[-1]) and last not in renamed and extents[last] == 1:
                names.pop()
            if any(name not in renamed for name in names if name is not None):
                return None
            kept = zip(shown, names, strict=False)
            return {key: renamed[n] if n is not None else None for key, n in kept}
        case _:
            return None


def fixed_keys(op: rel.SelectOp) -> set[str]:
    """The columns that a selection compares with something that is not a column."""
    fixed: set[str] = set()
    for condition in conjuncts(op.condition):
        if isinstance(condition, CallAttr) and condition.function.data == "eq":
            left, right = condition.arguments
            if isinstance(left, ColumnRefAttr) and not isinstance(right, ColumnRefAttr):
                fixed.add(left.column.data)
    return fixed


def estimated_input(value: SSAValue, dynamic: int) -> Input:
    order = stored_order(value)
    index = None if order is None else tuple(order.values())
    return Input(
        estimated_extents(value, dynamic),
        index,
        width=width(value),
        behind=elements_behind(value, dynamic),
        count=estimated_rows(value, dynamic),
    )


@dataclass
class OrderJoin(RewritePattern):
    """
    rel.join %x, %w -> rel.join %w, %x, where looking x up by key is cheaper; also with a range of
    the keys that lead the index of x and that %w lacks, where so many look-ups are cheaper
    """

    dynamic: int
    cost: Cost
    skips: bool

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.JoinOp, rewriter: PatternRewriter, /):
        inputs = [estimated_input(value, self.dynamic) for value in op.inputs]
        order = join_order(inputs, self.cost)
        ranges = self.ranges(op, [inputs[k] for k in order])
        inputs += [Input({key: extent}) for key, extent in ranges.items()]
        if ranges:
            order = join_order(inputs, self.cost)
        if order == list(range(len(op.inputs))):
            return
        added = [rel.RangeOp(key, extent) for key, extent in ranges.items()]
        values = [*op.inputs, *(range.result for range in added)]
        joined = rel.JoinOp([values[k] for k in order])
        type = schema(op.result)
        keys = {name: name for name in type.extents}
        columns = {name: rel.ColumnRefAttr(name) for name in type.values}
        rewriter.replace(op, [*added, joined, rel.ProjectOp(joined, keys, columns)])

    def ranges(self, op: rel.JoinOp, inputs: Sequence[Input]) -> dict[str, int]:
        """The ranges that make a join much cheaper, in view of how rough the estimate is."""
        skipped = skipped_keys(inputs) if self.skips else {}
        extents = {k: n for value in op.inputs for k, n in schema(value).extents.items()}
        if any(not 0 < extents[key] <= LONGEST_RANGE for key in skipped):
            return {}
        wider = [*inputs, *(Input({key: extent}) for key, extent in skipped.items())]
        best = self.cost([wider[k] for k in join_order(wider, self.cost)])
        return skipped if best * WORTH_A_RANGE <= self.cost(inputs) else {}


@dataclass(frozen=True)
class OrderJoinsPass(ModulePass):
    """Order joins as the engine best runs them: nested loops over indexed tables, or hash joins."""

    name = "order-joins"
    requires = frozenset({"scratch tables"})

    dynamic: int = DYNAMIC
    """The extent assumed where none is known."""
    target: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        # Where joins are hashed, no index is left unused for want of its first keys.
        profile = profile_of(ctx, self.target)
        build = profile.thresholds.hash_build
        joins = cost if build is None else partial(hash_cost, build)
        pattern = OrderJoin(self.dynamic, joins, profile.keeps_join_order)
        PatternRewriteWalker(pattern, apply_recursively=False).rewrite_module(op)
