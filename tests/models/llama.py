"""Writes small Llama checkpoints in the Hugging Face layout, weights from a seeded generator."""

import json
from collections.abc import Mapping
from math import sqrt
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
from models.configurations import CONFIGURATIONS, LlamaTestModel
from safetensors.numpy import save_file

__all__ = [
    "CONFIGURATIONS",
    "LlamaTestModel",
    "prompt",
    "prompt_for",
    "write_checkpoint",
    "write_model",
]

Tensors = dict[str, npt.NDArray[Any]]

STORAGE_TYPES: dict[str, npt.DTypeLike] = {
    "F32": np.float32,
    "F16": np.float16,
    "BF16": ml_dtypes.bfloat16,
}

# Spreads, as the gain a projection has on the size of its input.
LOGIT_GAIN = 1.5  # logits of several units, and not so many that float32 rounding grows with them
SCORE_GAIN = 1.2  # attention neither flat nor all on one position
LAYER_GAIN = 1.5  # layers outweigh the embedding they are added to: greedy tokens do not repeat
FIRST_ORDINARY_TOKEN = 3  # below it: unknown, beginning and end of a sequence


def write_checkpoint(directory: Path, name: str) -> Path:
    """Write the model `name` of CONFIGURATIONS into `directory`; returns `directory`."""
    return write_model(directory, CONFIGURATIONS[name])


def prompt(name: str) -> list[int]:
    """The prompt of the model `name` of CONFIGURATIONS: 12 to 20 token ids."""
    return prompt_for(CONFIGURATIONS[name])


def write_model(directory: Path, model: LlamaTestModel) -> Path:
    """Write config.json, generation_config.json and the safetensors files of `model`."""
    directory.mkdir(parents=True, exist_ok=True)
    _write_json(directory / "config.json", model.config)
    special = {key: model.config[key] for key in ("bos_token_id", "eos_token_id")}
    _write_json(directory / "generation_config.json", {"_from_model_config": True, **special})
    _write_shards(directory, draw_weights(model), model.shards)
    return directory


def prompt_for(model: LlamaTestModel) -> list[int]:
    """12 to 20 token ids, drawn from the model's seed."""
    generator = np.random.default_rng([model.seed, 1])
    length = int(generator.integers(12, 21))
    ids = generator.integers(FIRST_ORDINARY_TOKEN, model.config["vocab_size"], size=length)
    return ids.tolist()


def draw_weights(model: LlamaTestModel) -> Tensors:
    """
    All tensors of `model` under their Hugging Face names, in the model's storage type.

    A projection is [out, in], the embedding and the output projection are [vocab, hidden], a norm
    is [hidden].
    """
    generator = np.random.default_rng([model.seed, 0])
    tensors: Tensors = {}
    for name, shape in tensor_shapes(model).items():
        if len(shape) == 1:
            values = generator.uniform(0.5, 1.5, size=shape)
        else:
            values = generator.standard_normal(shape) * (_gain(name) / sqrt(shape[1]))
        tensors[name] = values.astype(STORAGE_TYPES[model.dtype])
    return tensors


def tensor_shapes(model: LlamaTestModel) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor of `model`, by Hugging Face name, first layer first."""
    config = model.config
    vocab, hidden = config["vocab_size"], config["hidden_size"]
    intermediate = config["intermediate_size"]
    query, key_value = model.heads * model.head_dim, model.kv_heads * model.head_dim

    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (vocab, hidden)}
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}"
        shapes |= {
            f"{prefix}.input_layernorm.weight": (hidden,),
            f"{prefix}.self_attn.q_proj.weight": (query, hidden),
            f"{prefix}.self_attn.k_proj.weight": (key_value, hidden),
            f"{prefix}.self_attn.v_proj.weight": (key_value, hidden),
            f"{prefix}.self_attn.o_proj.weight": (hidden, query),
            f"{prefix}.post_attention_layernorm.weight": (hidden,),
            f"{prefix}.mlp.gate_proj.weight": (intermediate, hidden),
            f"{prefix}.mlp.up_proj.weight": (intermediate, hidden),
            f"{prefix}.mlp.down_proj.weight": (hidden, intermediate),
        }
    shapes["model.norm.weight"] = (hidden,)
    if not model.tied:
        shapes["lm_head.weight"] = (vocab, hidden)
    return shapes


def _gain(name: str) -> float:
    """The gain of the matrix `name`."""
    if name in ("model.embed_tokens.weight", "lm_head.weight"):
        return LOGIT_GAIN
    if name.endswith(("q_proj.weight", "k_proj.weight")):
        return SCORE_GAIN
    return LAYER_GAIN


def _write_shards(directory: Path, tensors: Tensors, shards: int) -> None:
    """Write `tensors` as one model.safetensors, or as `shards` files of about equal size."""
    if shards == 1:
        save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
        return

    total = sum(tensor.nbytes for tensor in tensors.values())
    files: dict[str, Tensors] = {}
    written = 0
    for name, tensor in tensors.items():
        shard = 1 + written * shards // total
        file = f"model-{shard:05}-of-{shards:05}.safetensors"
        files.setdefault(file, {})[name] = tensor
        written += tensor.nbytes

    for file, contents in files.items():
        save_file(contents, directory / file, metadata={"format": "pt"})
    weight_map = {name: file for file, contents in files.items() for name in contents}
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    _write_json(directory / "model.safetensors.index.json", index)


def _write_json(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
