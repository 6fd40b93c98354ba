"""Language models for tests of passes, beside `tensorjoin.testing.modules`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from models.llama import write_checkpoint
from safetensors.numpy import load_file
from xdsl.dialects.builtin import ModuleOp

from tensorjoin.backend import targets
from tensorjoin.frontends.llama import import_llama
from tensorjoin.frontends.llama_config import read_llama_config
from tensorjoin.program import Program
from tensorjoin.testing.modules import Array, Tables

TARGETS = targets()
EVERYTHING = 2**30
"""As `until`, lets a stream read another to its end."""


def matrix(table: Mapping[str, npt.NDArray]) -> npt.NDArray:
    """A table of two keys and a value as an array; NaN where no row is."""
    rows, columns, values = table.values()
    result = np.full((rows.max() + 1, columns.max() + 1), np.nan)
    result[rows, columns] = values
    return result


def llama(name: str, directory: Path) -> tuple[ModuleOp, dict[str, Array]]:
    """A test model: its `nn` module and its weights."""
    write_checkpoint(directory, name)
    weights: dict[str, Array] = {}
    for file in sorted(directory.glob("*.safetensors")):
        weights |= load_file(file)
    return import_llama(read_llama_config(directory)), weights


def stream_tables(tokens: Sequence[int] | Array, start: int = 0, end: int | None = None) -> Tables:
    """The inputs for tokens `start` to `end` of one stream, those before being in the cache."""
    rows, everything = np.arange(len(tokens))[start:end], np.arange(len(tokens))[:end]
    return {
        "batch": {
            "p": rows,
            "stream": np.zeros_like(rows),
            "position": rows,
            "token": np.asarray(tokens)[start:end],
            "emit": np.ones_like(rows),
        },
        "context": {"c": everything, "stream": np.zeros_like(everything), "position": everything},
        "visibility": {"stream": [0], "source": [0], "until": [EVERYTHING]},
    }


def compiled_once(compile: Callable[..., Program]) -> Callable[..., Program]:
    """`compile_language_model`, which compiles a module once for the same options."""
    known: dict[object, Program] = {}

    def compiled(module: ModuleOp, *options: object) -> Program:
        key = (str(module), *options)
        if key not in known:
            known[key] = compile(module, *options)
        return known[key]

    return compiled
