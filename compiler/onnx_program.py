"""From an ONNX model to its program on one target, for inputs of known shapes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy.typing as npt
from onnx import ModelProto
from xdsl.utils.exceptions import VerifyException

from tensorjoin.backend import Target
from tensorjoin.backends.emit.program import emit_program
from tensorjoin.driver import Observer, compile_module
from tensorjoin.errors import TensorjoinError, one_line
from tensorjoin.frontends.onnx.model import import_onnx
from tensorjoin.frontends.onnx.tensors import TensorFile
from tensorjoin.passes.onnx.evaluation import NeedsValueError
from tensorjoin.passes.onnx.operators import OPERATORS
from tensorjoin.pipelines import Layout, to_temporary_tables
from tensorjoin.program import Program

Arrays = Mapping[str, npt.NDArray[Any]]
NAME_BYTES = 63
"""
The fewest bytes of a name that an engine keeps. It is not asked of the target, as the names of
inputs and outputs are how a program's tables are found, whatever it was compiled for.
"""


@dataclass(frozen=True)
class OnnxProgram:
    """A model compiled for inputs of given shapes, and given values of those in `constants`."""

    program: Program
    tensors: TensorFile
    constants: frozenset[str]


def compile_onnx(
    model: ModelProto,
    target: Target,
    shapes: Mapping[str, Sequence[int]],
    inputs: Arrays,
    folder: Path | None = None,
    layout: Layout = "auto",
    observe: Observer | None = None,
) -> OnnxProgram:
    """
    Compile a model for inputs of these shapes. Where a shape depends on the value of an input, that
    value becomes a constant of the program.

    Raises NeedsValueError where `inputs` lacks such a value, UnsupportedError by the name of what
    has no relational form.
    """
    target = target.for_any_float or target
    constants: dict[str, npt.NDArray[Any]] = {}
    while True:
        imported = import_onnx(model, OPERATORS, shapes, constants, folder)
        module = imported.module
        try:
            pipeline = to_temporary_tables(target.profile, layout)
            compile_module(module, target, pipeline, observe)
            break
        except NeedsValueError as error:
            if error.inputs <= set(constants) or not error.inputs <= set(inputs):
                raise
            constants |= {name: inputs[name] for name in error.inputs}
        except VerifyException as error:
            raise TensorjoinError(f"the model is not valid: {one_line(error)}") from error
    program = emit_program(module, target, short_name)
    return OnnxProgram(program, imported.tensors, frozenset(constants))


def short_name(name: str) -> str:
    """A name that no engine cuts off."""
    if len(name.encode()) <= NAME_BYTES and name.isprintable():
        return name
    kept = name.encode("ascii", "replace").decode()[:40]
    return f"{kept}.{sha256(name.encode()).hexdigest()[:16]}"
