"""`sql-opt -t 'sql{target=NAME}'`: print a module of the `sql` dialect as SQL."""

from dataclasses import dataclass
from typing import IO

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.target import Target

from tensorjoin.backends.emit.program import emit_program
from tensorjoin.context import target_of


@dataclass(frozen=True)
class SqlTarget(Target):
    """SQL text in the dialect of a target."""

    name = "sql"

    target: str = ""

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        output.write(emit_program(module, target_of(ctx, self.target)).sql())
