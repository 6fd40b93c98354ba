"""From a configuration to the program of a language model on one target."""

from importlib.resources import files

from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp, StringAttr
from xdsl.dialects.func import Func, FuncOp
from xdsl.parser import Parser

from tensorjoin.backends.emitter import emit_program
from tensorjoin.dialects import rel, sql
from tensorjoin.forms import LAYERWISE
from tensorjoin.frontends.llama import import_llama
from tensorjoin.frontends.llama_config import LlamaConfig
from tensorjoin.names import short_names, table_name
from tensorjoin.passes.reset_scratch import ResetScratchPass
from tensorjoin.pipelines import Layout, to_relational, to_statements
from tensorjoin.program import Program
from tensorjoin.targets import TargetProfile


def compile_language_model(
    config: LlamaConfig,
    profile: TargetProfile,
    model: str,
    layout: Layout = "auto",
    costs: str = "",
    bits: int | None = None,
) -> Program:
    """
    The program for a model called `model`: the procedure `forward`, where that is a recursion
    `layerwise` too, and those of runtime/generation.mlir; `costs` is a file of coefficients.
    """
    module = import_llama(config)
    ctx = Context()
    for stage in to_relational(profile, layout, costs, bits):
        stage.apply(ctx, module)
    if profile.recurses:
        add_layerwise(module)
    add_generation(module)
    for stage in (*to_statements(profile), ResetScratchPass()):
        stage.apply(ctx, module)
    module.verify()
    symbols = [op.sym_name.data for op in module.ops if isinstance(op, sql.CreateTableOp)]
    names = short_names(symbols)
    return emit_program(module, profile, lambda symbol: table_name(model, names[symbol]))


def add_layerwise(module: ModuleOp) -> None:
    """Add what does the same in a loop over the layers."""
    (forward,) = (op for op in module.ops if isinstance(op, FuncOp))
    layerwise = forward.clone()
    layerwise.sym_name = StringAttr(LAYERWISE)
    module.body.block.add_op(layerwise)


def add_generation(module: ModuleOp) -> None:
    """Add the procedures of generation to a module of `rel`."""
    ctx = Context()
    for dialect in (Builtin, Func, rel.Rel):
        ctx.load_dialect(dialect)
    text = files("tensorjoin.runtime").joinpath("generation.mlir").read_text()
    for op in list(Parser(ctx, text).parse_module().ops):
        op.detach()
        module.body.block.add_op(op)
