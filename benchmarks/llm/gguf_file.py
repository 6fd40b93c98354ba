"""A checkpoint as a GGUF file, which llama.cpp reads."""

import json
from pathlib import Path

import gguf
import numpy as np
from gguf.quants import quantize
from safetensors import safe_open

from llm.checkpoints import CONFIG, CONTEXT, WEIGHTS

NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def write_gguf(checkpoint: Path, file: Path, quantisation: str) -> None:
    """Write `file` without a vocabulary; `quantisation`, F32 or Q8_0, is that of the matrices."""
    config = json.loads((checkpoint / CONFIG).read_text())
    heads, groups = config["num_attention_heads"], config["num_key_value_heads"]
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(groups)
    writer.add_rope_dimension_count(config["hidden_size"] // heads)
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("no_vocab")
    with safe_open(checkpoint / WEIGHTS, "numpy") as tensors:
        for name in tensors.keys():  # noqa: SIM118
            tensor = tensors.get_tensor(name)
            if "q_proj" in name:
                tensor = interleaved(tensor, heads)
            if "k_proj" in name:
                tensor = interleaved(tensor, groups)
            kind = gguf.GGMLQuantizationType[quantisation if tensor.ndim == 2 else "F32"]
            writer.add_tensor(gguf_name(name), quantize(tensor, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def gguf_name(name: str) -> str:
    """model.layers.3.mlp.up_proj.weight -> blk.3.ffn_up.weight"""
    stem = name.removesuffix(".weight")
    if stem in NAMES:
        return f"{NAMES[stem]}.weight"
    number, _, part = stem.removeprefix("model.layers.").partition(".")
    return f"blk.{number}.{NAMES[part]}.weight"


def interleaved(tensor: np.ndarray, heads: int) -> np.ndarray:
    """llama.cpp rotates neighbouring elements; a checkpoint has the two halves of a head."""
    halves = tensor.reshape(heads, 2, -1, tensor.shape[1])
    return halves.swapaxes(1, 2).reshape(tensor.shape)
