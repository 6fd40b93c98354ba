"""What a pipeline is made of: named stages of passes."""

from collections.abc import Iterable
from dataclasses import dataclass

from xdsl.passes import ModulePass

STAGES = (
    "import-graph",
    "tensor-algebra",
    "relational",
    "lifetimes",
    "procedures",
    "query",
    "statements",
    "reset",
)
"""The stages of the default pipelines, before and after which packages may add passes."""

CANONICAL = "canonical form"
"""The fact that canonicalize establishes."""

Passes = tuple[ModulePass, ...]


@dataclass(frozen=True)
class Stage:
    """Passes that bring a module to one level."""

    name: str
    level: str
    """The dialect of the module after them."""
    passes: Passes
    establishes: frozenset[str] = frozenset()
    """The facts that hold at its end; see `contracts`."""


Pipeline = tuple[Stage, ...]


def passes_of(pipeline: Iterable[Stage]) -> Passes:
    """All passes of a pipeline in their order."""
    return tuple(each for stage in pipeline for each in stage.passes)
