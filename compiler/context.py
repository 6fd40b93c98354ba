"""The target in the context of passes."""

from dataclasses import dataclass, field, fields

from xdsl.context import Context

from tensorjoin.backend import Target, default_target, find_target
from tensorjoin.targets import TargetProfile


@dataclass
class TargetContext(Context):
    """The context of passes, with the target that they lower for."""

    target: Target = field(kw_only=True)

    def clone(self) -> "TargetContext":
        copy = super().clone()
        known = {each.name: getattr(copy, each.name) for each in fields(copy)}
        return TargetContext(**known, target=self.target)


def target_of(ctx: Context, name: str = "") -> Target:
    """
    The target called `name`; without a name, that of the context, or the default where a context
    has none.

    Raises TensorjoinError where no target has that name.
    """
    if name:
        return find_target(name)
    return ctx.target if isinstance(ctx, TargetContext) else default_target()


def profile_of(ctx: Context, name: str = "") -> TargetProfile:
    """The profile of `target_of`."""
    return target_of(ctx, name).profile
