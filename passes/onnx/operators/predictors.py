"""Linear models of scikit-learn, and the map that their scores end in."""

from xdsl.dialects.builtin import f32, i64

from tensorjoin.passes.onnx.array import Array, contract
from tensorjoin.passes.onnx.node import Node, decomposes
from tensorjoin.passes.onnx.operators.scores import (
    binary,
    examples,
    highest,
    integer_labels,
    labelled,
    post_transform,
    transformed,
)


def linear(node: Node, x: Array, targets: int) -> Array:
    """[rows, targets]: x times the coefficients of each target, plus its intercept."""
    coefficients = node.table("coefficients")
    if coefficients.size != targets * x.shape[1]:
        raise node.refuse(f"{coefficients.size} coefficients for {x.shape[1]} features")
    product = contract("nf,cf->nc", x, coefficients.reshape([targets, x.shape[1]]))
    product = Array(product.value, f32)
    if not node.has("intercepts"):
        return product
    return product + node.table("intercepts")


@decomposes("LinearRegressor", domain="ai.onnx.ml")
def linear_regressor(node: Node, x: Array) -> Array:
    scores = linear(node, examples(x), node.integer("targets", 1))
    return transformed(scores, post_transform(node))


@decomposes("LinearClassifier", domain="ai.onnx.ml")
def linear_classifier(node: Node, x: Array) -> list[Array]:
    x = examples(x)
    labels = integer_labels(node, "classlabels_ints")
    transform = post_transform(node)
    scores = linear(node, x, node.table("coefficients").size // max(x.shape[1], 1))
    if scores.shape[1] > 1:
        return [labelled(highest(scores), labels), transformed(scores, transform)]
    is_second = (scores > 0.0).cast(i64).squeeze([1])
    if len(labels) != 2:
        return [is_second, transformed(scores, transform)]
    return [labelled(is_second, labels), binary(scores, transform, is_signed=False)]


@decomposes("ZipMap", domain="ai.onnx.ml")
def zip_map(node: Node, x: Array) -> Array:
    """The scores as they are: a relation is a map from classes already, by their numbers."""
    integer_labels(node, "classlabels_int64s")
    return x
