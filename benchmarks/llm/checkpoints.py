"""Checkpoints of Llama shapes with random weights, as Hugging Face writes them."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from safetensors.numpy import save_file

from tensorjoin.frontends.model import read_model

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
CONTEXT = 1024


@dataclass(frozen=True)
class Shape:
    """The sizes of a Llama whose embeddings are tied."""

    name: str
    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    vocabulary: int

    @property
    def head_width(self) -> int:
        return self.hidden // self.heads


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("15M", 288, 768, 6, 6, 6, 32000),
        Shape("135M", 576, 1536, 30, 9, 3, 49152),
        Shape("309M", 2048, 8192, 4, 32, 8, 32000),
    )
}


def weight_bytes(shape: Shape) -> int:
    """The weights in float32."""
    kept = shape.hidden * (shape.heads + shape.kv_heads) * shape.head_width * 2
    layer = kept + 3 * shape.hidden * shape.intermediate + 2 * shape.hidden
    return 4 * (shape.vocabulary * shape.hidden + shape.layers * layer + shape.hidden)


def checkpoint(shape: Shape, cache: Path) -> Path:
    """The folder of a shape's checkpoint (float32), written into `cache` if it is not there."""
    folder = cache / "checkpoints" / shape.name
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent) as unfinished:
            write(shape, Path(unfinished) / shape.name)
            os.rename(Path(unfinished) / shape.name, folder)
    return folder


def write(shape: Shape, folder: Path) -> None:
    folder.mkdir()
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "vocab_size": shape.vocabulary,
        "max_position_embeddings": CONTEXT,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=2))
    generator = np.random.default_rng(0)
    tensors: dict[str, np.ndarray] = {}
    for name, sizes in read_model(folder).weights.items():
        noise = generator.standard_normal(sizes, np.float32)
        if len(sizes) == 1:
            tensors[name] = 1 + noise / 10
        else:
            # Such that activations keep their size from layer to layer, as trained weights do.
            tensors[name] = noise * np.float32(0.05 if "embed" in name else sizes[1] ** -0.5)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
