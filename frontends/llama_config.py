"""What config.json and generation_config.json of a Hugging Face Llama folder say."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.checkpoint import shown
from tensorjoin.frontends.config import (
    MOST_LAYERS,
    MOST_POSITIONS,
    ConfigTable,
    read_config,
    read_special_tokens,
)

ARCHITECTURE = "LlamaForCausalLM"


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
    table = read_config(directory)
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
    bos_token_id, eos_token_ids = read_special_tokens(table, vocab_size)
    return LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=hidden_size,
        intermediate_size=table.size("intermediate_size"),
        layers=table.size("num_hidden_layers", largest=MOST_LAYERS),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=_read_head_dim(table, hidden_size, heads),
        norm_eps=table.number("rms_norm_eps", 1e-6),
        rope_theta=rope_theta,
        rope_scaling=rope_scaling,
        max_positions=table.size("max_position_embeddings", 2048, MOST_POSITIONS),
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


def _refuse_other_models(table: ConfigTable) -> None:
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
        raise table.unsupported("hidden_act", "only 'silu' is known")
    for bias in ("attention_bias", "mlp_bias"):
        if table.flag(bias):
            raise table.unsupported(bias, "only models without biases are compiled")
    if table.get("quantization_config") is not None:
        raise table.unsupported("quantization_config", "only unquantized models are compiled")


def _read_head_dim(table: ConfigTable, hidden_size: int, heads: int) -> int:
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


def _read_rope(table: ConfigTable) -> tuple[float, RopeScaling | None]:
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


def _read_scaling(rope: ConfigTable) -> RopeScaling | None:
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
        raise rope.unsupported(key, "only 'default', 'linear' and 'llama3' are known")
    scaling = RopeScaling(
        "llama3",
        rope.number("factor"),
        rope.number("low_freq_factor"),
        rope.number("high_freq_factor"),
        rope.size("original_max_position_embeddings", largest=MOST_POSITIONS),
    )
    if scaling.high_freq_factor <= scaling.low_freq_factor:
        raise rope.error("high_freq_factor", "must be above low_freq_factor")
    return scaling


def _refuse_partial_rotation(table: ConfigTable) -> None:
    if table.number("partial_rotary_factor", 1.0) != 1.0:
        raise table.unsupported("partial_rotary_factor", "only 1.0 is known")
