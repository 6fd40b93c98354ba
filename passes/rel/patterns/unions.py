"""Unions of what is computed of one relation, as products of it with a small range."""

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import IntAttr
from xdsl.ir import Attribute
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import (
    CallAttr,
    ColumnRefAttr,
    LiteralAttr,
    call,
    col,
    lit,
)
from tensorjoin.dialects.rel import schema
from tensorjoin.passes.rel.analysis.views import (
    View,
    fresh_names,
    over_common_base,
)

MOST_BRANCHES = 8
"""
Of so many expressions one is chosen for each row. That is no engine's: the choice is what lets a
condition through to the rows, on each of them, and is written for each branch in each column, so
that the text grows with the square of the branches. A classifier of two classes needs two.
"""


def constant(expression: Attribute, extents: Mapping[str, int]) -> int | None:
    """The number that a key is on every row; a key of extent 1 is 0."""
    match expression:
        case LiteralAttr(value=IntAttr(data=number)):
            return number
        case ColumnRefAttr():
            return 0 if extents.get(expression.column.data) == 1 else None
        case CallAttr() if expression.function.data == "add":
            left, right = (constant(e, extents) for e in expression.arguments)
            return None if left is None or right is None else left + right
        case _:
            return None


def numbered(views: Sequence[View], keys: Sequence[str]) -> str | None:
    """The key by which the branches are numbered, if it is all by which their rows differ."""
    extents = schema(views[0].base).extents
    numbers = list(range(len(views)))
    axes = [key for key in keys if [constant(v.columns[key], extents) for v in views] == numbers]
    others = [key for key in keys if key not in axes]
    same = all(v.columns[key] == views[0].columns[key] for v in views for key in others)
    return axes[0] if same and len(axes) == 1 else None


def choice(axis: str, names: Sequence[str]) -> Attribute:
    """The column of the branch that a row is of."""
    *firsts, chosen = (col(name) for name in names)
    for number, column in reversed(list(enumerate(firsts))):
        chosen = call("if", call("eq", col(axis), lit(number)), column, chosen)
    return chosen


class MergeUnion(RewritePattern):
    """
    union (project x {v = f}) (project x {b = 1, v = g}) ->
    project (join (project x {v0 = f, v1 = g}) (range b)) {v = if(b = 0, v0, v1)}
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.UnionOp, rewriter: PatternRewriter, /):
        views, type = over_common_base(op.inputs), schema(op.result)
        if not views or len(views) > MOST_BRANCHES:
            return
        if (axis := numbered(views, list(type.extents))) is None:
            return
        keys = {key: views[0].columns[key] for key in type.extents if key != axis}
        extents = [rel.AssignmentAttr(k, e, type.extents[k]) for k, e in keys.items()]
        wanted = [(name, number) for name in type.values for number in range(len(views))]
        fresh = fresh_names([f"{name} {number}" for name, number in wanted], type.types)
        values = {fresh[f"{name} {number}"]: views[number].columns[name] for name, number in wanted}
        wide = rel.ProjectOp(views[0].base, extents, values)
        places = rel.RangeOp(axis, len(views))
        pairs = rel.JoinOp([wide.result, places.result])
        chosen = {
            name: choice(axis, [fresh[f"{name} {number}"] for number in range(len(views))])
            for name in type.values
        }
        rows = rel.ProjectOp(pairs, {key: key for key in type.extents}, chosen)
        if schema(rows.result) == type:
            rewriter.replace(op, [wide, places, pairs, rows], [rows.result])
