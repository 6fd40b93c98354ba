"""What config.json and generation_config.json of a Hugging Face Llama folder say."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeGuard, cast

import numpy as np
import numpy.typing as npt

from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.checkpoint import read_json_object, require_directory, shown

ARCHITECTURE = "LlamaForCausalLM"

# Far above any real model, and low enough that a made-up config.json cannot fill memory with
# tensor names or overflow a 32-bit SQL integer.
_LARGEST_SIZE = 2**24
_MOST_LAYERS = 10_000
_MOST_POSITIONS = 2**31 - 1


@dataclass(frozen=True)
class RopeScaling:
    """How rotary frequencies are stretched for longer texts; "linear" only uses `factor`."""

    kind: Literal["linear", "llama3"]
    factor: float
    low_freq_factor: float = 1.0
    high_freq_factor: float = 1.0
    original_max_positions: int = 0


@dataclass(frozen=True)
class LlamaConfig:
    """A Llama model's sizes and constants, all checked: every size is positive.

    `heads` is a multiple of `kv_heads`, `head_dim` is even and token ids are below `vocab_size`.
    """

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    norm_eps: float
    rope_theta: float
    rope_scaling: RopeScaling | None
    max_positions: int
    tied_embeddings: bool
    bos_token_id: int | None
    eos_token_ids: tuple[int, ...]


def read_llama_config(directory: Path) -> LlamaConfig:
    """Read a model folder's config.json and, if there is one, its generation_config.json.

    Keys that are absent or null have the defaults of transformers' LlamaConfig, except that the
    sizes of the model must be there. Token ids in generation_config.json win.

    Raises TensorjoinError if the folder or config.json is missing or unreadable, if the model is
    not a Llama, uses a feature that is not compiled (biases, another activation or rotary
    embedding, quantization), or if a value has the wrong type or is out of range.
    """
    require_directory(directory)
    file = directory / "config.json"
    if not file.is_file():
        raise TensorjoinError(
            f"{directory}: has no config.json: give the folder of a Hugging Face Llama model"
        )
    table = _Table(file, read_json_object(file))
    _refuse_other_models(table)
    vocab_size = table.size("vocab_size")
    hidden_size = table.size("hidden_size")
    heads = table.size("num_attention_heads")
    kv_heads = table.size("num_key_value_heads", heads)
    if heads % kv_heads:
        raise table.error(
            "num_key_value_heads", f"must divide num_attention_heads, which is {heads}"
        )
    rope_theta, rope_scaling = _read_rope(table)
    bos_token_id, eos_token_ids = _read_special_tokens(table, vocab_size)
    return LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=hidden_size,
        intermediate_size=table.size("intermediate_size"),
        layers=table.size("num_hidden_layers", largest=_MOST_LAYERS),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=_read_head_dim(table, hidden_size, heads),
        norm_eps=table.number("rms_norm_eps", 1e-6),
        rope_theta=rope_theta,
        rope_scaling=rope_scaling,
        max_positions=table.size("max_position_embeddings", 2048, _MOST_POSITIONS),
        tied_embeddings=table.flag("tie_word_embeddings"),
        bos_token_id=bos_token_id,
        eos_token_ids=eos_token_ids,
    )


def inverse_frequencies(config: LlamaConfig) -> npt.NDArray[np.float64]:
    """The angle per position of each pair of head dimensions: float64 [head_dim / 2].

    Unscaled, pair i turns by theta ** (-2 i / head_dim). Linear scaling divides by the factor.
    Llama 3 scaling looks at the wavelength, 2 pi over the angle: wavelengths longer than
    original_max_positions / low_freq_factor are divided, those shorter than
    original_max_positions / high_freq_factor are kept, and in between the two are blended. The
    formula is that of `_compute_llama3_parameters` in transformers' `modeling_rope_utils`, which
    is `apply_scaling` in the code Meta released with Llama 3.1.
    """
    exponents = np.arange(0, config.head_dim, 2, dtype=np.float64) / config.head_dim
    angles = config.rope_theta**-exponents
    scaling = config.rope_scaling
    if scaling is None:
        return angles
    if scaling.kind == "linear":
        return angles / scaling.factor
    turns = scaling.original_max_positions * angles / (2 * math.pi)
    span = scaling.high_freq_factor - scaling.low_freq_factor
    kept = np.clip((turns - scaling.low_freq_factor) / span, 0.0, 1.0)
    return angles * (kept + (1.0 - kept) / scaling.factor)


class _Table:
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

    def size(self, key: str, default: int | None = None, largest: int = _LARGEST_SIZE) -> int:
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

    def tables(self, *keys: str) -> Iterator["_Table"]:
        """The objects under those of `keys` that are there and not empty."""
        for key in keys:
            value = self.get(key)
            if value is not None and not isinstance(value, dict):
                raise self.error(key, "must be an object")
            if value:
                yield _Table(self.file, cast("dict[str, object]", value), f"{self.prefix}{key}.")


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _refuse_other_models(table: _Table) -> None:
    architectures = table.get("architectures")
    if architectures is None:
        known = table.get("model_type") == "llama"
    else:
        known = architectures == [ARCHITECTURE] and table.get("model_type") in (None, "llama")
    if not known:
        raise TensorjoinError(
            f"{table.file}: unknown architecture {shown(architectures)} "
            f"(model_type {shown(table.get('model_type'))}): only {ARCHITECTURE} (model_type "
            "'llama') is known, give a model of that architecture"
        )
    if table.get("hidden_act") not in (None, "silu", "swish"):
        raise _unsupported(table, "hidden_act", "only 'silu' is known")
    for bias in ("attention_bias", "mlp_bias"):
        if table.flag(bias):
            raise _unsupported(table, bias, "only models without biases are compiled")
    if table.get("quantization_config") is not None:
        raise _unsupported(table, "quantization_config", "only unquantized models are compiled")


def _unsupported(table: _Table, key: str, known: str) -> TensorjoinError:
    return TensorjoinError(
        f"{table.file}: {table.prefix}{key} is {shown(table.get(key))}: {known}, give another model"
    )


def _read_head_dim(table: _Table, hidden_size: int, heads: int) -> int:
    if table.get("head_dim") is None and hidden_size % heads:
        raise table.error(
            "hidden_size", f"must be a multiple of num_attention_heads, which is {heads}"
        )
    head_dim = table.size("head_dim", hidden_size // heads)
    if head_dim % 2:
        raise TensorjoinError(
            f"{table.file}: head_dim is {head_dim} but rotary embeddings need an even number: "
            "correct head_dim, or hidden_size and num_attention_heads"
        )
    return head_dim


def _read_rope(table: _Table) -> tuple[float, RopeScaling | None]:
    """Rotary base and scaling, from `rope_parameters` (transformers 5) or the older keys."""
    rope_theta = table.number("rope_theta", 10000.0)
    scalings: list[RopeScaling | None] = []
    _refuse_partial_rotation(table)
    for rope in table.tables("rope_parameters", "rope_scaling"):
        _refuse_partial_rotation(rope)
        rope_theta = rope.number("rope_theta", rope_theta)
        scalings.append(_read_scaling(rope))
    if len(scalings) == 2 and scalings[0] != scalings[1]:
        raise TensorjoinError(
            f"{table.file}: rope_scaling and rope_parameters contradict each other: remove the "
            "one that is wrong"
        )
    return rope_theta, scalings[0] if scalings else None


def _read_scaling(rope: _Table) -> RopeScaling | None:
    key = "type" if rope.get("rope_type") is None else "rope_type"
    kind = rope.get(key)
    if rope.get("type") not in (None, kind):
        raise rope.error("type", f"rope_type is {shown(kind)}")
    if any(isinstance(value, dict) for value in rope.values.values()):
        raise TensorjoinError(
            f"{rope.file}: {rope.prefix[:-1]} differs between kinds of layers: only one rotary "
            "embedding for all layers is known, give another model"
        )
    if kind is None and rope.get("factor") is not None:
        raise rope.error("rope_type", "must say how the factor is used")
    if kind is None or kind == "default":
        return None
    if kind == "linear":
        return RopeScaling("linear", rope.number("factor"))
    if kind != "llama3":
        raise _unsupported(rope, key, "only 'default', 'linear' and 'llama3' are known")
    scaling = RopeScaling(
        "llama3",
        rope.number("factor"),
        rope.number("low_freq_factor"),
        rope.number("high_freq_factor"),
        rope.size("original_max_position_embeddings", largest=_MOST_POSITIONS),
    )
    if scaling.high_freq_factor <= scaling.low_freq_factor:
        raise rope.error("high_freq_factor", "must be above low_freq_factor")
    return scaling


def _refuse_partial_rotation(table: _Table) -> None:
    if table.number("partial_rotary_factor", 1.0) != 1.0:
        raise _unsupported(table, "partial_rotary_factor", "only 1.0 is known")


def _read_special_tokens(table: _Table, vocab_size: int) -> tuple[int | None, tuple[int, ...]]:
    """Begin and end token ids: generation_config.json before config.json before 1 and 2."""
    tables = [table]
    file = table.file.with_name("generation_config.json")
    if file.is_file():
        tables.insert(0, _Table(file, read_json_object(file)))
    begin = _token_ids(tables, "bos_token_id", vocab_size, default=1)
    end = _token_ids(tables, "eos_token_id", vocab_size, default=2)
    return begin[0] if begin else None, end


def _token_ids(tables: list[_Table], key: str, vocab_size: int, default: int) -> tuple[int, ...]:
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
