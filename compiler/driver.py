"""The driver: takes a module through a pipeline, for one target, in view of whoever watches."""

import os
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass, PassPipeline
from xdsl.utils.exceptions import VerifyException

from tensorjoin.backend import Target
from tensorjoin.context import TargetContext, target_of
from tensorjoin.contracts import require_order
from tensorjoin.extensions import extended
from tensorjoin.stages import Passes, Pipeline, Stage, passes_of
from tensorjoin.targets import TargetProfile

Observer = Callable[[Stage | None, ModulePass | None, ModuleOp], None]
"""
Called with the module as it comes in, of no stage and no pass, and after each pass with its stage,
the pass, and the module as it is then.
"""

VERIFY_EACH = "TENSORJOIN_VERIFY_EACH"
"""The variable of the environment that has modules verified after each pass."""


def compile_module(
    module: ModuleOp,
    target: Target,
    pipeline: Pipeline,
    observe: Observer | None = None,
) -> None:
    """
    Rewrite a module in place by all passes of a pipeline and of the extensions to it, and verify it
    after each stage; where the environment sets TENSORJOIN_VERIFY_EACH, after each pass.

    Raises TensorjoinError where the order of the passes is wrong, before anything is rewritten, or
    where the model has no form on the target, and VerifyException where the
    module is not valid, with the name of the stage or pass in a note.
    """
    observers = [each for each in (observe, _from_environment()) if each is not None]
    pipeline = extended(pipeline)
    require_order(pipeline)
    ctx = TargetContext(target=target)
    for each in observers:
        each(None, None, module)
    for stage in pipeline:
        PassPipeline(stage.passes, _between(stage, observers)).apply(ctx, module)
        _verify(module, stage.name)


def verify_module(stage: Stage | None, done: ModulePass | None, module: ModuleOp) -> None:
    """An observer that raises VerifyException where a pass left an invalid module."""
    if done is not None:
        _verify(module, done.name)


@dataclass(frozen=True)
class PipelinePass(ModulePass):
    """Several stages as one pass, for command lines."""

    target: str = ""

    @abstractmethod
    def pipeline(self, profile: TargetProfile) -> Pipeline:
        """The stages, for a target."""

    def parts(self, ctx: Context) -> Passes:
        """The passes one by one, each for the target that this one names."""
        passes = passes_of(extended(self.pipeline(target_of(ctx, self.target).profile)))
        return tuple(replace(p, target=self.target) if has_target(p) else p for p in passes)

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        target = target_of(ctx, self.target)
        compile_module(op, target, self.pipeline(target.profile))


def has_target(each: ModulePass) -> bool:
    """Whether a pass depends on the target."""
    return any(option.name == "target" for option in fields(each))


def _from_environment() -> Observer | None:
    return verify_module if os.environ.get(VERIFY_EACH) else None


def _between(stage: Stage, observers: list[Observer]):
    """What xDSL calls before the first pass of a stage, and after each."""

    def observe(done: ModulePass | None, module: ModuleOp, _: ModulePass | None) -> None:
        if done is not None:
            for each in observers:
                each(stage, done, module)

    return observe


def _verify(module: ModuleOp, after: str) -> None:
    try:
        module.verify()
    except VerifyException as error:
        error.add_note(f"after {after}")
        raise
