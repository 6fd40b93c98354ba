"""llama.cpp, through llama-cpp-python."""

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from llm.checkpoints import CONTEXT
from llm.contender import Contender, Floats, Runner
from llm.gguf_file import write_gguf


@dataclass
class LlamaCppRunner:
    """`model` is a `llama_cpp.Llama`."""

    model: Any

    def restart(self) -> None:
        self.model.reset()

    def forward(self, tokens: Sequence[int]) -> None:
        self.model.eval(list(tokens))

    def token(self) -> int:
        return int(self.logits().argmax())

    def logits(self) -> Floats:
        import llama_cpp

        pointer = llama_cpp.llama_get_logits_ith(self.model.ctx, -1)
        return np.ctypeslib.as_array(pointer, (self.model.n_vocab(),)).copy()


@dataclass(frozen=True)
class LlamaCppContender(Contender):
    """The cache is float32, as everywhere here; all else is llama.cpp's own choice."""

    name: str
    quantisation: Literal["F32", "Q8_0"]
    engine: str = "llama.cpp"

    def version(self) -> str:
        return f"llama-cpp-python {version('llama-cpp-python')}"

    def load(self, checkpoint: Path, folder: Path) -> None:
        write_gguf(checkpoint, folder / "model.gguf", self.quantisation)

    @contextmanager
    def open(self, checkpoint: Path, folder: Path, memory: int | None = None) -> Generator[Runner]:
        import llama_cpp

        threads = os.cpu_count()
        yield LlamaCppRunner(
            llama_cpp.Llama(
                str(folder / "model.gguf"),
                n_ctx=CONTEXT,
                n_threads=threads,
                n_threads_batch=threads,
                type_k=llama_cpp.GGML_TYPE_F32,
                type_v=llama_cpp.GGML_TYPE_F32,
                verbose=False,
            )
        )
