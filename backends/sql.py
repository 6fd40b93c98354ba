"""`sql-opt -t 'sql{target=duckdb}'`: print a module of the `sql` dialect as SQL."""

from dataclasses import dataclass
from typing import IO

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.target import Target

from tensorjoin.backends.emitter import emit_program
from tensorjoin.targets import target_profile


@dataclass(frozen=True)
class SqlTarget(Target):
    """SQL text in the dialect of a target."""

    name = "sql"

    target: str = "duckdb"

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        output.write(emit_program(module, target_profile(self.target)).sql())
