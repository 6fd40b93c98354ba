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
from tensorjoin.runtime.sampling import Sampling
from tensorjoin.runtime.session import Session
from tensorjoin.runtime.stream import Stream, Text, generate


class LanguageModel:
    """
    A model that was loaded into a database, by its text:

        with LanguageModel.load("examples/demo", URL) as model:
            print(model.generate("Once upon a time", max_tokens=50))

    Each call has a stream of tokens of its own, so that what `stream` and `token_ids` yield may be
    read in turns. All calls must come from one thread.

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
        for _, token in self.token_ids_batch([prompt], max_tokens, sampling):
            yield token

    def generate_batch(
        self,
        prompts: Sequence[str | Sequence[int]],
        max_tokens: int,
        sampling: Sampling | Sequence[Sampling] | None = None,
    ) -> list[str]:
        """
        The continuations of several prompts, made together: each pass has a row or more of every
        prompt that has not ended. They are those that each prompt would have alone; `sampling` is
        for all of them, or one for each.
        """
        if self._tokenizer is None:
            raise TensorjoinError(f"the model {self.model.shown} has no tokenizer: use token_ids")
        tokens: list[list[int]] = [[] for _ in prompts]
        for number, token in self.token_ids_batch(prompts, max_tokens, sampling):
            tokens[number].append(token)
        decoders = [StreamingDecoder(self._tokenizer) for _ in prompts]
        return [
            "".join([*map(decoder.push, ids), decoder.finish()])
            for decoder, ids in zip(decoders, tokens, strict=True)
        ]

    def token_ids_batch(
        self,
        prompts: Sequence[str | Sequence[int]],
        max_tokens: int,
        sampling: Sampling | Sequence[Sampling] | None = None,
    ) -> Iterator[tuple[int, int]]:
        """As `generate_batch`: the number of a prompt and its next token, as they are made."""
        ids = [self.encode(each) if isinstance(each, str) else each for each in prompts]
        if sampling is None or isinstance(sampling, Sampling):
            sampling = [sampling or Sampling()] * len(ids)
        if len(sampling) != len(ids):
            raise TensorjoinError(f"{len(ids)} prompts, but {len(sampling)} samplings: give equals")
        session = self._ready(max_tokens)
        texts = [
            Text(Stream(session), prompt, max_tokens, how)
            for prompt, how in zip(ids, sampling, strict=True)
        ]
        yield from generate(texts)
        session.close([text.stream.number for text in texts])

    def logits(self, token_ids: Sequence[int]) -> np.ndarray:
        """The logits after each token: float32 [tokens, vocabulary]."""
        session = self._ready(1)
        stream = Stream(session)
        with session.step():
            stream.forward(token_ids, emit_all=True)
        logits = session.logits()
        stream.close()
        return logits

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

    def _ready(self, new_tokens: int) -> Session:
        """The session, its form chosen for so many tokens."""
        if self._session is None:
            # Its tables and it, or neither.
            with held():
                self._session = Session(self.database, self.model)
        settle(self._session, new_tokens)
        return self._session
