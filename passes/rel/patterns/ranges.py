"""Products with a small range, and aggregates over it -> one expression for each of its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import (
    CallAttr,
    call,
    col,
    columns_of,
    lit,
    substitute,
)
from tensorjoin.dialects.rel import schema
from tensorjoin.passes.rel.analysis.views import (
    View,
    computed,
    fresh_names,
    over_common_base,
    shared_calls,
    wide,
)

MOST_NUMBERS = 8
"""
The longest range that is unrolled. That is no engine's: it is as long as what MergeUnion makes,
which this undoes where an aggregate follows (`unions.MOST_BRANCHES`).
"""
FOLDS = {"sum": "add", "max": "greatest", "min": "least"}


def at(expression: Attribute, axis: str, number: int) -> Attribute:
    """An expression where the key `axis` is `number`; what depends on that alone is decided."""
    if expression == col(axis):
        return lit(number)
    if not isinstance(expression, CallAttr):
        return expression
    if expression.function.data == "if":
        condition, *ways = expression.arguments
        for other in range(MOST_NUMBERS):
            if condition == call("eq", col(axis), lit(other)):
                return at(ways[number != other], axis, number)
    arguments = [at(argument, axis, number) for argument in expression.arguments]
    return CallAttr(expression.function.data, *arguments)


def folded(function: str, terms: Sequence[Attribute]) -> Attribute:
    """The sum, the maximum or the minimum of a few expressions."""
    if function == "sum":
        terms = [term for term in terms if term not in (lit(0), lit(0.0))] or terms[:1]
    return reduce(lambda x, y: call(FOLDS[function], x, y), terms)


@dataclass(frozen=True)
class Product:
    """What is computed of a relation and of the numbers of a range."""

    view: View
    rows: SSAValue
    range: SSAValue
    axis: str
    extent: int


def product(value: SSAValue) -> Product | None:
    """A relation as projections of a product with a small range, if it is one."""
    view = computed(value)
    if not isinstance(join := view.base.owner, rel.JoinOp) or len(join.inputs) != 2:
        return None
    for rows, range in (join.inputs, join.inputs[::-1]):
        if isinstance(range.owner, rel.RangeOp) and not isinstance(rows.owner, rel.RangeOp):
            ((axis, extent),) = schema(range).extents.items()
            if extent <= MOST_NUMBERS and axis not in schema(rows).types:
                return Product(view, rows, range, axis, extent)
    return None


class HoistRange(RewritePattern):
    """
    join (project (join (project x) (range b)) {v = f(b)}) (project x) ->
    project (join (project x) (project x) (range b)) {v = f(b)}
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.JoinOp, rewriter: PatternRewriter, /):
        for input in op.inputs:
            if (found := product(input)) is None or input == found.view.base:
                continue
            others = [other for other in op.inputs if other != input]
            keys = schema(input).extents
            own = {key: found.view.source(key) for key in keys if key != found.axis}
            if found.axis not in keys or found.view.source(found.axis) != found.axis:
                continue
            if None in own.values():
                continue
            if not any(over_common_base((found.rows, other)) for other in others):
                continue
            taken = {name for other in op.inputs for name in schema(other).types}
            values = schema(found.rows).values
            fresh = fresh_names(values, {*taken, *values})
            renamed = {column: col(name) for column, name in fresh.items()}
            named = [rel.AssignmentAttr(k, found.view.columns[k], keys[k]) for k in own]
            carried = {name: col(column) for column, name in fresh.items()}
            rows = rel.ProjectOp(found.rows, named, carried)
            joined = rel.JoinOp([rows.result, *others, found.range])
            back = {source: col(key) for key, source in own.items() if source is not None}
            result = schema(op.result)
            computed_here = {
                name: substitute(found.view.columns[name], {**renamed, **back})
                if name in schema(input).values
                else col(name)
                for name in result.values
            }
            same = rel.ProjectOp(joined, {key: key for key in result.extents}, computed_here)
            rewriter.replace(op, [rows, joined, same], [same.result])
            return


class UnrollAggregate(RewritePattern):
    """
    aggregate (join x (range b to 2)) by [keys of x] {s = sum(v)} ->
    project x {s = v at b = 0 + v at b = 1}
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.AggregateOp, rewriter: PatternRewriter, /):
        calls, found = shared_calls(op), product(op.input)
        if not calls or found is None:
            return
        columns, extents = found.view.columns, schema(op.result).extents
        if not wide(schema(found.rows).extents) <= {found.view.source(name) for name in extents}:
            return
        if any(found.axis in columns_of(columns[name]) for name in extents):
            return
        keys = [rel.AssignmentAttr(name, columns[name], n) for name, n in extents.items()]
        values: dict[str, Attribute] = {}
        for name, e in calls.items():
            term = substitute(e.arguments.data[0], columns)
            terms = [at(term, found.axis, number) for number in range(found.extent)]
            values[name] = folded(e.function.data, terms)
        unrolled = rel.ProjectOp(found.rows, keys, values)
        if schema(unrolled.result) == schema(op.result):
            rewriter.replace(op, unrolled)
