"""A compiled program: statements and tables as plain data, ready for an engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tensorjoin.transforms import Transform


@dataclass(frozen=True)
class Statement:
    """One SQL statement and the names of its parameters, in the order of their placeholders."""

    sql: str
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chunks:
    """
    Axis `axis` of a tensor in chunks of `size` elements, cut into columns: of arrays of `vector`
    floats, or where that is 0 of one float each; or with `bits` of integers that `lanes` rows
    share, in doubles where they are arrays, and a scale for each lane of each of `groups`. With
    several `parts`, axis `parted` is cut in so many, which lie beside each other; where that is not
    the first axis, each part is one index of it, and the tensor's rows are cut into the axes before
    the last. With `halves`, the floats of the arrays have 16 bits.
    """

    axis: int
    size: int
    vector: int
    bits: int = 0
    lanes: int = 1
    groups: int = 1
    parts: int = 1
    halves: bool = False
    parted: int = 0


@dataclass(frozen=True)
class Table:
    """A table of a program, and how a tensor fills it."""

    name: str
    kind: str
    """weight, state, input, scratch or output; see `TableKind` in the rel dialect."""
    keys: Mapping[str, int]
    """The key columns in order, with their extents; negative where unknown."""
    values: tuple[str, ...]
    """The other columns."""
    create: Statement
    sources: tuple[str, ...] = ()
    """The checkpoint's tensors, one after the other along their first axis."""
    chunks: Chunks | None = None
    gain: str | None = None
    """The checkpoint's tensor by which they are multiplied along their last axis."""
    is_temporary: bool = False
    """Whether the table lives only as long as the connection."""
    transforms: Mapping[str, Transform] = field(default_factory=dict[str, Transform])
    """How those of the tensors named that the checkpoint does not store are made of one it does."""


@dataclass(frozen=True)
class Loop:
    """Consecutive steps run `count` times, with the parameter `counter` at 0, 1, ..."""

    number: int
    counter: str
    count: int


@dataclass(frozen=True)
class Step:
    """One statement of a procedure, maybe in a loop."""

    statement: Statement
    loop: Loop | None = None


@dataclass(frozen=True)
class Program:
    """What a module compiles to."""

    tables: tuple[Table, ...]
    procedures: Mapping[str, tuple[Step, ...]]

    def sql(self) -> str:
        """The whole program as text, for reading."""
        lines = [f"{table.create.sql};" for table in self.tables]
        for name, steps in self.procedures.items():
            if not steps:
                continue
            lines.append(f"-- {name}")
            loop = None
            for step in steps:
                if step.loop != loop and step.loop is not None:
                    lines.append(f"-- for {step.loop.counter} = 0 to {step.loop.count - 1}:")
                elif step.loop != loop:
                    lines.append("-- end for")
                loop = step.loop
                lines.append(f"{step.statement.sql};")
        return "\n".join(lines) + "\n"
