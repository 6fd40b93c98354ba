"""
A description of a decoder-only transformer -> the `nn` module of its forward pass.

What an architecture is, beside how its config.json is read, is a `DecoderSpec`; there is one
builder for all. Mixtures of experts are not described by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
from tensorjoin.transforms import Transform

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
    one_plus_gain: bool = False
    """Whether norms multiply by one plus the weights stored for them, as in Gemma."""
    names: TensorNames = TensorNames()
    transforms: Mapping[str, Transform] = field(default_factory=dict[str, Transform])
    """
    How weights are made of the tensors that the checkpoint stores, by the names of the weights,
    with `.weight` or `.bias` and `{}` for the layer, which stands in the tensor's name as well.
    Weights which are not named here are stored as they are.
    """


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
        embeddings = self.weight(None, f"{names.embedding}.weight", spec.vocab_size, spec.width)
        x = nn.EmbeddingOp(embeddings, tokens).result
        if spec.embedding_scale != 1.0:
            x = nn.ScaleOp(x, spec.embedding_scale).result
        for layer, kind in enumerate(spec.layers):
            x = self.layer(layer, x, rotations[kind.frequencies], masks[kind.window])
        wanted = nn.FilterOp(x, _of_batch("emit")).result
        y = self.norm(None, wanted, names.final_norm, spec.width)
        head = embeddings
        if not spec.tied_embeddings:
            head = self.weight(None, f"{names.head}.weight", spec.vocab_size, spec.width)
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
        names, width = self.spec.names, self.spec.width
        before = "before" in self.spec.norm_places
        after = "after" in self.spec.norm_places
        y = self.norm(layer, x, names.norm_before_attention, width) if before else x
        y = self.attention(layer, y, rotations, mask)
        y = self.norm(layer, y, names.norm_after_attention, width) if after else y
        x = nn.AddOp(x, y).result
        y = self.norm(layer, x, names.norm_before_mlp, width) if before else x
        y = self.mlp(layer, y)
        y = self.norm(layer, y, names.norm_after_mlp, width) if after else y
        return nn.AddOp(x, y).result

    def attention(self, layer: int, x: SSAValue, rotations: SSAValue, mask: SSAValue) -> SSAValue:
        spec = self.spec
        rows, key_rows = spec.heads * spec.head_dim, spec.kv_heads * spec.head_dim
        query = self.project(layer, x, "query", rows)
        key = self.project(layer, x, "key", key_rows)
        value = self.project(layer, x, "value", key_rows)
        if spec.head_norms:
            query = self.norm(layer, query, spec.names.query_norm, spec.head_dim)
            key = self.norm(layer, key, spec.names.key_norm, spec.head_dim)
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
        name: str = getattr(self.spec.names, which)
        (_, width) = ten.tensor(x).get_shape()
        y = nn.LinearOp(x, self.weight(layer, f"{name}.weight", rows, width)).result
        if which in self.spec.biases:
            y = nn.AddBiasOp(y, self.weight(layer, f"{name}.bias", rows)).result
        return y

    def norm(self, layer: int | None, x: SSAValue, name: str, width: int) -> SSAValue:
        gain = self.weight(layer, f"{name}.weight", width, plus_one=self.spec.one_plus_gain)
        return nn.RMSNormOp(x, gain, self.spec.norm_epsilon).result

    def weight(self, layer: int | None, name: str, *shape: int, plus_one: bool = False) -> SSAValue:
        """A weight [shape], of a layer if its name has `{}`."""
        transform = self.spec.transforms.get(name)
        if plus_one:
            transform = replace(transform or Transform(name), plus_one=True)
        if layer is not None:
            name = name.replace("{}", str(layer))
            transform = transform and transform.at(layer)
        return nn.WeightOp(name, TensorType(f32, shape), transform=transform).result


def _of_batch(column: str) -> SSAValue:
    return ten.InputOp(TableName.BATCH, ["p"], column, TensorType(i32, [ROWS])).result


def _of_context(column: str) -> SSAValue:
    type = TensorType(i32, [ROWS])
    return ten.InputOp(TableName.CONTEXT, ["c"], column, type, kept=True).result


def _dense(values: tuple[float, ...]) -> DenseIntOrFPElementsAttr:
    return DenseIntOrFPElementsAttr.from_list(TensorType(f64, [len(values)]), list(values))
