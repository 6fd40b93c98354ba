"""
Decoders in numpy, float64, and the random checkpoints that they read.

Written from the formulas of transformers' models: Llama for what all share, Qwen 2 for biases,
Qwen 3 for norms of heads, Gemma 2 and 3 for norms after a block, scaled embeddings, gains of one
plus w and windows, OLMo 2 for norms after a block alone, GPT-NeoX for an MLP without a gate.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from tensorjoin.frontends.decoder import DecoderSpec

Array = npt.NDArray[np.float64]
Tensors = Mapping[str, npt.NDArray[np.float32]]

BIASES = {
    "query": "self_attn.q_proj",
    "key": "self_attn.k_proj",
    "value": "self_attn.v_proj",
    "output": "self_attn.o_proj",
    "gate": "mlp.gate_proj",
    "up": "mlp.up_proj",
    "down": "mlp.down_proj",
}


def activated(name: str, x: Array) -> Array:
    """ACT2FN of transformers."""
    match name:
        case "silu":
            return x / (1.0 + np.exp(-x))
        case "gelu_tanh":
            return 0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3)))
        case "relu":
            return np.maximum(x, 0.0)
        case _:
            raise ValueError(name)


def rotated(x: Array, frequencies: Sequence[float]) -> Array:
    """`apply_rotary_pos_emb`: x [rows, heads, width], row p at position p."""
    angles = np.concatenate([np.outer(np.arange(len(x)), frequencies)] * 2, axis=1)[:, None]
    first, second = np.split(x, 2, axis=-1)
    return x * np.cos(angles) + np.concatenate([-second, first], axis=-1) * np.sin(angles)


def decoder_logits(spec: DecoderSpec, tensors: Tensors, tokens: Sequence[int]) -> Array:
    """The logits after each token of one text, [tokens, vocabulary]."""
    w = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
    rows = len(tokens)

    def norm(x: Array, name: str) -> Array:
        gain = w[f"{name}.weight"] + spec.one_plus_gain
        return gain * x / np.sqrt((x**2).mean(-1, keepdims=True) + spec.norm_epsilon)

    def linear(x: Array, name: str) -> Array:
        bias = w.get(f"{name}.bias")
        product = x @ w[f"{name}.weight"].T
        return product if bias is None else product + bias

    def heads_of(x: Array) -> Array:
        return x.reshape(rows, -1, spec.head_dim)

    before, after = "before" in spec.norm_places, "after" in spec.norm_places
    middle = "pre_feedforward" if before and after else "post_attention"
    x = w["model.embed_tokens.weight"][list(tokens)] * spec.embedding_scale
    for number, kind in enumerate(spec.layers):
        at = f"model.layers.{number}"
        y = norm(x, f"{at}.input_layernorm") if before else x
        q, k, v = (heads_of(linear(y, f"{at}.self_attn.{n}_proj")) for n in "qkv")
        if spec.head_norms:
            q, k = norm(q, f"{at}.self_attn.q_norm"), norm(k, f"{at}.self_attn.k_norm")
        q, k = rotated(q, kind.frequencies), rotated(k, kind.frequencies)
        k, v = (np.repeat(each, spec.heads // spec.kv_heads, axis=1) for each in (k, v))
        scale = spec.head_dim**-0.5 if spec.attention_scale is None else spec.attention_scale
        scores = np.einsum("phd,chd->hpc", q, k) * scale
        p, c = np.indices((rows, rows))
        seen = (c <= p) & (c > p - (kind.window or rows))
        scores = np.where(seen, scores, -np.inf)
        e = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = np.einsum("hpc,chd->phd", e / e.sum(-1, keepdims=True), v).reshape(rows, -1)
        y = linear(mixed, f"{at}.self_attn.o_proj")
        x = x + (norm(y, f"{at}.post_attention_layernorm") if after else y)
        y = norm(x, f"{at}.{middle}_layernorm") if before else x
        up = linear(y, f"{at}.mlp.up_proj")
        if spec.gated:
            inner = activated(spec.activation, linear(y, f"{at}.mlp.gate_proj")) * up
        else:
            inner = activated(spec.activation, up)
        y = linear(inner, f"{at}.mlp.down_proj")
        x = x + (norm(y, f"{at}.post_feedforward_layernorm") if after else y)
    x = norm(x, "model.norm")
    head = "model.embed_tokens" if spec.tied_embeddings else "lm_head"
    return x @ w[f"{head}.weight"].T


def decoder_tensors(spec: DecoderSpec, seed: int = 0) -> Tensors:
    """Random tensors under the names of transformers' models."""
    random = np.random.default_rng(seed)
    tensors: dict[str, npt.NDArray[np.float32]] = {}

    def matrix(name: str, rows: int, columns: int, gain: float = 1.5) -> None:
        values = random.standard_normal((rows, columns)) * gain / np.sqrt(columns)
        tensors[f"{name}.weight"] = values.astype(np.float32)

    def vector(name: str, width: int, low: float, high: float) -> None:
        tensors[name] = random.uniform(low, high, width).astype(np.float32)

    before, after = "before" in spec.norm_places, "after" in spec.norm_places
    matrix("model.embed_tokens", spec.vocab_size, spec.width)
    for number in range(len(spec.layers)):
        at = f"model.layers.{number}"
        rows, key_rows = spec.heads * spec.head_dim, spec.kv_heads * spec.head_dim
        shapes = {
            "query": (rows, spec.width),
            "key": (key_rows, spec.width),
            "value": (key_rows, spec.width),
            "output": (spec.width, rows),
            "up": (spec.hidden, spec.width),
            "down": (spec.width, spec.hidden),
        }
        if spec.gated:
            shapes["gate"] = (spec.hidden, spec.width)
        for which, shape in shapes.items():
            matrix(f"{at}.{BIASES[which]}", *shape)
            if which in spec.biases:
                vector(f"{at}.{BIASES[which]}.bias", shape[0], -0.7, 0.7)
        norms = [
            *(["input"] if before else []),
            "post_attention",
            *(["pre_feedforward"] if before and after else []),
            *(["post_feedforward"] if after else []),
        ]
        for each in norms:
            vector(f"{at}.{each}_layernorm.weight", spec.width, 0.5, 1.5)
        if spec.head_norms:
            for each in ("q_norm", "k_norm"):
                vector(f"{at}.self_attn.{each}.weight", spec.head_dim, 0.5, 1.5)
    vector("model.norm.weight", spec.width, 0.5, 1.5)
    if not spec.tied_embeddings:
        matrix("lm_head", spec.vocab_size, spec.width)
    return tensors


def write_tensors(folder: Path, tensors: Tensors) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save_file(dict(tensors), folder / "model.safetensors")
    return folder
