"""The tokenizer of a model folder, and text that is decoded while tokens arrive."""

import json
import re
from pathlib import Path
from typing import cast

from tokenizers import Tokenizer

from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.checkpoint import read_text, shown

_REPLACEMENT = "\ufffd"
_BYTE_TOKEN = re.compile("<0x[0-9A-Fa-f]{2}>")


def read_tokenizer(directory: Path, vocab_size: int) -> str | None:
    """The text of tokenizer.json, known to load; None if the folder has no such file.

    Raises TensorjoinError if the file cannot be read or loaded, or has a token id of
    `vocab_size` or more, for which the model has no embedding.
    """
    file = directory / "tokenizer.json"
    if not file.exists():
        return None
    text = read_text(file)
    try:
        tokenizer = Tokenizer.from_str(text)
    except BaseException as error:
        if not _is_library_error(error):
            raise
        raise TensorjoinError(
            f"{file}: is not a tokenizer that can be loaded ({' '.join(str(error).split())}): "
            "download the file again"
        ) from error
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    last = max(vocabulary, key=vocabulary.__getitem__, default=None)
    if last is not None and vocabulary[last] >= vocab_size:
        raise TensorjoinError(
            f"{file}: tokenizer.json has {vocabulary[last] + 1} tokens but config.json says "
            f"vocab_size {vocab_size}: the model has no embedding for {shown(last)}, use the "
            "tokenizer.json and config.json of the same model"
        )
    return text


class StreamingDecoder:
    """Turns token ids into text as they come.

    The pieces put together are what the tokenizer makes of all ids at once, without special
    tokens. A piece is held back as long as later tokens can change it: in the middle of a
    character, within a run of byte tokens, which such tokenizers decode as a whole, and to the
    end for a tokenizer whose decoder rewrites text across tokens.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._special = frozenset(
            token.content
            for token in tokenizer.get_added_tokens_decoder().values()
            if token.special
        )
        self._streams = _decodes_token_by_token(tokenizer)
        self._restart()

    def _restart(self) -> None:
        # The window: tokens whose text is out, kept because the text of a token depends on those
        # before it (a leading space is only dropped from the first), then tokens held back.
        self._window: list[int] = []
        self._window_text = ""
        """What of the window's text is out."""
        self._next_start = 0
        """Where the window may start next: between characters, with text before and after it."""
        self._retry_length = 0
        """The window is not decoded again before it has this length."""

    def push(self, token_id: int) -> str:
        """The text that `token_id` (not negative) completes; "" while there is none."""
        token = self._tokenizer.id_to_token(token_id)
        if token is None or token in self._special:
            return ""
        self._window.append(token_id)
        if not self._streams or _BYTE_TOKEN.fullmatch(token):
            return ""
        if len(self._window) < self._retry_length:
            return ""
        text = self._decode(self._window)
        if len(text) <= len(self._window_text) or text.endswith(_REPLACEMENT):
            # Waiting longer the longer nothing came keeps the work linear in the tokens.
            length = len(self._window)
            self._retry_length = length + 1 + (length - self._next_start) // 8
            return ""
        piece = text[len(self._window_text) :]
        self._move_window(text)
        return piece

    def finish(self) -> str:
        """The text still held back; the decoder then starts over."""
        piece = self._decode(self._window)[len(self._window_text) :] if self._window else ""
        self._restart()
        return piece

    def _move_window(self, text: str) -> None:
        """Drop the tokens before `_next_start`; all of the window's text, `text`, is out."""
        self._retry_length = 0
        kept = self._window[self._next_start :]
        kept_text = self._decode(kept)
        # Without text of its own, what is kept would leave a space to be dropped from the next.
        if kept_text:
            self._window = kept
            self._window_text = kept_text
            self._next_start = len(kept)
        else:
            self._window_text = text

    def _decode(self, ids: list[int]) -> str:
        return self._tokenizer.decode(ids, skip_special_tokens=True)


def _is_library_error(error: BaseException) -> bool:
    """Whether `error` is what tokenizers raises: a plain Exception, or a Rust panic.

    A file that contradicts itself can make the library panic. The class of that is no Exception
    and cannot be imported.
    """
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def _decodes_token_by_token(tokenizer: Tokenizer) -> bool:
    """Whether the text of some tokens stays the same when more tokens follow."""
    decoder = tokenizer.decoder
    if decoder is None:
        return True
    try:
        description = cast("dict[str, object]", json.loads(decoder.__getstate__()))
    except Exception:  # a decoder written in Python has no description
        return False
    joined = False
    for step in _decoder_steps(description):
        # What runs on the joined text can match across tokens, and what strips the end of a
        # text looks at its last token (tokenizers 0.23 also panics if the text is too short).
        if step.get("stop") or (joined and step["type"] not in ("Fuse", "Strip")):
            return False
        joined = joined or step["type"] in ("Fuse", "ByteLevel")
    return True


def _decoder_steps(description: dict[str, object]) -> list[dict[str, object]]:
    if description["type"] != "Sequence":
        return [description]
    parts = cast("list[dict[str, object]]", description["decoders"])
    return [step for part in parts for step in _decoder_steps(part)]
