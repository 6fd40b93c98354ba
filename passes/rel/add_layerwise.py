"""A forward pass -> the same a second time, which keeps its loops where they become recursions."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass

from tensorjoin.context import profile_of
from tensorjoin.forms import FORWARD, LAYERWISE


@dataclass(frozen=True)
class AddLayerwisePass(ModulePass):
    """Where an engine has recursions, add @layerwise: @forward with statements for each layer."""

    name = "add-layerwise"
    establishes = frozenset({"forms of the forward pass"})

    target: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if not profile_of(ctx, self.target).recurses:
            return
        for function in list(op.ops):
            if isinstance(function, FuncOp) and function.sym_name.data == FORWARD:
                layerwise = function.clone()
                layerwise.sym_name = StringAttr(LAYERWISE)
                op.body.block.add_op(layerwise)
