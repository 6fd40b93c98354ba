"""The table of small Llama models the tests run: Hugging Face configs, storage types, seeds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

StorageType = Literal["F32", "F16", "BF16"]

_DTYPE_NAMES: dict[StorageType, str] = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}

_COMMON: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "hidden_act": "silu",
    "initializer_range": 0.02,
    "max_position_embeddings": 256,
    "mlp_bias": False,
    "model_type": "llama",
    "pretraining_tp": 1,
    "rms_norm_eps": 1e-5,
    "use_cache": True,
}

_SMALL: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_attention_heads": 8,
    "num_hidden_layers": 2,
    "num_key_value_heads": 4,
    "tie_word_embeddings": True,
    "vocab_size": 128,
}


@dataclass(frozen=True)
class LlamaTestModel:
    """One test model: `config` is its config.json; `seed` draws its weights and its prompt."""

    config: Mapping[str, Any]
    dtype: StorageType
    shards: int
    seed: int

    @property
    def heads(self) -> int:
        """The number of query heads."""
        return self.config["num_attention_heads"]

    @property
    def kv_heads(self) -> int:
        """The number of key and value heads; a config without it has as many as query heads."""
        return self.config.get("num_key_value_heads", self.heads)

    @property
    def head_dim(self) -> int:
        """The width of a head; a config without it splits the hidden size evenly."""
        return self.config.get("head_dim", self.config["hidden_size"] // self.heads)

    @property
    def tied(self) -> bool:
        """Whether the embedding is the output projection too; a config without it says no."""
        return self.config.get("tie_word_embeddings", False)


def _transformers_4(
    seed: int, *, dtype: StorageType = "F32", shards: int = 1, **config: Any
) -> LlamaTestModel:
    """A config as transformers 4 writes it: `torch_dtype`, top-level `rope_theta`."""
    spelling = {
        "rope_scaling": None,
        "rope_theta": 10000.0,
        "torch_dtype": _DTYPE_NAMES[dtype],
        "transformers_version": "4.46.0",
    }
    return LlamaTestModel({**_COMMON, **spelling, **config}, dtype, shards, seed)


def _transformers_5(
    seed: int, *, dtype: StorageType = "F32", shards: int = 1, **config: Any
) -> LlamaTestModel:
    """A config as transformers 5 writes it: `dtype`, everything rotary in `rope_parameters`."""
    spelling = {
        "dtype": _DTYPE_NAMES[dtype],
        "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"},
        "transformers_version": "5.0.0",
    }
    return LlamaTestModel({**_COMMON, **spelling, **config}, dtype, shards, seed)


# The seeds are those `tests/references/generate.py --search` finds.
CONFIGURATIONS: dict[str, LlamaTestModel] = {
    "small": _transformers_4(2, **_SMALL),
    "one-layer": _transformers_5(2, **{**_SMALL, "num_hidden_layers": 1}),
    # Neither `num_key_value_heads` nor `tie_word_embeddings`: the oldest Llama configs.
    "untied": _transformers_4(
        2,
        hidden_size=64,
        intermediate_size=160,
        num_attention_heads=4,
        num_hidden_layers=2,
        rms_norm_eps=1e-6,
        vocab_size=128,
    ),
    "one-group": _transformers_5(2, **{**_SMALL, "num_key_value_heads": 1}),
    # Heads of 32: one frequency is kept, two are interpolated, thirteen are divided by the factor.
    "scaled-rope": _transformers_4(
        5,
        **{**_SMALL, "hidden_size": 128, "num_attention_heads": 4, "num_key_value_heads": 2},
        head_dim=32,
        rope_scaling={
            "factor": 8.0,
            "high_freq_factor": 4.0,
            "low_freq_factor": 1.0,
            "original_max_position_embeddings": 48,
            "rope_type": "llama3",
        },
        rope_theta=500000.0,
    ),
    "linear-rope": _transformers_4(3, **_SMALL, rope_scaling={"factor": 2.0, "type": "linear"}),
    # No chunk size divides any of these.
    "odd": _transformers_5(
        6,
        hidden_size=70,
        intermediate_size=101,
        num_attention_heads=7,
        num_hidden_layers=3,
        num_key_value_heads=1,
        tie_word_embeddings=False,
        vocab_size=97,
    ),
    "wide-heads": _transformers_5(
        15,
        head_dim=128,
        hidden_size=256,
        intermediate_size=192,
        num_attention_heads=2,
        num_hidden_layers=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
        vocab_size=128,
    ),
    # Heads of 24 where the hidden size gives heads of 16.
    "explicit-head-dim": _transformers_4(
        4, **{**_SMALL, "num_attention_heads": 4, "num_key_value_heads": 2}, head_dim=24
    ),
    "half": _transformers_4(2, dtype="F16", **_SMALL),
    "brain": _transformers_5(
        0,
        dtype="BF16",
        shards=2,
        **{**_SMALL, "num_attention_heads": 4, "tie_word_embeddings": False},
        eos_token_id=[2, 3],
        rope_parameters={
            "factor": 4.0,
            "high_freq_factor": 4.0,
            "low_freq_factor": 1.0,
            "original_max_position_embeddings": 64,
            "rope_theta": 10000.0,
            "rope_type": "llama3",
        },
    ),
    "stories": _transformers_5(
        5,
        hidden_size=64,
        intermediate_size=172,
        max_position_embeddings=512,
        num_attention_heads=8,
        num_hidden_layers=5,
        num_key_value_heads=4,
        tie_word_embeddings=True,
        vocab_size=512,
    ),
}
