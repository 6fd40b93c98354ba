"""Which common table expressions an engine must not inline."""

from collections import Counter
from collections.abc import Iterable, Mapping

from xdsl.ir import Attribute, SSAValue

from tensorjoin.dialects import sql
from tensorjoin.dialects.expression import CallAttr, ColumnRefAttr, columns_of, reads_many, walk
from tensorjoin.targets import Thresholds


def too_large(queries: Iterable[SSAValue], most: int) -> set[SSAValue]:
    """
    The queries, given each after those it reads, that are best computed on their own: inlined, one
    of their columns would come to more than so many calls.
    """
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
        if max(calls[query].values(), default=0) > most:
            large.add(query)
            calls[query] = {}
    return large


def computed_again(queries: Iterable[SSAValue], thresholds: Thresholds) -> set[SSAValue]:
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
                    is_long = _calls(expression, {}) > thresholds.fenced_calls
                    is_spread = bool(reader.group) or reader.meets_all(alias)
                    is_wide = reads_many(expression, thresholds.carried_columns)
                    if (read > 1 and is_long) or (read and is_spread and is_wide):
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
