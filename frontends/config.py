"""What the config.json of a Hugging Face folder says, each value read with a check."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard, cast

from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.checkpoint import read_json_object, require_directory, shown

CONFIG = "config.json"
GENERATION_CONFIG = "generation_config.json"

# Far above any real model, and low enough that a made-up config.json cannot fill memory with
# tensor names or overflow a 32-bit SQL integer.
LARGEST_SIZE = 2**24
MOST_LAYERS = 10_000
MOST_POSITIONS = 2**31 - 1


def read_config(directory: Path) -> "ConfigTable":
    """
    The config.json of a folder.

    Raises TensorjoinError where there is no folder or no such file, or where it is no JSON object.
    """
    require_directory(directory)
    file = directory / CONFIG
    if not file.is_file():
        raise TensorjoinError(f"{directory}: has no {CONFIG}: give the folder of a model")
    return ConfigTable(file, read_json_object(file))


class ConfigTable:
    """A JSON object whose values are read with a check; `prefix` says where it is in `file`.

    Every reader raises TensorjoinError, naming the file and the key.
    """

    def __init__(self, file: Path, values: dict[str, object], prefix: str = "") -> None:
        self.file = file
        self.values = values
        self.prefix = prefix

    def get(self, key: str) -> object:
        """The value of `key`; None when it is absent, as when it is null."""
        return self.values.get(key)

    def error(self, key: str, expectation: str) -> TensorjoinError:
        """`key`'s value is wrong; `expectation` completes the sentence "but ..."."""
        found = f"is {shown(self.get(key))}" if self.get(key) is not None else "is missing"
        return TensorjoinError(
            f"{self.file}: {self.prefix}{key} {found} but {expectation}: correct it or download "
            "the file again"
        )

    def size(self, key: str, default: int | None = None, largest: int = LARGEST_SIZE) -> int:
        value = self.get(key)
        if value is None and default is not None:
            return default
        if not _is_integer(value) or not 1 <= value <= largest:
            raise self.error(key, f"must be an integer from 1 to {largest}")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        value = self.get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                number = float(value)
            except OverflowError:
                number = math.inf
            if 0.0 < number < math.inf:
                return number
        raise self.error(key, "must be a positive number")

    def flag(self, key: str) -> bool:
        """True or false; false when it is absent."""
        value = self.get(key)
        if value is not None and not isinstance(value, bool):
            raise self.error(key, "must be true or false")
        return bool(value)

    def unsupported(self, key: str, known: str) -> TensorjoinError:
        """`key`'s value is fine, and not compiled; `known` says what is."""
        found = shown(self.get(key))
        return TensorjoinError(
            f"{self.file}: {self.prefix}{key} is {found}: {known}, give another model"
        )

    def tables(self, *keys: str) -> Iterator["ConfigTable"]:
        """The objects under those of `keys` that are there and not empty."""
        for key in keys:
            value = self.get(key)
            if value is not None and not isinstance(value, dict):
                raise self.error(key, "must be an object")
            if value:
                yield ConfigTable(
                    self.file, cast("dict[str, object]", value), f"{self.prefix}{key}."
                )


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def read_special_tokens(table: ConfigTable, vocab_size: int) -> tuple[int | None, tuple[int, ...]]:
    """
    The token that begins a text, if any, and those that end one: of generation_config.json, or else
    of config.json, or else 1 and 2, which are transformers' defaults for Llama.

    Raises TensorjoinError where they are no numbers of tokens.
    """
    tables = [table]
    file = table.file.with_name(GENERATION_CONFIG)
    if file.is_file():
        tables.insert(0, ConfigTable(file, read_json_object(file)))
    begin = _token_ids(tables, "bos_token_id", vocab_size, default=1)
    end = _token_ids(tables, "eos_token_id", vocab_size, default=2)
    return begin[0] if begin else None, end


def _token_ids(
    tables: list[ConfigTable], key: str, vocab_size: int, default: int
) -> tuple[int, ...]:
    """The token id or ids of the first table that has some; () when `key` is null.

    Only eos_token_id may be a list.
    """
    for table in tables:
        value = table.get(key)
        if value is None:
            continue
        ids = [value]
        if isinstance(value, list) and key == "eos_token_id":
            ids = cast("list[object]", value)
        checked = [token for token in ids if _is_integer(token) and 0 <= token < vocab_size]
        if len(checked) != len(ids):
            raise table.error(key, f"token ids go from 0 to {vocab_size - 1}")
        return tuple(dict.fromkeys(checked))
    absent = all(key not in table.values for table in tables)
    return (default,) if absent and default < vocab_size else ()
