"""Add the procedure that empties what a run leaves behind."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Region
from xdsl.passes import ModulePass

from tensorjoin.dialects import sql
from tensorjoin.dialects.rel import TableKind

EMPTIED = (TableKind.SCRATCH, TableKind.INPUT)


@dataclass(frozen=True)
class ResetScratchPass(ModulePass):
    """sql.create_table scratch @s, input @b -> a function @reset with sql.delete @s, @b"""

    name = "reset-scratch"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        deletes = [
            sql.DeleteOp(table.sym_name.data)
            for table in op.ops
            if isinstance(table, sql.CreateTableOp) and table.kind.data in EMPTIED
        ]
        block = Block([*deletes, func.ReturnOp()])
        op.body.block.add_op(func.FuncOp("reset", ((), ()), Region(block)))
