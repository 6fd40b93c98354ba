"""Whole stages: any level above -> relational algebra."""

from dataclasses import dataclass

from tensorjoin.driver import PipelinePass
from tensorjoin.pipelines import to_relational
from tensorjoin.stages import Pipeline
from tensorjoin.targets import TargetProfile


@dataclass(frozen=True)
class LowerToRelationalPass(PipelinePass):
    """Lower a module at any level to relational algebra, laid out for a target."""

    name = "lower-to-relational"

    def pipeline(self, profile: TargetProfile) -> Pipeline:
        return to_relational(profile)
