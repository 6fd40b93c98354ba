"""Add the procedures that empty what a run, and a sequence, leave behind."""

from collections import Counter
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Region
from xdsl.passes import ModulePass

from tensorjoin.dialects import sql
from tensorjoin.dialects.rel import TableKind
from tensorjoin.interface import Procedure

RUN = (TableKind.SCRATCH, TableKind.INPUT, TableKind.OUTPUT)
SEQUENCE = (TableKind.STATE,)
PROCEDURES = {
    Procedure.CLEAR_SCRATCH: (sql.DeleteOp, RUN),
    Procedure.CLEAR_CONTEXT: (sql.DeleteOp, SEQUENCE),
    Procedure.VACUUM: (sql.TruncateOp, RUN),
}
"""What each procedure does, and to which kinds of tables."""


def tables_of(function: func.FuncOp, *ops: type[sql.TableOp | sql.InsertOp]) -> set[str]:
    """The names of the tables that a function reads or fills, as `ops` says."""
    return {op.table.string_value() for op in function.walk() if isinstance(op, ops)}


def empty_own(functions: list[func.FuncOp], scratch: list[str]) -> set[str]:
    """Have each function empty the scratch tables that it alone reads and fills; their names."""
    users = Counter(n for f in functions for n in tables_of(f, sql.TableOp, sql.InsertOp))
    emptied: set[str] = set()
    for function in functions:
        read = tables_of(function, sql.TableOp)
        own = [name for name in scratch if users[name] == 1 and name in read]
        last = function.body.block.last_op
        assert last is not None
        function.body.block.insert_ops_before([sql.DeleteOp(name) for name in own], last)
        emptied |= set(own)
    return emptied


@dataclass(frozen=True)
class ResetScratchPass(ModulePass):
    """
    Empty what a run leaves behind, and what a sequence does.

    A function empties the scratch tables that it alone reads and fills when it is done. For others,
    outputs among them, and inputs, there is a function @clear_scratch for before each run.
    @clear_context empties state. @vacuum, for now and then, truncates.
    """

    name = "reset-scratch"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        tables = [table for table in op.ops if isinstance(table, sql.CreateTableOp)]
        functions = [each for each in op.ops if isinstance(each, func.FuncOp)]
        scratch = [t.sym_name.data for t in tables if t.kind.data is TableKind.SCRATCH]
        emptied = empty_own(functions, scratch)
        for name, (statement, kinds) in PROCEDURES.items():
            names = [t.sym_name.data for t in tables if t.kind.data in kinds]
            statements = [
                statement(each)
                for each in names
                if name != Procedure.CLEAR_SCRATCH or each not in emptied
            ]
            block = Block([*statements, func.ReturnOp()])
            op.body.block.add_op(func.FuncOp(name, ((), ()), Region(block)))
