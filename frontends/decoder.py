"""
A description of a decoder-only transformer -> the `nn` module of its forward pass.

What an architecture is, beside how its config.json is read, is a `DecoderSpec`; there is one
builder for all. Mixtures of experts are not described by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

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
from xdsl.ir import Block, Operation, Region, SSAValue

from tensorjoin.dialects import nn, ten
from tensorjoin.interface import Procedure, TableName

ROWS = DYNAMIC_INDEX
"""The extent of the batch, and of the context: unknown when compiling."""

Activation = Literal["silu", "gelu_tanh", "relu"]
ACTIVATIONS: Mapping[Activation, type[nn.UnaryOp]] = {
    "silu": nn.SiluOp,
    "gelu_tanh": nn.GeluTanhOp,
    "relu": nn.ReluOp,
}

Projection = Literal["query", "key", "value", "output", "gate", "up", "down"]
QUERY_KEY_VALUE: frozenset[Projection] = frozenset({"query", "key", "value"})


@dataclass(frozen=True)
class TensorNames:
    """
    What the tensors of a checkpoint are called, without `.weight` and `.bias`; `{}` is the number
    of the layer. A name is only looked at where the model has such a tensor.

    The defaults are those of transformers' Llama, and for norms that it does not have, of Qwen 3
    (of queries and keys) and OLMo 2 (after a block). A model with norms before and after has to
    name the one before its MLP, which is `pre_feedforward_layernorm` in Gemma 2.
    """

    embedding: str = "model.embed_tokens"
    norm_before_attention: str = "model.layers.{}.input_layernorm"
    query: str = "model.layers.{}.self_attn.q_proj"
    key: str = "model.layers.{}.self_attn.k_proj"
    value: str = "model.layers.{}.self_attn.v_proj"
    query_norm: str = "model.layers.{}.self_attn.q_norm"
    key_norm: str = "model.layers.{}.self_attn.k_norm"
    output: str = "model.layers.{}.self_attn.o_proj"
    norm_after_attention: str = "model.layers.{}.post_attention_layernorm"
    norm_before_mlp: str = "model.layers.{}.post_attention_layernorm"
    gate: str = "model.layers.{}.mlp.gate_proj"
    up: str = "model.layers.{}.mlp.up_proj"
    down: str = "model.layers.{}.mlp.down_proj"
    norm_after_mlp: str = "model.layers.{}.post_feedforward_layernorm"
    final_norm: str = "model.norm"
    head: str = "lm_head"


@dataclass(frozen=True)
class AttentionKind:
    """How a layer attends, in which the layers of a model may differ."""

    frequencies: tuple[float, ...]
    """The angle per position of each pair of head dimensions, head_dim / 2 of them."""
    window: int | None = None
    """
    How many positions a row sees, its own the last; all where there is none. This is
    transformers' `sliding_window`.
    """


@dataclass(frozen=True)
class DecoderSpec:
    """
    A decoder-only transformer: an embedding, layers of attention and of an MLP, each added to what
    it reads, a norm, and the output projection. Norms are root mean squares, positions are rotary.

    The builder checks no sizes: whoever reads a configuration does. `heads` is a multiple of
    `kv_heads`.
    """

    vocab_size: int
    width: int
    hidden: int
    """How wide the MLP is inside."""
    heads: int
    kv_heads: int
    head_dim: int
    norm_epsilon: float
    tied_embeddings: bool
    """Whether the output projection is the embedding's table."""
    layers: tuple[AttentionKind, ...]
    """One for each layer."""
    norm_places: Literal["before", "after", "before and after"] = "before"
    """Where attention and MLP have a norm each; one after them comes before the addition."""
    head_norms: bool = False
    """Whether each head of queries and of keys is normed before it is rotated, as in Qwen 3."""
    biases: frozenset[Projection] = frozenset()
    """The projections with a bias."""
    activation: Activation = "silu"
    gated: bool = True
    """
    Whether the MLP is down(activation(gate(x)) * up(x)) (Shazeer 2020, section 2); it is
    down(activation(up(x))) otherwise.
    """
    embedding_scale: float = 1.0
    attention_scale: float | None = None
    """What queries times keys are multiplied by; head_dim ** -0.5 where it is not given."""
    names: TensorNames = TensorNames()


def build_decoder(spec: DecoderSpec) -> ModuleOp:
    """
    The forward pass as a function without arguments: it reads the batch and the context from
    tables, and writes a row of logits for each row of the batch whose `emit` is not 0.
    """
    block = Block()
    with ImplicitBuilder(block):
        _Builder(spec).forward()
        func.ReturnOp()
    return ModuleOp([func.FuncOp(Procedure.FORWARD, ((), ()), Region(block))])


@dataclass(frozen=True)
class _Builder:
    """Inserts the operators of a model where an `ImplicitBuilder` builds."""

    spec: DecoderSpec

    def forward(self) -> None:
        spec, names = self.spec, self.spec.names
        tokens = _of_batch("token")
        positions = _of_batch("position")
        masks = self.masks(positions)
        rotations = {
            frequencies: nn.RotaryOp(positions, _dense(frequencies)).result
            for frequencies in dict.fromkeys(kind.frequencies for kind in spec.layers)
        }
        embeddings = _weight(names.embedding, spec.vocab_size, spec.width)
        x = nn.EmbeddingOp(embeddings, tokens).result
        if spec.embedding_scale != 1.0:
            x = nn.ScaleOp(x, spec.embedding_scale).result
        for layer, kind in enumerate(spec.layers):
            x = self.layer(layer, x, rotations[kind.frequencies], masks[kind.window])
        wanted = nn.FilterOp(x, _of_batch("emit")).result
        y = self.norm(wanted, names.final_norm, spec.width)
        head = (
            embeddings if spec.tied_embeddings else _weight(names.head, spec.vocab_size, spec.width)
        )
        ten.OutputOp(nn.LinearOp(y, head), TableName.LOGITS, ["p", "t"])

    def masks(self, positions: SSAValue) -> Mapping[int | None, SSAValue]:
        """A mask for each window that some layer has."""
        until = ten.InputOp(
            TableName.VISIBILITY,
            ["stream", "source"],
            "until",
            TensorType(i32, [ROWS, ROWS], ten.SparseAttr()),
            kept=True,
        )
        streams = _of_batch("stream")
        context = (_of_context("stream"), _of_context("position"))
        return {
            window: nn.CausalMaskOp(streams, positions, *context, until, window).result
            for window in dict.fromkeys(kind.window for kind in self.spec.layers)
        }

    def layer(self, layer: int, x: SSAValue, rotations: SSAValue, mask: SSAValue) -> SSAValue:
        names = self.spec.names

        def name(pattern: str) -> str:
            return pattern.replace("{}", str(layer))

        before = "before" in self.spec.norm_places
        after = "after" in self.spec.norm_places
        y = self.norm(x, name(names.norm_before_attention), self.spec.width) if before else x
        y = self.attention(layer, y, rotations, mask)
        y = self.norm(y, name(names.norm_after_attention), self.spec.width) if after else y
        x = nn.AddOp(x, y).result
        y = self.norm(x, name(names.norm_before_mlp), self.spec.width) if before else x
        y = self.mlp(layer, y)
        y = self.norm(y, name(names.norm_after_mlp), self.spec.width) if after else y
        return nn.AddOp(x, y).result

    def attention(self, layer: int, x: SSAValue, rotations: SSAValue, mask: SSAValue) -> SSAValue:
        spec = self.spec
        rows, key_rows = spec.heads * spec.head_dim, spec.kv_heads * spec.head_dim
        query = self.project(layer, x, "query", rows)
        key = self.project(layer, x, "key", key_rows)
        value = self.project(layer, x, "value", key_rows)
        if spec.head_norms:
            query_norm, key_norm = spec.names.query_norm, spec.names.key_norm
            query = self.norm(query, query_norm.replace("{}", str(layer)), spec.head_dim)
            key = self.norm(key, key_norm.replace("{}", str(layer)), spec.head_dim)
        scale = spec.head_dim**-0.5 if spec.attention_scale is None else spec.attention_scale
        attended = nn.AttentionOp(
            nn.RopeOp(query, rotations),
            nn.RopeOp(key, rotations),
            value,
            mask,
            f"cache.{layer}",
            spec.heads,
            spec.kv_heads,
            scale,
        )
        return self.project(layer, attended.result, "output", spec.width)

    def mlp(self, layer: int, x: SSAValue) -> SSAValue:
        spec, activation = self.spec, ACTIVATIONS[self.spec.activation]
        if spec.gated:
            gate = self.project(layer, x, "gate", spec.hidden)
            up = self.project(layer, x, "up", spec.hidden)
            inner: Operation = nn.MulOp(activation(gate), up)
        else:
            inner = activation(self.project(layer, x, "up", spec.hidden))
        return self.project(layer, inner.results[0], "down", spec.width)

    def project(self, layer: int, x: SSAValue, which: Projection, rows: int) -> SSAValue:
        """x times the transpose of a layer's weight [rows, width of x], and the bias, if any."""
        pattern: str = getattr(self.spec.names, which)
        name = pattern.replace("{}", str(layer))
        (_, width) = ten.tensor(x).get_shape()
        y = nn.LinearOp(x, _weight(name, rows, width)).result
        if which in self.spec.biases:
            y = nn.AddBiasOp(y, _bias(name, rows)).result
        return y

    def norm(self, x: SSAValue, name: str, width: int) -> SSAValue:
        return nn.RMSNormOp(x, _weight(name, width), self.spec.norm_epsilon).result


def _of_batch(column: str) -> SSAValue:
    return ten.InputOp(TableName.BATCH, ["p"], column, TensorType(i32, [ROWS])).result


def _of_context(column: str) -> SSAValue:
    type = TensorType(i32, [ROWS])
    return ten.InputOp(TableName.CONTEXT, ["c"], column, type, kept=True).result


def _weight(name: str, *shape: int) -> SSAValue:
    return nn.WeightOp(f"{name}.weight", TensorType(f32, shape)).result


def _bias(name: str, width: int) -> SSAValue:
    return nn.WeightOp(f"{name}.bias", TensorType(f32, [width])).result


def _dense(values: tuple[float, ...]) -> DenseIntOrFPElementsAttr:
    return DenseIntOrFPElementsAttr.from_list(TensorType(f64, [len(values)]), list(values))
