"""A whole stage: any level above -> relational algebra."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from tensorjoin.pipelines import to_relational
from tensorjoin.targets import target_profile


@dataclass(frozen=True)
class LowerToRelationalPass(ModulePass):
    """Lower a module at any level to relational algebra, laid out for a target."""

    name = "lower-to-relational"

    target: str = "duckdb"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for stage in to_relational(target_profile(self.target)):
            stage.apply(ctx, op)
