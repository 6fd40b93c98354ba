"""Ways from a relation to what is computed of its rows, on which each stays one row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import col
from tensorjoin.dialects.rel import schema
from tensorjoin.passes.rel.analysis.views import View, has_row_for_each, is_before, sources

Step = rel.ProjectOp | rel.WindowOp | rel.JoinOp


@dataclass(frozen=True)
class Path:
    """What leads from a relation to the input of an aggregate, and keeps each of its rows once."""

    steps: Sequence[tuple[Step, SSAValue]]
    """Projections, windows and joins, each with the input through which the way leads."""
    keys: Mapping[str, str]
    """What the aggregate's keys are called at the start."""

    def moved(self, first: Operation) -> list[Operation]:
        """The projections that its joins read and that stand after `first`, taken out."""
        joins = [(step, through) for step, through in self.steps if isinstance(step, rel.JoinOp)]
        others = [other for step, through in joins for other in step.inputs if other != through]
        late = dict.fromkeys(made.owner for other in others for made in reversed(sources(other)))
        moved = [
            op for op in late if isinstance(op, rel.ProjectOp) and first.is_before_in_block(op)
        ]
        for op in moved:
            op.detach()
        return [*moved]


def path(op: rel.AggregateOp, start: Sequence[SSAValue], first: Operation) -> Path | None:
    """The way from one of the values of `start`, if there is one that can be gone at `first`."""
    steps: list[tuple[Step, SSAValue]] = []
    keys = {name.data: name.data for name in op.by if schema(op.result).extents[name.data] != 1}
    value = op.input
    while value not in start:
        if not isinstance(step := value.owner, Step):
            return None
        if isinstance(step, rel.ProjectOp):
            view = View(step.input, rel.expressions(step.keys))
            renamed = {name: view.source(key) for name, key in keys.items()}
            keys = {name: source for name, source in renamed.items() if source is not None}
        if (value := kept(step, first)) is None:
            return None
        steps.insert(0, (step, value))
    return Path(steps, keys)


def kept(step: Step, first: Operation) -> SSAValue | None:
    """The input of which each row is in the result once, if there is one; others are there then."""
    if not isinstance(step, rel.JoinOp):
        return step.input
    for value in step.inputs:
        others = [other for other in step.inputs if other != value]
        is_kept = all(has_row_for_each(schema(other), schema(value)) for other in others)
        if is_kept and all(is_before(sources(other)[-1], first) for other in others):
            return value
    return None


def with_columns(step: Step, through: SSAValue, input: Operation, names: Sequence[str]) -> Step:
    """The same step with `input` in the place of `through`, whose further columns it keeps."""
    if isinstance(step, rel.JoinOp):
        return rel.JoinOp([input if value == through else value for value in step.inputs])
    values = rel.expressions(step.values)
    if isinstance(step, rel.WindowOp):
        return rel.WindowOp(input, [name.data for name in step.partition], step.ordering, values)
    kept = {name: col(name) for name in names}
    return rel.ProjectOp(input, step.keys.data, {**values, **kept})
