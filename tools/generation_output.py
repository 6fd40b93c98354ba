"""How `sql-llm generate` shows what it makes: text as it comes, or one answer in JSON."""

import time
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from statistics import median
from typing import TYPE_CHECKING

from tensorjoin.backends.interrupts import held

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def timed(tokens: Iterable[int], seconds: list[float]) -> Iterator[int]:
    """Append the seconds that each token took, or else those of the prompt."""
    start = time.perf_counter()
    for token in tokens:
        seconds.append(time.perf_counter() - start)
        yield token
        start = time.perf_counter()
    if not seconds:
        seconds.append(time.perf_counter() - start)


def measured(seconds: list[float]) -> dict[str, float | None]:
    prefill, *steps = seconds
    return {"prefill_seconds": prefill, "seconds_per_token": median(steps) if steps else None}


def answered(
    prompt: list[int], tokens: list[int], max_tokens: int, tokenizer: "Tokenizer | None"
) -> dict[str, object]:
    return {
        "prompt_ids": prompt,
        "token_ids": tokens,
        "text": None if tokenizer is None else tokenizer.decode(tokens),
        "finish_reason": "length" if len(tokens) == max_tokens else "stop",
    }


def pieces(
    prompt: list[int], tokens: Iterator[int], tokenizer: "Tokenizer | None"
) -> Iterator[str]:
    """The prompt and its continuation as they become known; nothing before the first token is."""
    with held():
        from tensorjoin.frontends.tokenizer import StreamingDecoder

    first = list(islice(tokens, 1))
    everything = chain(prompt, first, tokens)
    if tokenizer is None:
        for number, token in enumerate(everything):
            yield f",{token}" if number else str(token)
        return
    decoder = StreamingDecoder(tokenizer)
    for token in everything:
        yield decoder.push(token)
    yield decoder.finish()


def print_pieces(pieces: Iterable[str]) -> None:
    """Print text while it comes, and end the line even if it is cut short."""
    started = False
    try:
        for piece in pieces:
            started = True
            print(piece, end="", flush=True)
    finally:
        if started:
            print(flush=True)
