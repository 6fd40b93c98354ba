"""The compiler as Python sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser
from xdsl.passes import ModulePass
from xdsl.universe import Universe
from xdsl.utils.exceptions import ParseError

from tensorjoin.backend import Target, default_target, find_target
from tensorjoin.backends.emit.program import emit_program
from tensorjoin.driver import Observer, compile_module, verify_module
from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.model import read_model
from tensorjoin.frontends.onnx.model import read_onnx
from tensorjoin.language_model_program import compile_language_model
from tensorjoin.onnx_program import compile_onnx
from tensorjoin.pipelines import Layout, to_sql
from tensorjoin.program import Program, Table
from tensorjoin.stages import Stage

SOURCE = "source"


@dataclass(frozen=True)
class Snapshot:
    """A module as a pass left it."""

    stage: str
    """The stage of the pipeline that the pass belongs to."""
    level: str
    """The dialect that this stage lowers to: ten, rel or sql."""
    name: str
    """The pass."""
    module: ModuleOp


@dataclass(frozen=True)
class Compilation:
    """A model on its way through the compiler."""

    snapshots: tuple[Snapshot, ...]
    """The module as it came in, under the name "source", and after each pass."""
    program: Program

    @property
    def modules(self) -> Mapping[str, ModuleOp]:
        """The module at each level: "source" as it came in, then "ten", "rel" and "sql"."""
        return {each.level: each.module for each in self.snapshots}

    @property
    def sql(self) -> str:
        """All statements as text."""
        return self.program.sql()

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables that the program needs."""
        return self.program.tables


def compile(
    model: str | Path | ModuleOp,
    target: str | Target | None = None,
    layout: Layout = "auto",
    *,
    verify_each: bool = False,
) -> Compilation:
    """
    Compile a Hugging Face folder (config.json is enough), an ONNX file whose inputs have known
    shapes, a file of MLIR, or a module of any dialect above `sql`. Of a folder, that is the program
    which `sql-llm load` stores for a model of the folder's name, with the costs that come with the
    backend. A target is named, or is that of an open database (`database.target`); without one, it
    is the default of command lines.

    With `verify_each`, the module is verified after each pass.

    Raises TensorjoinError where the model cannot be read, or has no form on the target.
    """
    if not isinstance(target, Target):
        target = default_target() if target is None else find_target(target)
    snapshots: list[Snapshot] = []

    def observe(stage: Stage | None, done: ModulePass | None, module: ModuleOp) -> None:
        if verify_each:
            verify_module(stage, done, module)
        if stage is None or done is None:
            # A model whose shapes depend on values is begun anew with these.
            snapshots.clear()
            snapshots.append(Snapshot(SOURCE, SOURCE, SOURCE, module.clone()))
        else:
            snapshots.append(Snapshot(stage.name, stage.level, done.name, module.clone()))

    if isinstance(model, ModuleOp):
        program = compile_text(model.clone(), target, layout, observe)
    elif (path := Path(model)).suffix == ".mlir":
        program = compile_text(read_mlir(path), target, layout, observe)
    elif path.suffix == ".onnx":
        graph = read_onnx(path)
        program = compile_onnx(graph, target, {}, {}, path.parent, layout, observe).program
    else:
        name, found = path.resolve().name, read_model(path)
        program = compile_language_model(found.module, target, name, layout, observe=observe)
    return Compilation(tuple(snapshots), program)


def compile_text(module: ModuleOp, target: Target, layout: Layout, observe: Observer) -> Program:
    """The program of a module, which is rewritten."""
    compile_module(module, target, to_sql(target.profile, layout), observe)
    return emit_program(module, target)


def read_mlir(path: Path) -> ModuleOp:
    """The module of an .mlir file, in dialects of ours, of xDSL, and of installed packages."""
    ctx = Context()
    for name, dialect in Universe.get_multiverse().all_dialects.items():
        ctx.register_dialect(name, dialect)
    try:
        return Parser(ctx, path.read_text(), str(path)).parse_module()
    except OSError as error:
        raise TensorjoinError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TensorjoinError(f"{path} is not MLIR: it is no UTF-8 text") from error
    except ParseError as error:
        raise TensorjoinError(f"{path} is not MLIR: {str(error).splitlines()[0]}") from error
