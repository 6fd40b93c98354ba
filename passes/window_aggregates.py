"""A query joined with its own groups -> window functions over the query."""

from dataclasses import dataclass

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
from tensorjoin.dialects.expression import (
    AGGREGATES,
    FOLDS_OVER,
    WINDOWS,
    CallAttr,
    ColumnRefAttr,
    LiteralAttr,
    call,
    calls,
    col,
    expression_type,
    substitute,
    walk,
)
from tensorjoin.dialects.rel import RelationType, schema

OVER = {aggregate: window for window, aggregate in FOLDS_OVER.items()}
"""The window function of each aggregate that has one."""


class AggregateOverWindow(RewritePattern):
    """
    select a.v / b.s from t as a, (select p, sum(v) as s from t group by p) as b where a.p = b.p ->
    select a.v / a.s from (select *, sum(v) over (partition by p) as s from t) as a
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: sql.SelectOp, rewriter: PatternRewriter, /):
        for alias, source in op.source_map.items():
            groups = source.owner
            if not isinstance(groups, sql.SelectOp) or not source.has_one_use():
                continue
            if not is_plain_aggregate(groups):
                continue
            for other, input in op.source_map.items():
                if input is groups.sources[0] and pairs_alike(op, groups, alias, other):
                    replace(op, groups, alias, other, rewriter)
                    return


def is_plain_aggregate(op: sql.SelectOp) -> bool:
    """Whether a query only groups all rows of one other, by aggregates that are windows too."""
    without = (AGGREGATES | WINDOWS) - OVER.keys()
    return (
        bool(op.group)
        and len(op.sources) == 1
        and not op.where
        and not any(calls(e, without) for e in op.outputs.values())
    )


def keys_of(groups: sql.SelectOp, alias: str, other: str) -> dict[Attribute, Attribute]:
    """Each key of the groups, named by `alias`, and what it is in the rows, named by `other`."""
    scope = row_scope(groups, other)
    return {
        col(f"{alias}.{name}"): substitute(e, scope)
        for name, e in groups.outputs.items()
        if not calls(e, AGGREGATES)
    }


def row_scope(groups: sql.SelectOp, alias: str) -> dict[str, Attribute]:
    ((own, source),) = groups.source_map.items()
    return {f"{own}.{name}": col(f"{alias}.{name}") for name in schema(source).types}


def is_own_key(condition: Attribute, keys: dict[Attribute, Attribute]) -> bool:
    """Whether a condition equates a key of the groups with what it is in the rows."""
    if not isinstance(condition, CallAttr) or condition.function.data != "eq":
        return False
    left, right = condition.arguments
    return keys.get(left) == right or keys.get(right) == left


def pairs_alike(op: sql.SelectOp, groups: sql.SelectOp, alias: str, other: str) -> bool:
    """Whether each row meets its own group and no other."""
    keys = keys_of(groups, alias, other)
    equated = {
        argument
        for condition in op.where
        if isinstance(condition, CallAttr) and is_own_key(condition, keys)
        for argument in condition.arguments
    }
    extents = schema(groups.sources[0]).extents
    scope = row_scope(groups, other)
    single = {col(f"{other}.{name}") for name, extent in extents.items() if extent == 1}
    wanted = {substitute(e, scope) for e in groups.group if not isinstance(e, LiteralAttr)}
    return wanted <= equated | single


def replace(
    op: sql.SelectOp, groups: sql.SelectOp, alias: str, other: str, rewriter: PatternRewriter
) -> None:
    window, names = windowed(groups)
    keys = keys_of(groups, alias, other)
    replaced = {key.column.data: e for key, e in keys.items() if isinstance(key, ColumnRefAttr)}
    replaced |= {f"{alias}.{name}": col(f"{other}.{own}") for name, own in names.items()}

    def rewrite(expression: Attribute) -> Attribute:
        return substitute(expression, replaced)

    merged = sql.SelectOp(
        [
            (name, window[-1].result if name == other else source)
            for name, source in op.source_map.items()
            if name != alias
        ],
        {name: rewrite(e) for name, e in op.outputs.items()},
        schema(op.result),
        [rewrite(condition) for condition in op.where if not is_own_key(condition, keys)],
        [rewrite(e) for e in op.group],
        [rewrite(e) for e in op.partition],
        [(rewrite(e), descends) for e, descends in op.ordering],
    )
    rewriter.replace(op, [*window, merged], [merged.result])
    rewriter.erase(groups)


def windowed(groups: sql.SelectOp) -> tuple[list[sql.SelectOp], dict[str, str]]:
    """The rows with the values of their groups, and the column that each of these is."""
    ((alias, source),) = groups.source_map.items()
    type = schema(source)
    rows: dict[str, Attribute] = {name: col(f"{alias}.{name}") for name in type.types}
    values = {name: e for name, e in groups.outputs.items() if calls(e, AGGREGATES)}
    aggregates = dict.fromkeys(
        part
        for expression in values.values()
        for part in walk(expression)
        if isinstance(part, CallAttr) and part.function.data in OVER
    )
    folds = {aggregate: f"fold{number}" for number, aggregate in enumerate(aggregates)}
    overs = {n: call(OVER[fold.function.data], *fold.arguments) for fold, n in folds.items()}
    scope = {f"{alias}.{name}": element for name, element in type.types.items()}
    types = {name: expression_type(e, scope) for name, e in overs.items()}
    wide = RelationType(type.extents, {**type.values, **types}, type.is_sparse)
    window = sql.SelectOp({alias: source}, {**rows, **overs}, wide, partition=list(groups.group))
    computed = {name: over_windows(e, folds, alias) for name, e in values.items()}
    if all(isinstance(e, ColumnRefAttr) for e in computed.values()):
        return [window], {name: folds[e] for name, e in values.items() if isinstance(e, CallAttr)}
    # What is computed of the windows is computed once for all that read it.
    names = {name: f"of_{name}" for name in values}
    types = {own: schema(groups.result).types[name] for name, own in names.items()}
    whole = sql.SelectOp(
        {alias: window.result},
        {**rows, **{own: computed[name] for name, own in names.items()}},
        RelationType(type.extents, {**type.values, **types}, type.is_sparse),
    )
    return [window, whole], names


def over_windows(expression: Attribute, folds: dict[CallAttr, str], alias: str) -> Attribute:
    """An expression with its aggregates replaced by the columns that hold them."""
    if not isinstance(expression, CallAttr):
        return expression
    if expression in folds:
        return col(f"{alias}.{folds[expression]}")
    arguments = (over_windows(argument, folds, alias) for argument in expression.arguments)
    return call(expression.function.data, *arguments)


@dataclass(frozen=True)
class WindowAggregatesPass(ModulePass):
    """
    Aggregate over windows instead of joining a query with its own groups, so that a statement reads
    each query once (WinMagic: Zuzarte et al., SIGMOD 2003)
    """

    name = "window-aggregates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        PatternRewriteWalker(AggregateOverWindow()).rewrite_module(op)
