"""
Passes that installed packages add to every pipeline, by entry points of the group
`tensorjoin.passes`, each of which is an `Extension`.
"""

from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import entry_points

from tensorjoin.errors import TensorjoinError
from tensorjoin.stages import STAGES, Passes, Pipeline, Stage
from tensorjoin.universe import PASSES

EXTENSIONS = "tensorjoin.passes"


@dataclass(frozen=True)
class Extension:
    """Passes, and the point at which they run: `before` or `after` a stage, or a pass, by name."""

    passes: Passes
    before: str = ""
    after: str = ""

    @property
    def point(self) -> str:
        """The stage or pass."""
        return self.before or self.after


@cache
def extensions() -> tuple[Extension, ...]:
    """
    The installed extensions in the order of their entry points' names.

    Raises TensorjoinError where one names no point, two, or one that does not exist.
    """
    found: list[Extension] = []
    for entry in sorted(entry_points(group=EXTENSIONS), key=lambda entry: entry.name):
        extension = entry.load()
        if bool(extension.before) == bool(extension.after):
            raise TensorjoinError(f"the extension {entry.name!r} needs either `before` or `after`")
        if extension.point not in (*STAGES, *PASSES):
            raise TensorjoinError(
                f"the extension {entry.name!r} names no stage and no pass: {extension.point!r}"
            )
        found.append(extension)
    return tuple(found)


def extended(pipeline: Pipeline) -> Pipeline:
    """A pipeline with the passes of extensions, which run once, where it has their points."""
    for extension in extensions():
        pipeline = tuple(_extended(stage, extension) for stage in pipeline)
    return pipeline


def _extended(stage: Stage, extension: Extension) -> Stage:
    names = [each.name for each in stage.passes]
    if extension.point == stage.name:
        place = 0 if extension.before else len(names)
    elif extension.before in names:
        place = names.index(extension.before)
    elif extension.after in names:
        place = len(names) - names[::-1].index(extension.after)
    else:
        return stage
    passes = (*stage.passes[:place], *extension.passes, *stage.passes[place:])
    return replace(stage, passes=passes)
