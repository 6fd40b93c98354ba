"""A compiled program: statements and tables as plain data, ready for an engine."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Statement:
    """One SQL statement and the names of its parameters, in the order of their placeholders."""

    sql: str
    parameters: tuple[str, ...] = ()
