"""numpy: the arithmetic and nothing else."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

from llm.checkpoints import WEIGHTS
from llm.contender import Contender, Runner
from llm.reference import NumpyLlama


@dataclass(frozen=True)
class NumpyContender(Contender):
    name: str = "numpy"
    engine: str = "numpy"
    runs_capped: ClassVar[bool] = False

    def version(self) -> str:
        return f"numpy {version('numpy')}"

    def files(self, checkpoint: Path, folder: Path) -> list[Path]:
        return [checkpoint / WEIGHTS]

    @contextmanager
    def open(self, checkpoint: Path, folder: Path, memory: int | None = None) -> Generator[Runner]:
        yield NumpyLlama(checkpoint)
