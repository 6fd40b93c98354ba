"""
tensorjoin: a compiler that turns neural networks into SQL.

    tensorjoin.compile("path/to/llama").sql
    tensorjoin.LanguageModel.load("path/to/llama", URL).generate("Hello", 20)
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorjoin.api import Compilation, compile
    from tensorjoin.errors import TensorjoinError
    from tensorjoin.runtime.language_model import LanguageModel
    from tensorjoin.runtime.session import Sampling

__all__ = ["Compilation", "LanguageModel", "Sampling", "TensorjoinError", "compile"]

_HOMES = {
    "Compilation": "tensorjoin.api",
    "compile": "tensorjoin.api",
    "LanguageModel": "tensorjoin.runtime.language_model",
    "Sampling": "tensorjoin.runtime.session",
    "TensorjoinError": "tensorjoin.errors",
}


# Everything below this package runs this file first: what it offers is imported when asked for.
def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
