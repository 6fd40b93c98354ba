"""Whole stages: any level above -> SQL."""

from dataclasses import dataclass

from tensorjoin.driver import PipelinePass
from tensorjoin.pipelines import to_sql
from tensorjoin.stages import Pipeline
from tensorjoin.targets import TargetProfile


@dataclass(frozen=True)
class LowerToSqlPass(PipelinePass):
    """Lower a module at any level to query blocks and statements for a target."""

    name = "lower-to-sql"

    def pipeline(self, profile: TargetProfile) -> Pipeline:
        return to_sql(profile)
