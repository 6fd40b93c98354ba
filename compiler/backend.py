"""
Engines as the compiler knows them: a target is what it compiles for, a backend the engine's
package, which the entry points `tensorjoin.backends` name. One that is installed needs no change
here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.metadata import entry_points
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tensorjoin.errors import TensorjoinError
from tensorjoin.names import OF_CONNECTION
from tensorjoin.targets import TargetProfile

if TYPE_CHECKING:
    from tensorjoin.backends.database import Database
    from tensorjoin.backends.spelling import Spelling

BACKENDS = "tensorjoin.backends"
"""The entry points of backends: each is a `Backend`."""
DEFAULT_TARGET = "tensorjoin.default_target"
"""The entry point of the `Target` that a command line lowers for which names none."""
MEMORY = ":memory:"
"""The path of a database in memory."""


@dataclass(frozen=True)
class Target:
    """What a program is compiled for: an engine as it is somewhere, and how its SQL is spelt."""

    profile: TargetProfile
    load_spelling: Callable[[], "Spelling"] = field(repr=False)
    """Imports the spelling, which takes longer than a command that needs none should."""
    costs: Traversable = field(repr=False)
    """The calibration that comes with the backend."""
    for_any_float: "Target | None" = field(default=None, repr=False)
    """What to compile for where values may be infinite or NaN, which this target's vectors refuse;
    None where it holds them."""

    @property
    def name(self) -> str:
        """The name on command lines, and in stored programs."""
        return self.profile.name

    def temporary_name(self, name: str) -> str:
        """What a temporary table of a name is called in programs."""
        return name if self.profile.temporary_tables else f"{name}{OF_CONNECTION}"

    @cached_property
    def spelling(self) -> "Spelling":
        """How the engine writes functions, types and tables."""
        return self.load_spelling()


@dataclass(frozen=True)
class Backend:
    """The package of an engine."""

    name: str
    label: str
    """The name as its makers write it."""
    schemes: tuple[str, ...]
    """The schemes of its URLs."""
    url_form: str
    """An example of its URLs."""
    place: Literal["file", "server"]
    """Where a database is: a file, which may be made or be in memory, or a server."""
    targets: tuple[Target, ...]
    """The engine as it comes first, then its variants: with an extension, or other settings."""
    open: Callable[[Path | str | None], "Database"] = field(repr=False)
    """Opens the file at a path, None being memory, or the server at a URL; imports the driver."""


@cache
def backends() -> Mapping[str, Backend]:
    """The installed backends by name."""
    loaded = (each.load() for each in entry_points(group=BACKENDS))
    return {backend.name: backend for backend in sorted(loaded, key=lambda each: each.name)}


@cache
def targets() -> Mapping[str, Target]:
    """The targets of all backends by name."""
    return {target.name: target for each in backends().values() for target in each.targets}


def find_target(name: str) -> Target:
    """The target called `name`, or an error that lists those that exist."""
    if name not in targets():
        raise TensorjoinError(f"unknown target {name!r}: choose one of {', '.join(targets())}")
    return targets()[name]


def backend_of(target: Target) -> Backend:
    """The backend that has a target of this name."""
    return next(b for b in backends().values() if target.name in (t.name for t in b.targets))


@cache
def default_target() -> Target:
    """What a command line lowers for that names no target."""
    (entry,) = entry_points(group=DEFAULT_TARGET)
    return entry.load()


def url_forms() -> str:
    """The URLs of all backends: A, B or C."""
    *others, last = [backend.url_form for backend in backends().values()]
    return f"{', '.join(others)} or {last}" if others else last
