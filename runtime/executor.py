"""Runs the procedures of a program on a connection, their loops round by round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from tensorjoin.backends.database import Database, Value
from tensorjoin.program import Step

Call = tuple[Step, Mapping[str, Value]]
"""A statement of a procedure, and the values of its parameters."""


@dataclass
class Executor:
    """The only loop over the steps of a program: all that runs one runs it by this."""

    database: Database
    procedures: Mapping[str, tuple[Step, ...]]
    """Those without steps may be missing."""

    def run(self, procedure: str, **values: Value) -> None:
        """Run a procedure's statements in order; those of a loop get its counter as well."""
        calls: list[Call] = []
        for loop, group in groupby(self.procedures.get(procedure, ()), key=lambda step: step.loop):
            steps = list(group)
            for number in range(1 if loop is None else loop.count):
                bound = values if loop is None else {**values, loop.counter: number}
                calls += [(step, bound) for step in steps]
        self.execute(calls)

    def execute(self, calls: Sequence[Call]) -> None:
        """Run statements in order, all handed to the engine at once."""
        self.database.execute_all((step.statement, values) for step, values in calls)
