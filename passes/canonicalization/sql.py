from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import ArrayAttr, IntegerType
from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from tensorjoin.dialects import sql
from tensorjoin.dialects.expression import (
    CallAttr,
    ColumnRefAttr,
    LiteralAttr,
    call,
    col,
    expression_type,
    substitute,
)
from tensorjoin.dialects.rel import RelationType, schema


class MergeSelfJoin(RewritePattern):
    """from t as a, t as b where a.key = b.key, or a.key = 3 and b.key = 3 -> from t as a"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: sql.SelectOp, rewriter: PatternRewriter, /):
        sources = list(op.source_map.items())
        for place, (alias, source) in enumerate(sources):
            for other, twin in sources[:place]:
                if (one := merged_source(twin, source)) and joined_on_key(op, other, alias):
                    return self.merge(op, rewriter, other, alias, one)

    def merge(
        self,
        op: sql.SelectOp,
        rewriter: PatternRewriter,
        kept: str,
        dropped: str,
        one: SSAValue | sql.TableOp,
    ) -> None:
        source = SSAValue.get(one)
        renamed = {f"{dropped}.{n}": col(f"{kept}.{n}") for n in schema(source).types}

        def rewrite(expression: Attribute) -> Attribute:
            return substitute(expression, renamed)

        where = [rewrite(condition) for condition in op.where]
        merged = sql.SelectOp(
            [
                (alias, source if alias == kept else other)
                for alias, other in op.source_map.items()
                if alias != dropped
            ],
            {name: rewrite(e) for name, e in op.outputs.items()},
            schema(op.result),
            list(dict.fromkeys(condition for condition in where if not is_trivial(condition))),
            [rewrite(e) for e in op.group],
            [rewrite(e) for e in op.partition],
            [(rewrite(e), descends) for e, descends in op.ordering],
        )
        added = [one, merged] if isinstance(one, sql.TableOp) else [merged]
        rewriter.replace(op, added, [merged.result])


def merged_source(first: SSAValue, second: SSAValue) -> SSAValue | sql.TableOp | None:
    """What has the columns of both, if they are one query or one table."""
    if first == second:
        return first
    table, other = first.owner, second.owner
    if not isinstance(table, sql.TableOp) or not isinstance(other, sql.TableOp):
        return None
    if table.table != other.table:
        return None
    columns = {**schema(first).values, **schema(second).values}
    type = RelationType(schema(first).extents, columns, schema(first).is_sparse)
    return sql.TableOp(table.table.string_value(), type)


def joined_on_key(op: sql.SelectOp, alias: str, other: str) -> bool:
    """Whether the conditions equate every key of two sources that are one, or fix it for both."""
    equal: dict[Attribute, set[Attribute]] = {}
    for condition in op.where:
        if isinstance(condition, CallAttr) and condition.function.data == "eq":
            pair = set(condition.arguments)
            for side in pair:
                equal.setdefault(side, set()).update(pair)

    def meet(key: str) -> bool:
        first, second = (equal.get(col(f"{name}.{key}"), set()) for name in (alias, other))
        return not first.isdisjoint(second)

    return all(meet(key) for key in schema(op.source_map[alias]).extents)


def is_trivial(condition: Attribute) -> bool:
    """x = x, which holds: no column is null."""
    return (
        isinstance(condition, CallAttr)
        and condition.function.data == "eq"
        and condition.arguments.data[0] == condition.arguments.data[1]
    )


class IsolateColumn(RewritePattern):
    """where x = a.o - 64 -> where x + 64 = a.o, so that an index on o serves"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: sql.SelectOp, rewriter: PatternRewriter, /):
        scope = op.scope
        aliases = list(op.source_map)
        where = [isolate_column(condition, scope, aliases) for condition in op.where]
        if where != list(op.where):
            op.properties["where"] = ArrayAttr(where)
            rewriter.notify_op_modified(op)


def isolate_column(
    condition: Attribute, scope: Mapping[str, Attribute], aliases: Sequence[str]
) -> Attribute:
    match condition:
        case CallAttr() if condition.function.data in ("eq", "ge", "lt"):
            # Floats would be rounded otherwise than before.
            if not all(
                isinstance(expression_type(argument, scope), IntegerType)
                for argument in condition.arguments
            ):
                return condition
            left, right = condition.arguments
            if condition.function.data == "eq" and is_shifted(left) and not is_shifted(right):
                left, right = right, left
            if is_shifted(right):
                assert isinstance(right, CallAttr)
                column, offset = right.arguments
                if is_later(left, column, aliases):
                    return condition
                return call(condition.function.data, call("add", left, offset), column)
            return condition
        case _:
            return condition


def is_later(one: Attribute, other: Attribute, aliases: Sequence[str]) -> bool:
    """Whether `one` is the column of a source after that of `other`: the one that is looked up."""
    if not isinstance(one, ColumnRefAttr) or not isinstance(other, ColumnRefAttr):
        return False
    first, second = (c.column.data.rpartition(".")[0] for c in (one, other))
    return aliases.index(first) > aliases.index(second)


def is_shifted(expression: Attribute) -> bool:
    """column - literal"""
    return (
        isinstance(expression, CallAttr)
        and expression.function.data == "sub"
        and isinstance(expression.arguments.data[0], ColumnRefAttr)
        and isinstance(expression.arguments.data[1], LiteralAttr)
    )
