"""A forward pass in `rel` -> with it, the procedures that choose tokens and keep the context."""

from dataclasses import dataclass
from importlib.resources import files

from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.dialects.func import Func
from xdsl.parser import Parser
from xdsl.passes import ModulePass

from tensorjoin.dialects import rel


@dataclass(frozen=True)
class AddGenerationPass(ModulePass):
    """Add the procedures of generation.mlir, which sample tokens and keep a stream's context."""

    name = "add-generation"
    requires = frozenset({"forms of the forward pass"})

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        reader = Context()
        for dialect in (Builtin, Func, rel.Rel):
            reader.load_dialect(dialect)
        text = files("tensorjoin.passes.rel").joinpath("generation.mlir").read_text()
        for each in list(Parser(reader, text).parse_module().ops):
            each.detach()
            op.body.block.add_op(each)
