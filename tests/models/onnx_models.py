"""Small ONNX models made by hand, and what numpy computes for them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

Array = npt.NDArray[Any]
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def model(
    nodes: Sequence[NodeProto],
    inputs: Sequence[tuple[str, int, Sequence[int | str]]],
    outputs: Sequence[tuple[str, int, Sequence[int | str] | None]],
    weights: dict[str, Array] | None = None,
    opset: int = 21,
) -> ModelProto:
    """A model; shapes may have names for extents that are not known."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
        [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def perceptron(features: int, hidden: int, classes: int) -> tuple[ModelProto, dict[str, Array]]:
    """A perceptron with a softmax and the class of the highest probability, and its weights."""
    chance = np.random.default_rng(0)
    weights: dict[str, Array] = {
        "w": chance.standard_normal((features, hidden)).astype(np.float32),
        "b": chance.standard_normal(hidden).astype(np.float32),
        "u": chance.standard_normal((hidden, classes)).astype(np.float32),
    }
    nodes = [
        helper.make_node("MatMul", ["X", "w"], ["h"]),
        helper.make_node("Add", ["h", "b"], ["s"]),
        helper.make_node("Relu", ["s"], ["r"]),
        helper.make_node("MatMul", ["r", "u"], ["z"]),
        helper.make_node("Softmax", ["z"], ["probability"], axis=1),
        helper.make_node("ArgMax", ["z"], ["label"], axis=1, keepdims=0),
    ]
    outputs = [("label", INT64, ["n"]), ("probability", FLOAT, ["n", classes])]
    return model(nodes, [("X", FLOAT, ["n", features])], outputs, weights), weights


def perceive(weights: dict[str, Array], x: Array) -> tuple[Array, Array]:
    """What numpy computes for a perceptron: labels and probabilities."""
    z = np.maximum(x @ weights["w"] + weights["b"], 0) @ weights["u"]
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return z.argmax(axis=1), powers / powers.sum(axis=1, keepdims=True)
