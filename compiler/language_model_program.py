"""From the forward pass of a language model to its program on one target."""

from xdsl.dialects.builtin import ModuleOp

from tensorjoin.backend import Target
from tensorjoin.backends.emit.program import emit_program
from tensorjoin.dialects import sql
from tensorjoin.driver import Observer, compile_module
from tensorjoin.names import short_names, table_name
from tensorjoin.pipelines import Layout, to_language_model
from tensorjoin.program import Program


def compile_language_model(
    module: ModuleOp,
    target: Target,
    model: str,
    layout: Layout = "auto",
    costs: str = "",
    bits: int | None = None,
    observe: Observer | None = None,
) -> Program:
    """
    The program for a model called `model`, of its forward pass in `nn`: the procedure `forward`,
    where that is a recursion `layerwise` too, and those of generation.mlir; `costs` is a file of
    coefficients.
    """
    module = module.clone()
    pipeline = to_language_model(target.profile, layout, costs, bits)
    compile_module(module, target, pipeline, observe)
    symbols = [op.sym_name.data for op in module.ops if isinstance(op, sql.CreateTableOp)]
    names = short_names(symbols)
    return emit_program(module, target, lambda symbol: table_name(model, names[symbol]))
