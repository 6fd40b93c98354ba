"""
A key of extent 1 is 0 on every row, and a condition on it only misleads a planner.

See docs/notes/onnx.md#keys-that-are-always-0.
"""

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from tensorjoin.dialects import sql
from tensorjoin.dialects.expression import CallAttr, ColumnRefAttr, lit
from tensorjoin.dialects.rel import TableKind, schema


def tables_with_index(module: ModuleOp) -> set[str]:
    """Weights: by all of their key, a row is found through an index."""
    return {
        op.sym_name.data
        for op in module.walk()
        if isinstance(op, sql.CreateTableOp) and op.kind.data is TableKind.WEIGHT
    }


class DropUnitKeys(RewritePattern):
    """select ... from x as a, y as b where a.k = b.k -> select ... from x as a, y as b"""

    def __init__(self, indexed: set[str]) -> None:
        self.indexed = indexed

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: sql.SelectOp, rewriter: PatternRewriter, /):
        units = {
            f"{alias}.{key}"
            for alias, source in op.source_map.items()
            if not isinstance(table := source.owner, sql.TableOp)
            or table.table.string_value() not in self.indexed
            for key, extent in schema(source).extents.items()
            if extent == 1
        }

        def is_zero(expression: Attribute) -> bool:
            is_key = isinstance(expression, ColumnRefAttr) and expression.column.data in units
            return is_key or expression == lit(0)

        kept = [
            condition
            for condition in op.where
            if not isinstance(condition, CallAttr)
            or condition.function.data != "eq"
            or not all(is_zero(side) for side in condition.arguments)
        ]
        if len(kept) == len(op.where):
            return
        slim = sql.SelectOp(
            op.source_map,
            op.outputs,
            schema(op.result),
            kept,
            op.group.data,
            op.partition.data,
            op.ordering,
        )
        rewriter.replace(op, slim)


class DropUnitKeysPass(ModulePass):
    """Leave out what a join says of keys of extent 1, unless an index is found by them."""

    name = "drop-unit-keys"
    requires = frozenset({"canonical form"})

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        PatternRewriteWalker(DropUnitKeys(tables_with_index(op))).rewrite_module(op)
