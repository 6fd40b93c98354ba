"""Order the inputs of joins by estimated cost."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import DYNAMIC_INDEX, ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import CallAttr, ColumnRefAttr, conjuncts
from tensorjoin.dialects.rel import schema
from tensorjoin.join_order import Input, join_order


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
            if shown is None or any(n not in renamed for n in shown.values() if n is not None):
                return None
            return {key: renamed[n] if n is not None else None for key, n in shown.items()}
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
    extents = {
        name: dynamic if extent == DYNAMIC_INDEX else extent
        for name, extent in schema(value).extents.items()
    }
    return Input(extents, None if order is None else tuple(order.values()))


@dataclass
class OrderJoin(RewritePattern):
    """rel.join %x, %w -> rel.join %w, %x, where looking x up by key is cheaper"""

    dynamic: int

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.JoinOp, rewriter: PatternRewriter, /):
        order = join_order([estimated_input(value, self.dynamic) for value in op.inputs])
        if order == list(range(len(op.inputs))):
            return
        joined = rel.JoinOp([op.inputs[k] for k in order])
        type = schema(op.result)
        keys = {name: name for name in type.extents}
        values = {name: rel.ColumnRefAttr(name) for name in type.values}
        rewriter.replace(op, [joined, rel.ProjectOp(joined, keys, values)])


@dataclass(frozen=True)
class OrderJoinsPass(ModulePass):
    """Order joins as nested loops over indexed tables would best run them."""

    name = "order-joins"

    dynamic: int = 16
    """The extent assumed where none is known: rows of a batch, and of a context."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        PatternRewriteWalker(OrderJoin(self.dynamic), apply_recursively=False).rewrite_module(op)
