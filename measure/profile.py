"""Where the time of a decode step goes: each statement of a stored model, counted and timed."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, cast

import numpy as np
import sqlglot
from sqlglot import exp

from tensorjoin.backends.database import Database, Value
from tensorjoin.calibration import current
from tensorjoin.cost import Bound, Coefficients, Work, bound, seconds, total
from tensorjoin.errors import TensorjoinError
from tensorjoin.interface import LAYER
from tensorjoin.layouts import DOUBLE_BYTES
from tensorjoin.measure.statement_work import (
    TableSize,
    is_recursion,
    sources,
    statement_work,
    target,
)
from tensorjoin.names import table_name
from tensorjoin.program import Step
from tensorjoin.runtime.catalog import StoredModel, column, table
from tensorjoin.runtime.executor import Call, Executor
from tensorjoin.runtime.form_choice import WORTH_TRYING, settle
from tensorjoin.runtime.sampling import Sampling
from tensorjoin.runtime.session import Session
from tensorjoin.runtime.stream import Stream

RUNS = 5
KEY_BYTES = 4
INSERT = "insert"


@dataclass(frozen=True)
class Operator:
    """One statement of the program, its rounds summed: what a decode step does and needs."""

    verb: str
    """insert, delete, ..."""
    makes: str
    """The table it fills or empties, as the model calls it."""
    weights: tuple[str, ...]
    """The weights it reads, likewise."""
    calls: int
    work: Work
    predicted: float
    """Seconds."""
    measured: float
    """Seconds: the median of some steps."""
    bound: Bound
    """What most of the predicted time is for."""

    @property
    def products(self) -> float:
        """The products of numbers, in whatever form."""
        return self.work.products + self.work.dot_products


@dataclass
class TimedExecutor(Executor):
    """Keeps the time of each statement, and counts the rows of each table."""

    seconds: dict[Step, float] = field(default_factory=dict[Step, float], init=False)
    """Of the last run, summed over rounds."""
    written: dict[Step, int] = field(default_factory=dict[Step, int], init=False)
    """Rows that each statement added, where they were counted."""
    counts: bool = field(default=False, init=False)

    def execute(self, calls: Sequence[Call]) -> None:
        for step, values in calls:
            self.execute_timed(step, values)

    def execute_timed(self, step: Step, values: Mapping[str, Value]) -> None:
        """Run one statement by itself, and note its time."""
        made = target(parsed(self.database, step)) if self.counts else ""
        before = self.rows(made)
        start = time.perf_counter()
        super().execute([(step, values)])
        self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - start
        self.written[step] = self.written.get(step, 0) + max(0, self.rows(made) - before)

    def rows(self, name: str, key: str | None = None, distinct: bool = False) -> int:
        """
        The rows of a table, or those that have a key, or the distinct values of a key; 0 for no
        table.
        """
        if not name:
            return 0
        counted = exp.Star() if key is None else column(key)
        if distinct:
            counted = exp.Distinct(expressions=[counted])
        select = exp.select(exp.Count(this=counted)).from_(table(name))
        ((count,),) = self.database.query(self.database.statement(select))
        return int(count)

    def size(self, name: str) -> TableSize:
        """What a round finds in a table, which may have rows for each layer, or each round."""
        query = self.database.statement(exp.select(exp.Star()).from_(table(name)).limit(1))
        first: Sequence[Any] = next(iter(self.database.query(query)), ())
        is_layered = LAYER in self.database.columns(query)
        element = self.database.target.profile.row_format.element_bytes
        vectors = [vector for value in first if (vector := vector_of(value, element))]
        floats = sum(1 for value in first if isinstance(value, float))
        keys = len(first) - floats - len(vectors)
        rows = self.rows(name)
        if is_layered:
            rows = self.rows(name, LAYER) / max(1, self.rows(name, LAYER, distinct=True))
        return TableSize(
            rows=rows,
            row_bytes=element * floats + sum(n for _, n in vectors) + KEY_BYTES * keys,
            vector=max((size for size, _ in vectors), default=0),
        )


def vector_of(value: object, element_bytes: int) -> tuple[int, int] | None:
    """
    The elements of a vector, as an engine's driver returns it, and their bytes; None for another
    value. A driver may leave vectors as they are sent: the number of elements in two bytes, two
    more, and the elements, of four or of two bytes. Another gives floats, which are doubles if
    float32 does not hold them.
    """
    if isinstance(value, bytes):
        return int.from_bytes(value[:2], "big"), len(value) - 4
    if isinstance(value, list):
        elements = np.array(cast(list[float], value), dtype=np.float64)
        if (elements.astype(np.float32) != elements).any():
            element_bytes = DOUBLE_BYTES
        return len(elements), len(elements) * element_bytes
    return None


def parsed(database: Database, step: Step) -> exp.Expr:
    """A statement as a tree."""
    return sqlglot.parse_one(step.statement.sql, dialect=database.dialect)


def profile(
    database: Database, model: StoredModel, tokens: Sequence[int]
) -> tuple[list[Operator], Coefficients]:
    """
    The operators of a decode step after `tokens`, in order, those that empty tables as one, and the
    coefficients that they are predicted by: those measured at home if there are any.

    Raises TensorjoinError where there are no tokens, or the context has no room for the steps.
    """
    if not tokens:
        raise TensorjoinError("there are no tokens: give at least one by --token-ids")
    session = Session(database, model, TimedExecutor)
    executor = session.executor
    assert isinstance(executor, TimedExecutor)
    settle(session, WORTH_TRYING)
    stream = Stream(session)
    with session.step():
        stream.forward(tokens)
        session.sample_by(stream.number, Sampling())
    decode(stream, executor, tokens[-1])
    runs = [decode(stream, executor, tokens[-1]) for _ in range(RUNS)]
    executor.written.clear()
    executor.counts = True
    steps = decode(stream, executor, tokens[-1])
    coefficients = current(database.target, database.version()).seconds
    operators = [
        operator(model, executor, step, median(run.get(step, 0.0) for run in runs), coefficients)
        for step in steps
    ]
    return merged(operators, coefficients), coefficients


def decode(stream: Stream, executor: TimedExecutor, token: int) -> dict[Step, float]:
    """Append a token and choose the next; returns the seconds of each statement."""
    executor.seconds.clear()
    with stream.session.step():
        stream.forward([token])
        stream.session.choose([stream.number])
        stream.session.reset()
    return dict(executor.seconds)


def merged(operators: list[Operator], coefficients: Coefficients) -> list[Operator]:
    """The insertions one by one; what else there is, summed by what it does."""
    others: dict[str, list[Operator]] = {}
    for each in operators:
        if each.verb != INSERT:
            others.setdefault(each.verb, []).append(each)
    sums: list[Operator] = []
    for verb, group in others.items():
        work = total(each.work for each in group)
        sums.append(
            Operator(
                verb=verb,
                makes=f"{len(group)} tables",
                weights=(),
                calls=sum(each.calls for each in group),
                work=work,
                predicted=seconds(work, coefficients),
                measured=sum(each.measured for each in group),
                bound=bound(work, coefficients),
            )
        )
    return [*sums, *(each for each in operators if each.verb == INSERT)]


def operator(
    model: StoredModel,
    executor: TimedExecutor,
    step: Step,
    measured: float,
    coefficients: Coefficients,
) -> Operator:
    tree = parsed(executor.database, step)
    calls = step.loop.count if step.loop else 1
    rounds = model.manifest.layers if is_recursion(tree) else 1
    read = sources(tree)
    sizes = {name: executor.size(name) for name in read}
    once = statement_work(tree, sizes, executor.written.get(step, 0) / calls, rounds)
    work = once.times(calls)
    prefix = table_name(model.name, "")
    lasting = model.manifest.tables
    return Operator(
        verb=tree.key,
        makes=target(tree).removeprefix(prefix),
        weights=tuple(name.removeprefix(prefix) for name in read if name in lasting),
        calls=calls,
        work=work,
        predicted=seconds(work, coefficients),
        measured=measured,
        bound=bound(work, coefficients),
    )
