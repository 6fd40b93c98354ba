"""A Llama in numpy, in float32 and with a cache of keys and values: the measure of the others."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

from llm.checkpoints import CONFIG, WEIGHTS

Floats = npt.NDArray[np.float32]


class NumpyLlama:
    """
    One stream of tokens over the checkpoint in `folder`.

    The formulas are those of transformers' `modeling_llama`.
    """

    def __init__(self, folder: Path) -> None:
        self.config = json.loads((folder / CONFIG).read_text())
        self.weights = load_file(folder / WEIGHTS)
        self.heads: int = self.config["num_attention_heads"]
        self.groups: int = self.config["num_key_value_heads"]
        self.width: int = self.config["hidden_size"] // self.heads
        exponents = np.arange(0, self.width, 2) / self.width
        self.frequencies = self.config["rope_theta"] ** -exponents
        self.restart()

    def restart(self) -> None:
        """Forget the stream and begin another."""
        layers = self.config["num_hidden_layers"]
        empty = np.zeros((self.groups, 0, self.width), np.float32)
        self.keys, self.values = [empty] * layers, [empty] * layers
        self.last = np.zeros(0, np.float32)

    def forward(self, tokens: Sequence[int]) -> None:
        """Append tokens to the stream and compute the logits of the last."""
        embeddings = self.weights["model.embed_tokens.weight"]
        start = self.keys[0].shape[1]
        angles = np.outer(np.arange(start, start + len(tokens)), self.frequencies)
        cos, sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        x = embeddings[list(tokens)]
        for layer in range(self.config["num_hidden_layers"]):
            prefix = f"model.layers.{layer}"
            normed = self.norm(x, f"{prefix}.input_layernorm")
            x = x + self.attention(normed, layer, cos, sin)
            normed = self.norm(x, f"{prefix}.post_attention_layernorm")
            gate = self.linear(normed, f"{prefix}.mlp.gate_proj")
            up = self.linear(normed, f"{prefix}.mlp.up_proj")
            x = x + self.linear(gate / (1 + np.exp(-gate)) * up, f"{prefix}.mlp.down_proj")
        self.last = embeddings @ self.norm(x[-1], "model.norm")

    def logits(self) -> Floats:
        """The logits of the last token: float32 [vocabulary]."""
        return self.last

    def token(self) -> int:
        """The most likely next token."""
        return int(self.last.argmax())

    def linear(self, x: Floats, name: str) -> Floats:
        return x @ self.weights[f"{name}.weight"].T

    def norm(self, x: Floats, name: str) -> Floats:
        mean = np.mean(x * x, axis=-1, keepdims=True)
        return (
            x
            / np.sqrt(mean + np.float32(self.config["rms_norm_eps"]))
            * self.weights[f"{name}.weight"]
        )

    def attention(self, x: Floats, layer: int, cos: Floats, sin: Floats) -> Floats:
        prefix = f"model.layers.{layer}.self_attn"
        q = rotate(self.split(self.linear(x, f"{prefix}.q_proj"), self.heads), cos, sin)
        k = rotate(self.split(self.linear(x, f"{prefix}.k_proj"), self.groups), cos, sin)
        v = self.split(self.linear(x, f"{prefix}.v_proj"), self.groups)
        self.keys[layer] = keys = np.concatenate([self.keys[layer], k], axis=1)
        self.values[layer] = values = np.concatenate([self.values[layer], v], axis=1)
        shared = self.heads // self.groups
        queries = q.reshape(self.groups, shared, len(x), self.width)
        scores = queries @ keys[:, None].swapaxes(-1, -2) / np.float32(self.width**0.5)
        start = keys.shape[1] - len(x)
        hidden = np.arange(keys.shape[1]) > np.arange(start, start + len(x))[:, None]
        scores = np.where(hidden, np.float32(-np.inf), scores)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = weights / weights.sum(axis=-1, keepdims=True) @ values[:, None]
        joined = mixed.reshape(self.heads, len(x), self.width).swapaxes(0, 1)
        return self.linear(joined.reshape(len(x), -1), f"{prefix}.o_proj")

    def split(self, x: Floats, heads: int) -> Floats:
        """[rows, heads * width] -> [heads, rows, width]"""
        return x.reshape(len(x), heads, self.width).swapaxes(0, 1)


def rotate(x: Floats, cos: Floats, sin: Floats) -> Floats:
    """Rotary embedding; the two halves of a head are the real and imaginary parts."""
    first, second = np.split(x, 2, axis=-1)
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)
