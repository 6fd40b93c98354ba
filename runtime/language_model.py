"""A language model in a database, as Python sees it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database
from tensorjoin.backends.interrupts import held
from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.tokenizer import StreamingDecoder
from tensorjoin.runtime.catalog import StoredModel, find_model
from tensorjoin.runtime.form_choice import settle
from tensorjoin.runtime.load import load_model
from tensorjoin.runtime.prompt import encode, tokenizer_of
from tensorjoin.runtime.session import Sampling, Session


class LanguageModel:
    """
    A model that was loaded into a database, by its text:

        with LanguageModel.load("examples/demo", URL) as model:
            print(model.generate("Once upon a time", max_tokens=50))

    Every method raises TensorjoinError, one line, where the database, the model or the arguments
    do not allow what is asked.
    """

    def __init__(self, database: Database, model: StoredModel) -> None:
        self.database = database
        self.model = model
        self._tokenizer = tokenizer_of(model)
        self._session: Session | None = None

    @classmethod
    def open(cls, url: str, name: str | None = None, memory: int | None = None) -> "LanguageModel":
        """
        The model called `name` in the database at `url`, or the only one there.

        `memory` is what the process may use, in bytes, Python and its libraries included.
        """
        database = connect(url, create=False, memory=memory)
        try:
            return cls(database, find_model(database, name))
        except BaseException:
            database.close()
            raise

    @classmethod
    def load(
        cls,
        directory: str | Path,
        url: str,
        name: str | None = None,
        replace: bool = False,
        memory: int | None = None,
        bits: int | None = None,
    ) -> "LanguageModel":
        """
        Load a Hugging Face directory into the database at `url`, and open it; `memory` as in
        `open`. With `bits`, 8 or 4, weights are rounded to integers of so many bits.
        """
        database = connect(url, create=True, memory=memory)
        try:
            return cls(database, load_model(database, Path(directory), name, replace, bits=bits))
        except BaseException:
            database.close()
            raise

    def encode(self, text: str) -> list[int]:
        """The token ids of a prompt."""
        return encode(self.model, self._tokenizer, text)

    def stream(
        self, prompt: str | Sequence[int], max_tokens: int, sampling: Sampling | None = None
    ) -> Iterator[str]:
        """The continuation of a prompt in pieces, as they are made; `prompt` may be token ids."""
        if self._tokenizer is None:
            raise TensorjoinError(f"the model {self.model.shown} has no tokenizer: use token_ids")
        decoder = StreamingDecoder(self._tokenizer)
        for token in self.token_ids(prompt, max_tokens, sampling):
            yield decoder.push(token)
        yield decoder.finish()

    def generate(
        self, prompt: str | Sequence[int], max_tokens: int, sampling: Sampling | None = None
    ) -> str:
        """The continuation of a prompt."""
        return "".join(self.stream(prompt, max_tokens, sampling))

    def token_ids(
        self, prompt: str | Sequence[int], max_tokens: int, sampling: Sampling | None = None
    ) -> Iterator[int]:
        """The tokens of a continuation, without the one that ends the sequence."""
        ids = self.encode(prompt) if isinstance(prompt, str) else prompt
        stream = self._new_stream()
        settle(stream, max_tokens)
        return stream.generate(ids, max_tokens, sampling or Sampling())

    def logits(self, token_ids: Sequence[int]) -> np.ndarray:
        """The logits after each token: float32 [tokens, vocabulary]."""
        session = self._new_stream()
        settle(session, 1)
        with self.database.transaction():
            session.forward(token_ids, emit_all=True)
        return session.logits()

    def close(self) -> None:
        """Close the connection; the model stays in the database."""
        self.database.close()

    def __enter__(self) -> "LanguageModel":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _new_stream(self) -> Session:
        if self._session is None:
            # Its tables and it, or neither.
            with held():
                self._session = Session(self.database, self.model)
        else:
            self._session.restart()
        return self._session
