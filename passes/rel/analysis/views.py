"""Relations seen through the projections that they are made of."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from xdsl.dialects.builtin import DYNAMIC_INDEX
from xdsl.ir import Attribute, Operation, SSAValue

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import CallAttr, ColumnRefAttr, call, col, substitute
from tensorjoin.dialects.rel import RelationType, schema

SHARED = ("sum", "max", "min")
"""Aggregates that a window has as well."""


@dataclass(frozen=True)
class View:
    """A relation as projections of another: its columns as expressions over those of `base`."""

    base: SSAValue
    columns: Mapping[str, Attribute]

    def source(self, name: str) -> str | None:
        """The column of the base that a column is."""
        expression = self.columns[name]
        return expression.column.data if isinstance(expression, ColumnRefAttr) else None


def renamed(value: SSAValue) -> View:
    """A relation seen through the projections that rename what it has."""
    return seen(value, lambda op: not any(isinstance(a.expression, CallAttr) for a in op.values))


def computed(value: SSAValue) -> View:
    """A relation seen through all projections that it is made of."""
    return seen(value, lambda _: True)


def sources(value: SSAValue) -> list[SSAValue]:
    """A relation and those that it is a projection of, the nearest first."""
    found = [value]
    while isinstance(project := found[-1].owner, rel.ProjectOp):
        found.append(project.input)
    return found


def over_common_base(values: Sequence[SSAValue]) -> list[View]:
    """Relations seen through projections of the nearest that all are made of; none if none is."""
    shared = set[SSAValue].intersection(*(set(sources(value)) for value in values))
    base = next((source for source in sources(values[0]) if source in shared), None)
    return [] if base is None else [seen(value, lambda op: op.result != base) for value in values]


def seen(value: SSAValue, passes: Callable[[rel.ProjectOp], bool]) -> View:
    columns: Mapping[str, Attribute] = {name: col(name) for name in schema(value).types}
    while isinstance(project := value.owner, rel.ProjectOp) and passes(project):
        assigned = {**rel.expressions(project.keys), **rel.expressions(project.values)}
        columns = {name: substitute(e, assigned) for name, e in columns.items()}
        value = project.input
    return View(value, columns)


def wide(extents: Mapping[str, int]) -> set[str]:
    """The keys that tell rows apart: one of extent 1 is 0 on all."""
    return {name for name, extent in extents.items() if extent != 1}


def has_row_for_each(type: RelationType, rows: RelationType) -> bool:
    """Whether a relation has exactly one row for each of some rows with its keys."""
    extents = type.extents
    is_known = DYNAMIC_INDEX not in extents.values() and not type.is_sparse
    return is_known and extents.items() <= rows.extents.items()


def is_before(value: SSAValue, op: Operation) -> bool:
    """Whether a value is known where an operation stands."""
    owner = value.owner
    return not isinstance(owner, Operation) or owner.is_before_in_block(op)


def shared_calls(op: rel.AggregateOp) -> Mapping[str, CallAttr]:
    """The aggregates by name, if each is a sum, a maximum or a minimum; else none."""
    values = rel.expressions(op.values)
    calls = {n: e for n, e in values.items() if isinstance(e, CallAttr)}
    if len(calls) < len(values) or any(e.function.data not in SHARED for e in calls.values()):
        return {}
    return calls


def partitioned(
    calls: Mapping[str, CallAttr], made_of: Mapping[str, Attribute]
) -> dict[str, Attribute]:
    """The same aggregates of a partition, of columns as `made_of` has them."""
    return {
        name: call(f"partition_{e.function.data}", substitute(e.arguments.data[0], made_of))
        for name, e in calls.items()
    }


def fresh_names(names: Iterable[str], taken: Container[str]) -> dict[str, str]:
    """For each name a column that is not taken: g0, g1, ..."""
    free = (name for n in count() if (name := f"g{n}") not in taken)
    return dict(zip(names, free, strict=False))
