"""A Llama configuration -> the `nn` module of its forward pass. Weights are symbols."""

from pathlib import Path

from xdsl.builder import ImplicitBuilder
from xdsl.dialects import func
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    DenseIntOrFPElementsAttr,
    ModuleOp,
    TensorType,
    f32,
    f64,
    i32,
)
from xdsl.ir import Block, Region, SSAValue

from tensorjoin.dialects import nn, ten
from tensorjoin.frontends.llama_config import (
    ARCHITECTURE,
    LlamaConfig,
    inverse_frequencies,
    read_llama_config,
)
from tensorjoin.frontends.model import Architecture, ModelOnDisk
from tensorjoin.interface import Procedure, TableName

ROWS = DYNAMIC_INDEX
"""The extent of the batch, and of the context: unknown when compiling."""


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
    """
    The forward pass as a function without arguments: it reads the batch and the context from
    tables, and writes a row of logits for each row of the batch whose `emit` is not 0.
    """
    block = Block()
    with ImplicitBuilder(block):
        _forward(config)
        func.ReturnOp()
    return ModuleOp([func.FuncOp(Procedure.FORWARD, ((), ()), Region(block))])


def _forward(config: LlamaConfig) -> None:
    def of_batch(column: str) -> SSAValue:
        return ten.InputOp(TableName.BATCH, ["p"], column, TensorType(i32, [ROWS])).result

    def of_context(column: str) -> SSAValue:
        return ten.InputOp(
            TableName.CONTEXT, ["c"], column, TensorType(i32, [ROWS]), kept=True
        ).result

    def weight(name: str, *shape: int) -> SSAValue:
        return nn.WeightOp(f"{name}.weight", TensorType(f32, shape)).result

    width, hidden = config.hidden_size, config.intermediate_size
    query_width = config.heads * config.head_dim
    key_width = config.kv_heads * config.head_dim

    tokens = of_batch("token")
    positions = of_batch("position")
    until = ten.InputOp(
        TableName.VISIBILITY,
        ["stream", "source"],
        "until",
        TensorType(i32, [ROWS, ROWS], ten.SparseAttr()),
        kept=True,
    )
    mask = nn.CausalMaskOp(
        of_batch("stream"),
        positions,
        of_context("stream"),
        of_context("position"),
        until,
    ).result
    rotations = nn.RotaryOp(positions, _dense(config)).result

    embeddings = weight("model.embed_tokens", config.vocab_size, width)
    x = nn.EmbeddingOp(embeddings, tokens).result
    for layer in range(config.layers):
        prefix = f"model.layers.{layer}"
        y = nn.RMSNormOp(x, weight(f"{prefix}.input_layernorm", width), config.norm_eps)
        query = nn.LinearOp(y, weight(f"{prefix}.self_attn.q_proj", query_width, width))
        key = nn.LinearOp(y, weight(f"{prefix}.self_attn.k_proj", key_width, width))
        value = nn.LinearOp(y, weight(f"{prefix}.self_attn.v_proj", key_width, width))
        attended = nn.AttentionOp(
            nn.RopeOp(query, rotations),
            nn.RopeOp(key, rotations),
            value,
            mask,
            f"cache.{layer}",
            config.heads,
            config.kv_heads,
            config.head_dim**-0.5,
        )
        output = nn.LinearOp(attended, weight(f"{prefix}.self_attn.o_proj", width, query_width))
        x = nn.AddOp(x, output).result

        y = nn.RMSNormOp(x, weight(f"{prefix}.post_attention_layernorm", width), config.norm_eps)
        gate = nn.LinearOp(y, weight(f"{prefix}.mlp.gate_proj", hidden, width))
        up = nn.LinearOp(y, weight(f"{prefix}.mlp.up_proj", hidden, width))
        gated = nn.MulOp(nn.SiluOp(gate), up)
        down = nn.LinearOp(gated, weight(f"{prefix}.mlp.down_proj", width, hidden))
        x = nn.AddOp(x, down).result

    wanted = nn.FilterOp(x, of_batch("emit"))
    y = nn.RMSNormOp(wanted, weight("model.norm", width), config.norm_eps)
    head = embeddings if config.tied_embeddings else weight("lm_head", config.vocab_size, width)
    ten.OutputOp(nn.LinearOp(y, head), TableName.LOGITS, ["p", "t"])


def _dense(config: LlamaConfig) -> DenseIntOrFPElementsAttr:
    frequencies = inverse_frequencies(config)
    return DenseIntOrFPElementsAttr.from_list(
        TensorType(f64, [len(frequencies)]), frequencies.tolist()
    )
