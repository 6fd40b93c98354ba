"""Which common table expressions an engine must not inline."""

from collections import Counter
from collections.abc import Iterable, Mapping

from xdsl.ir import Attribute, SSAValue

from tensorjoin.dialects import sql
from tensorjoin.dialects.expression import CallAttr, ColumnRefAttr, columns_of, reads_many, walk

REPEATED_CALLS = 12
"""Calls of an expression that is better computed once than each time it is read."""
INLINED_CALLS = 500
"""Calls that one column may come to: engines stop at some depth, and compute each again."""


def too_large(queries: Iterable[SSAValue]) -> set[SSAValue]:
    """The queries, given each after those it reads, that are best computed on their own."""
    large: set[SSAValue] = set()
    calls: dict[SSAValue, Mapping[str, int]] = {}
    for query in queries:
        if not isinstance(op := query.owner, sql.SelectOp) or not op.is_simple:
            continue
        inlined = {
            f"{alias}.{name}": number
            for alias, source in op.source_map.items()
            for name, number in calls.get(source, {}).items()
        }
        calls[query] = {name: _calls(e, inlined) for name, e in op.outputs.items()}
        if max(calls[query].values(), default=0) > INLINED_CALLS:
            large.add(query)
            calls[query] = {}
    return large


def computed_again(queries: Iterable[SSAValue]) -> set[SSAValue]:
    """
    The queries with a long expression that the query which reads them reads more than once, pairs
    with all rows of another, or sorts into groups: it would be computed for each mention or pair,
    or its columns carried along.
    """
    again: set[SSAValue] = set()
    for query in queries:
        if not isinstance(reader := query.owner, sql.SelectOp):
            continue
        written = (*reader.outputs.values(), *reader.where, *reader.group)
        reads = Counter(name for expression in written for name in columns_of(expression))
        for alias, source in reader.source_map.items():
            if isinstance(op := source.owner, sql.SelectOp) and op.is_simple:
                for name, expression in op.outputs.items():
                    read = reads[f"{alias}.{name}"]
                    is_long = _calls(expression, {}) > REPEATED_CALLS
                    is_spread = bool(reader.group) or reader.meets_all(alias)
                    if (read > 1 and is_long) or (read and is_spread and reads_many(expression)):
                        again.add(source)
    return again


def _calls(expression: Attribute, inlined: Mapping[str, int]) -> int:
    """The calls in an expression, those in the columns it reads included."""
    return sum(
        inlined.get(part.column.data, 0)
        if isinstance(part, ColumnRefAttr)
        else isinstance(part, CallAttr)
        for part in walk(expression)
    )
