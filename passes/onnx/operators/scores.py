"""Scores of classes: what `post_transform` makes of them, and the class that has the highest."""

from collections.abc import Sequence

from xdsl.dialects.builtin import f32, i64

from tensorjoin.passes.onnx.array import Array, along, concat, constant, iota, where
from tensorjoin.passes.onnx.node import Node
from tensorjoin.passes.onnx.operators.elementwise import absolute, exp, log, root
from tensorjoin.passes.onnx.operators.gathering import picked
from tensorjoin.passes.onnx.operators.normalization import softmax

TRANSFORMS = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")
"""In the order of their numbers."""


def post_transform(node: Node) -> str:
    """The transform by its name; opset 5 has numbers."""
    if node.op_type == "TreeEnsemble":
        return TRANSFORMS[node.integer("post_transform", 0)]
    name = node.text("post_transform", "NONE")
    if name not in TRANSFORMS:
        raise node.refuse(f"no post_transform {name!r}")
    return name


def examples(x: Array) -> Array:
    """Rows of floats; a vector is one row."""
    x = x if x.is_float else x.cast(f32)
    return x.unsqueeze([0]) if x.rank == 1 else x


def transformed(scores: Array, transform: str) -> Array:
    """[rows, classes] after a transform; of one score, onnxruntime knows PROBIT only."""
    if scores.shape[1] == 1 and transform != "PROBIT":
        return scores
    match transform:
        case "SOFTMAX":
            return softmax(scores, [1])
        case "LOGISTIC":
            return logistic(scores)
        case "SOFTMAX_ZERO":
            return softmax_zero(scores)
        case "PROBIT":
            return probit(scores)
        case _:
            return scores


def logistic(x: Array) -> Array:
    """1 / (1 + exp(-x)), which exp(-x) must not overflow"""
    upper = 1.0 / (exp(-absolute(x)) + 1.0)
    return where(x < 0.0, 1.0 - upper, upper)


def softmax_zero(scores: Array) -> Array:
    """A softmax of the scores that are not zero."""
    counts = absolute(scores) > 1e-7
    zero = constant(0.0, scores.element)
    powers = where(counts, exp(scores - scores.max([1], keep=True)), zero)
    return powers / powers.sum([1], keep=True)


def probit(x: Array) -> Array:
    """
    The normal distribution's quantile, by Winitzki's inverse of the error function (A handy
    approximation for the error function and its inverse, 2008), with the digits of onnxruntime.
    """
    y = x * 2.0 - 1.0
    logarithm = log((1.0 - y) * (y + 1.0))
    half = logarithm * 0.5 + 2 / (3.14159 * 0.147)
    size = root(root(half * half - logarithm / 0.147) - half) * 1.41421356
    return where(y < 0.0, -size, size)


def binary(score: Array, transform: str, is_signed: bool) -> Array:
    """[rows, 2] of the score of the second class alone, as onnxruntime completes it."""
    if transform == "LOGISTIC":
        return logistic(concat([-score, score], 1))
    pair = concat([-score if is_signed else 1.0 - score, score], 1)
    return probit(pair) if transform == "PROBIT" else pair


def highest(scores: Array) -> Array:
    """[rows]: the first class with the highest score."""
    places = along(iota(scores.shape[1]), 1, 2)
    is_highest = scores.equals(scores.max([1], keep=True))
    return where(is_highest, places, constant(scores.shape[1], i64)).min([1])


def labelled(classes: Array, labels: Sequence[int]) -> Array:
    """The labels of classes that are known by their numbers."""
    if list(labels) == list(range(len(labels))):
        return classes
    return picked(constant(list(labels), i64), classes)


def integer_labels(node: Node, name: str) -> list[int]:
    """The labels of classes, which must be integers."""
    if node.has("classlabels_strings") and node.texts("classlabels_strings"):
        raise node.refuse("classlabels_strings: no relation holds texts")
    return node.integers(name)
