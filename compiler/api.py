"""The compiler as Python sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects import get_all_dialects
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser
from xdsl.utils.exceptions import ParseError

from tensorjoin.backends.emitter import emit_program
from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.llama import import_llama
from tensorjoin.frontends.llama_config import read_llama_config
from tensorjoin.pipelines import Layout, to_relational, to_statements, to_tensor_algebra
from tensorjoin.program import Program, Table
from tensorjoin.targets import target_profile
from tensorjoin.universe import TENSORJOIN_UNIVERSE


@dataclass(frozen=True)
class Compilation:
    """A model at each level of the compiler."""

    modules: Mapping[str, ModuleOp]
    """The modules: "source" as it came in, then "ten", "rel" and "sql"."""
    program: Program

    @property
    def sql(self) -> str:
        """All statements as text."""
        return self.program.sql()

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables that the program needs."""
        return self.program.tables


def compile(
    model: str | Path | ModuleOp, target: str = "duckdb", layout: Layout = "auto"
) -> Compilation:
    """
    Compile a Hugging Face directory (config.json is enough), an .mlir file, or a module.

    Raises TensorjoinError where the model cannot be read, or has no form on the target.
    """
    profile = target_profile(target)
    module = model.clone() if isinstance(model, ModuleOp) else read_model(Path(model))
    modules = {"source": module.clone()}
    ctx = Context()
    tensor_algebra = to_tensor_algebra(profile)
    stages = {
        "ten": tensor_algebra,
        "rel": to_relational(profile, layout)[len(tensor_algebra) :],
        "sql": to_statements(profile),
    }
    for level, passes in stages.items():
        for stage in passes:
            stage.apply(ctx, module)
        module.verify()
        modules[level] = module.clone()
    return Compilation(modules, emit_program(module, profile))


def read_model(path: Path) -> ModuleOp:
    """The module of a Hugging Face directory or of an .mlir file."""
    if path.suffix != ".mlir":
        return import_llama(read_llama_config(path))
    ctx = Context()
    for name, dialect in {**get_all_dialects(), **TENSORJOIN_UNIVERSE.all_dialects}.items():
        ctx.register_dialect(name, dialect)
    try:
        return Parser(ctx, path.read_text(), str(path)).parse_module()
    except OSError as error:
        raise TensorjoinError(f"cannot read {path}: {error.strerror}") from error
    except ParseError as error:
        raise TensorjoinError(f"{path} is not MLIR: {str(error).splitlines()[0]}") from error
