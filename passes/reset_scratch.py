"""Add the procedures that empty what a run, and a sequence, leave behind."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Region
from xdsl.passes import ModulePass

from tensorjoin.dialects import sql
from tensorjoin.dialects.rel import TableKind

EMPTIED = {
    "reset": (TableKind.SCRATCH, TableKind.INPUT),
    "forget": (TableKind.STATE,),
}
"""The procedures, and the kinds of tables that each empties."""


@dataclass(frozen=True)
class ResetScratchPass(ModulePass):
    """
    sql.create_table scratch @s, state @k -> functions @reset with sql.delete @s, which goes before
    each run, and @forget with sql.delete @k, which goes before another sequence
    """

    name = "reset-scratch"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        tables = [table for table in op.ops if isinstance(table, sql.CreateTableOp)]
        for name, kinds in EMPTIED.items():
            deletes = [
                sql.DeleteOp(table.sym_name.data) for table in tables if table.kind.data in kinds
            ]
            block = Block([*deletes, func.ReturnOp()])
            op.body.block.add_op(func.FuncOp(name, ((), ()), Region(block)))
