"""Add the procedures that empty what a run, and a sequence, leave behind."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Region
from xdsl.passes import ModulePass

from tensorjoin.dialects import sql
from tensorjoin.dialects.rel import TableKind

RUN = (TableKind.SCRATCH, TableKind.INPUT, TableKind.OUTPUT)
SEQUENCE = (TableKind.STATE,)
PROCEDURES = {
    "reset": (sql.DeleteOp, RUN),
    "forget": (sql.DeleteOp, SEQUENCE),
    "compact": (sql.TruncateOp, RUN),
}
"""What each procedure does, and to which kinds of tables."""


@dataclass(frozen=True)
class ResetScratchPass(ModulePass):
    """
    sql.create_table scratch @s, state @k -> functions @reset with sql.delete @s, for before each
    run, @forget with sql.delete @k, for before another sequence, @compact with sql.truncate @s, for
    now and then
    """

    name = "reset-scratch"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        tables = [table for table in op.ops if isinstance(table, sql.CreateTableOp)]
        for name, (statement, kinds) in PROCEDURES.items():
            statements = [statement(t.sym_name.data) for t in tables if t.kind.data in kinds]
            block = Block([*statements, func.ReturnOp()])
            op.body.block.add_op(func.FuncOp(name, ((), ()), Region(block)))
