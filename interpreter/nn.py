"""
`nn` executed with numpy from the formulas of its operators, not from their decomposition.

Values are as in `ten`: where a filter has dropped rows, these are masked.
"""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from xdsl.interpreter import (
    Interpreter,
    InterpreterFunctions,
    PythonValues,
    impl,
    register_impls,
)

from tensorjoin.dialects import nn
from tensorjoin.interpreter.scalars import Array
from tensorjoin.interpreter.ten import append_rows, layered, weight_of


def with_rows_of(input: Array, data: Array) -> Array:
    """`data`, without the rows that `input` lacks."""
    if not np.ma.isMaskedArray(input):
        return data
    dropped = np.ma.getmaskarray(input).any(axis=-1, keepdims=True)
    return np.ma.array(data, mask=np.broadcast_to(dropped, data.shape))


@register_impls
@dataclass
class NnFunctions(InterpreterFunctions):
    """`weights` and `state` by name: the rows of the cache @c are in `c.keys` and `c.values`."""

    weights: Mapping[str, npt.ArrayLike]
    state: MutableMapping[str, Any]

    @impl(nn.WeightOp)
    def weight(self, interpreter: Interpreter, op: nn.WeightOp, args: PythonValues) -> PythonValues:
        name = op.symbol.string_value()
        transforms = {} if op.transform is None else {name: op.transform.transform}
        return (weight_of(self.weights, name, args, transforms),)

    @impl(nn.EmbeddingOp)
    def embedding(
        self, interpreter: Interpreter, op: nn.EmbeddingOp, args: PythonValues
    ) -> PythonValues:
        table, tokens = args
        return (table[tokens],)

    @impl(nn.LinearOp)
    def linear(self, interpreter: Interpreter, op: nn.LinearOp, args: PythonValues) -> PythonValues:
        x, w = args
        return (with_rows_of(x, np.ma.getdata(x) @ w.T),)

    @impl(nn.AddBiasOp)
    def add_bias(
        self, interpreter: Interpreter, op: nn.AddBiasOp, args: PythonValues
    ) -> PythonValues:
        x, bias = args
        return (x + bias,)

    @impl(nn.RMSNormOp)
    def rms_norm(
        self, interpreter: Interpreter, op: nn.RMSNormOp, args: PythonValues
    ) -> PythonValues:
        x, gain = np.ma.getdata(args[0]), args[1]
        pieces = x.reshape(len(x), -1, len(gain))
        mean = np.mean(pieces**2, axis=-1, keepdims=True)
        normed = pieces * gain / np.sqrt(mean + op.epsilon.value.data)
        return (with_rows_of(args[0], normed.reshape(x.shape)),)

    @impl(nn.RotaryOp)
    def rotary(self, interpreter: Interpreter, op: nn.RotaryOp, args: PythonValues) -> PythonValues:
        (positions,) = args
        angles = np.outer(positions, op.frequencies.get_values())
        cos, sin = np.cos(angles), np.sin(angles)
        return (np.stack([np.stack([cos, -sin], axis=1), np.stack([sin, cos], axis=1)], axis=1),)

    @impl(nn.RopeOp)
    def rope(self, interpreter: Interpreter, op: nn.RopeOp, args: PythonValues) -> PythonValues:
        x, rotations = args
        half = rotations.shape[-1]
        heads = x.reshape(len(x), -1, 2 * half)
        cos, sin = (np.tile(rotations[:, row, 0], 2)[:, None] for row in (0, 1))
        half_turned = np.concatenate([-heads[..., half:], heads[..., :half]], axis=-1)
        return ((heads * cos + half_turned * sin).reshape(x.shape),)

    @impl(nn.CausalMaskOp)
    def causal_mask(
        self, interpreter: Interpreter, op: nn.CausalMaskOp, args: PythonValues
    ) -> PythonValues:
        streams, positions, context_streams, context_positions, until = args
        window = np.inf if op.window is None else op.window.value.data
        visible = np.zeros((len(streams), len(context_streams)), np.bool_)
        readable = {(int(s), int(u)): until[s, u] for s, u in np.argwhere(~until.mask)}
        for p, (stream, position) in enumerate(zip(streams, positions, strict=True)):
            for c, (source, earlier) in enumerate(
                zip(context_streams, context_positions, strict=True)
            ):
                end = readable.get((int(stream), int(source)), 0)
                visible[p, c] = 0 <= position - earlier < window and earlier < end
        return (np.ma.array(visible, mask=~visible),)

    @impl(nn.AttentionOp)
    def attention(
        self, interpreter: Interpreter, op: nn.AttentionOp, args: PythonValues
    ) -> PythonValues:
        q, k, v, mask, *layer = args
        heads, groups = op.heads.value.data, op.kv_heads.value.data
        cache, width = layered(op.cache.string_value(), layer), op.head_width
        keys = append_rows(self.state, f"{cache}.keys", k.reshape(len(k), groups, width))
        values = append_rows(self.state, f"{cache}.values", v.reshape(len(v), groups, width))
        mixed = np.zeros((len(q), heads, width))
        for head, query in enumerate(np.split(q, heads, axis=1)):
            group = head // (heads // groups)
            scores = query @ keys[:, group].T * op.scale.value.data
            scores = np.where(mask.mask, -np.inf, scores)
            weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
            weights /= weights.sum(axis=-1, keepdims=True)
            mixed[:, head] = weights @ values[:, group]
        return (mixed.reshape(len(q), heads * width),)

    @impl(nn.SiluOp)
    def silu(self, interpreter: Interpreter, op: nn.SiluOp, args: PythonValues) -> PythonValues:
        (x,) = args
        return (x / (1.0 + np.exp(-x)),)

    @impl(nn.GeluTanhOp)
    def gelu_tanh(
        self, interpreter: Interpreter, op: nn.GeluTanhOp, args: PythonValues
    ) -> PythonValues:
        (x,) = args
        return (0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3))),)

    @impl(nn.ReluOp)
    def relu(self, interpreter: Interpreter, op: nn.ReluOp, args: PythonValues) -> PythonValues:
        (x,) = args
        return (np.maximum(x, 0.0),)

    @impl(nn.ScaleOp)
    def scale(self, interpreter: Interpreter, op: nn.ScaleOp, args: PythonValues) -> PythonValues:
        (x,) = args
        return (x * op.factor.value.data,)

    @impl(nn.AddOp)
    def add(self, interpreter: Interpreter, op: nn.AddOp, args: PythonValues) -> PythonValues:
        x, y = args
        return (x + y,)

    @impl(nn.MulOp)
    def mul(self, interpreter: Interpreter, op: nn.MulOp, args: PythonValues) -> PythonValues:
        x, y = args
        return (x * y,)

    @impl(nn.FilterOp)
    def filter(self, interpreter: Interpreter, op: nn.FilterOp, args: PythonValues) -> PythonValues:
        x, flags = args
        dropped = np.broadcast_to((flags == 0)[:, None], x.shape)
        return (np.ma.array(np.ma.getdata(x), mask=dropped | np.ma.getmaskarray(x)),)
