"""A whole stage: any level above -> SQL."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from tensorjoin.pipelines import to_sql
from tensorjoin.targets import target_profile


@dataclass(frozen=True)
class LowerToSqlPass(ModulePass):
    """Lower a module at any level to query blocks and statements for a target."""

    name = "lower-to-sql"

    target: str = "duckdb"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for stage in to_sql(target_profile(self.target)):
            stage.apply(ctx, op)
