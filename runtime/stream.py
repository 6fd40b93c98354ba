"""Sequences of tokens over a model, each with its own reader, which may run together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tensorjoin.errors import TensorjoinError
from tensorjoin.interface import Procedure
from tensorjoin.runtime.sampling import Sampling
from tensorjoin.runtime.session import Session


class Stream:
    """
    A sequence of tokens that grows. The streams of a session do not see each other.

    The database knows a stream from its first rows on. They are gone when it is closed, or with the
    next step of the session after nobody refers to the stream any more.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.number = next(session.numbers)

    @property
    def length(self) -> int:
        """The tokens of the stream so far."""
        return self.session.length(self.number)

    def forward(
        self, tokens: Sequence[int], emit_all: bool = False, form: Procedure | None = None
    ) -> None:
        """Append tokens and compute their logits; see `Session.forward`."""
        self.session.forward({self.number: tokens}, emit_all, form)

    def generate(self, prompt: Sequence[int], max_tokens: int, sampling: Sampling) -> Iterator[int]:
        """Yield tokens until an end-of-sequence token, which is not yielded, or `max_tokens`."""
        for _, token in generate([Text(self, prompt, max_tokens, sampling)]):
            yield token

    def close(self) -> None:
        """Remove the stream's rows."""
        self.session.close([self.number])

    def __del__(self) -> None:
        # Nothing is asked of the engine here: this may run at any time, within a transaction too.
        self.session.abandoned.add(self.number)


@dataclass(frozen=True)
class Text:
    """A prompt, the stream that it continues, and how it is continued itself."""

    stream: Stream
    prompt: Sequence[int]
    max_tokens: int
    sampling: Sampling = Sampling()

    def check(self) -> None:
        """Raise TensorjoinError where the prompt is empty, or the text does not fit the context."""
        if not self.prompt:
            raise TensorjoinError("the prompt is empty: give at least one token")
        manifest = self.stream.session.model.manifest
        available = manifest.max_positions - self.stream.length
        if len(self.prompt) + self.max_tokens - 1 > available:
            raise TensorjoinError(
                f"a prompt of {len(self.prompt)} and {self.max_tokens} new tokens are more than the"
                f" model's context of {available}: shorten the prompt or --max-tokens"
            )


def generate(texts: Sequence[Text]) -> Iterator[tuple[int, int]]:
    """
    Continue texts of one session, each on a stream of its own, in passes over all of them: yield
    each token with the number of its text, until its end-of-sequence token, which is not yielded,
    or `max_tokens`.

    Raises TensorjoinError where two texts share a stream; see `Text.check` for what else.
    """
    if len({text.stream.number for text in texts}) < len(texts):
        raise TensorjoinError("two texts continue one stream: give each a stream of its own")
    for text in texts:
        text.check()
    waiting = {n: text.prompt for n, text in enumerate(texts) if text.max_tokens > 0}
    left = {n: texts[n].max_tokens for n in waiting}
    begun: set[int] = set()
    while waiting:
        session = texts[0].stream.session
        streams = {n: texts[n].stream.number for n in waiting}
        with session.step():
            session.forward({streams[n]: tokens for n, tokens in waiting.items()})
            for n in streams.keys() - begun:
                session.sample_by(streams[n], texts[n].sampling)
            tokens = session.choose(streams.values())
            session.reset()
        begun |= streams.keys()
        for n, stream in streams.items():
            token = tokens[stream]
            left[n] -= 1
            waiting[n] = [token]
            is_end = token in session.model.manifest.eos_token_ids
            if is_end or not left[n]:
                del waiting[n]
            if not is_end:
                yield n, token
