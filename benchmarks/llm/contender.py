"""What is asked of everything that takes part."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from llm.reference import NumpyLlama

Floats = npt.NDArray[np.float32]


class Runner(Protocol):
    """A model that is open: one stream of tokens."""

    def restart(self) -> None:
        """Forget the stream and begin another."""
        ...

    def forward(self, tokens: Sequence[int]) -> None:
        """Append tokens to the stream, in one pass, and compute the logits of the last."""
        ...

    def token(self) -> int:
        """Choose the most likely next token."""
        ...

    def logits(self) -> Floats:
        """The logits of the last token: float32 [vocabulary]."""
        ...


class Contender(ABC):
    """An engine and a form of the model in it."""

    name: str
    engine: str
    takes_empty_batches: ClassVar[bool] = False
    """Whether a pass over no rows is a pass, which shows what each pass costs at least."""
    only_decodes: ClassVar[bool] = False
    """Whether a pass is always that of one token."""
    runs_capped: ClassVar[bool] = True
    """Whether it can be run with less memory than its weights take."""

    @property
    def has_server(self) -> bool:
        """Whether another process reads its files, so that what this one reads says nothing."""
        return False

    @abstractmethod
    def version(self) -> str:
        """What runs: names and versions."""

    def load(self, checkpoint: Path, folder: Path) -> None:
        """Make `folder` hold all that is needed of the checkpoint."""
        return

    def files(self, checkpoint: Path, folder: Path) -> list[Path]:
        """The files that are read when it runs."""
        return sorted(path for path in folder.rglob("*") if path.is_file())

    def reference(self, checkpoint: Path) -> Runner:
        """numpy doing the same, to compare logits with."""
        return NumpyLlama(checkpoint)

    @abstractmethod
    @contextmanager
    def open(self, checkpoint: Path, folder: Path, memory: int | None = None) -> Generator[Runner]:
        """The model as `load` has left it; `memory` is what the process may have, in bytes."""
        ...
