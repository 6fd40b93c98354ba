"""Tables of any lifetime -> tables that end with the connection."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from tensorjoin.dialects import rel
from tensorjoin.dialects.rel import Lifetime, LifetimeAttr


@dataclass(frozen=True)
class TemporaryTablesPass(ModulePass):
    """Have all tables end with the connection, those of the weights too."""

    name = "temporary-tables"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for table in op.ops:
            if isinstance(table, rel.TableOp):
                table.lifetime = LifetimeAttr(Lifetime.TEMPORARY)
