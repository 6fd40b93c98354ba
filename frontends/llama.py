"""A Llama folder -> its `DecoderSpec`."""

from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

from tensorjoin.frontends.decoder import AttentionKind, DecoderSpec, build_decoder
from tensorjoin.frontends.llama_config import (
    ARCHITECTURE,
    LlamaConfig,
    inverse_frequencies,
    read_llama_config,
)
from tensorjoin.frontends.model import Architecture, ModelOnDisk


def read_llama(directory: Path) -> ModelOnDisk:
    """The model in a folder, as `read_llama_config` checks it."""
    config = read_llama_config(directory)
    return ModelOnDisk(
        directory,
        ARCHITECTURE,
        lambda: import_llama(config),
        config.vocab_size,
        config.max_positions,
        config.layers,
        config.bos_token_id,
        config.eos_token_ids,
    )


LLAMA = Architecture(ARCHITECTURE, "llama", read_llama)


def import_llama(config: LlamaConfig) -> ModuleOp:
    """The forward pass of a Llama in `nn`, as `build_decoder` has it."""
    return build_decoder(llama_spec(config))


def llama_spec(config: LlamaConfig) -> DecoderSpec:
    """A Llama as a decoder: all layers attend alike, and nothing has a bias."""
    kind = AttentionKind(tuple(inverse_frequencies(config).tolist()))
    return DecoderSpec(
        vocab_size=config.vocab_size,
        width=config.hidden_size,
        hidden=config.intermediate_size,
        heads=config.heads,
        kv_heads=config.kv_heads,
        head_dim=config.head_dim,
        norm_epsilon=config.norm_eps,
        tied_embeddings=config.tied_embeddings,
        layers=(kind,) * config.layers,
    )
