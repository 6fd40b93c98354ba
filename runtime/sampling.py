"""How the next token of a stream is chosen."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tensorjoin.backends.database import Value
from tensorjoin.errors import TensorjoinError

COLDEST = 1e-30
"""Any colder is the same, except that an engine may raise an error where a quotient overflows."""


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen; temperature 0 takes the most likely one."""

    temperature: float = 0.0
    top_k: int | None = None
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.temperature < float("inf")):
            raise TensorjoinError("the temperature must be a number of at least 0")
        if self.top_k is not None and self.top_k < 1:
            raise TensorjoinError("top-k must be at least 1")
        if not 0 < self.top_p <= 1:
            raise TensorjoinError("top-p must be above 0 and at most 1")
        if self.seed < 0:
            raise TensorjoinError("the seed must be at least 0")

    @property
    def is_greedy(self) -> bool:
        return self.temperature == 0

    @property
    def state(self) -> int:
        """The generator's first state: 1 to 2^31 - 2, far apart for seeds that are near."""
        return int(np.random.SeedSequence(self.seed).generate_state(1)[0]) % 2147483646 + 1

    def parameters(self, vocab_size: int) -> Mapping[str, Value]:
        """The values that the database keeps, for a vocabulary of so many tokens."""
        return {
            "temperature": 0.0 if self.is_greedy else max(self.temperature, COLDEST),
            "top_k": min(self.top_k or vocab_size, vocab_size),
            "top_p": float(self.top_p),
            "state": self.state,
        }
