"""Support vector machines, as libsvm writes them down."""

from itertools import combinations

import numpy as np
from xdsl.dialects.builtin import f32, i64

from tensorjoin.dialects.ten import Reduction
from tensorjoin.passes.onnx.array import (
    Array,
    along,
    concat,
    constant,
    contract,
    iota,
    scatter,
    where,
)
from tensorjoin.passes.onnx.node import Node, decomposes
from tensorjoin.passes.onnx.operators.coupling import coupled
from tensorjoin.passes.onnx.operators.elementwise import exp, maximum, minimum, power, tanh
from tensorjoin.passes.onnx.operators.scores import (
    binary,
    examples,
    highest,
    integer_labels,
    labelled,
    logistic,
    post_transform,
    transformed,
)

MOST_COUPLED = 10
"""Classes whose probabilities are coupled: the program grows with their square."""


def kernel(node: Node, x: Array, count: int) -> Array:
    """[rows, vectors]: the kernel of each example with each support vector."""
    vectors = node.table("support_vectors").reshape([count, x.shape[1]])
    product = Array(contract("nf,sf->ns", x, vectors).value, f32)
    gamma, offset, degree = node.floats("kernel_params", [0.0, 0.0, 0.0])
    match node.text("kernel_type", "LINEAR"):
        case "LINEAR":
            return product
        case "POLY":
            return power(product * gamma + offset, constant(degree, f32))
        case "SIGMOID":
            return tanh(product * gamma + offset)
        case "RBF":
            # The square of a distance, by its binomial.
            sizes = (x * x).sum([1], keep=True) + (vectors * vectors).sum([1])
            return exp((product * 2.0 - sizes) * gamma)
        case other:
            raise node.refuse(f"no kernel_type {other!r}")


@decomposes("SVMRegressor", domain="ai.onnx.ml")
def svm_regressor(node: Node, x: Array) -> Array:
    x = examples(x)
    count = node.integer("n_supports", 0)
    seen = kernel(node, x, count) if count else x
    coefficients = node.table("coefficients")
    score = contract("ns,s->n", seen, coefficients).unsqueeze([1])
    score = Array(score.value, f32) + node.floats("rho")[0]
    if node.integer("one_class", 0):
        return where(score > 0.0, constant(1.0, f32), constant(-1.0, f32))
    return score


@decomposes("SVMClassifier", domain="ai.onnx.ml")
def svm_classifier(node: Node, x: Array) -> list[Array]:
    labels = integer_labels(node, "classlabels_ints")
    if not node.has("vectors_per_class"):
        raise node.refuse("without support vectors")
    if len(labels) < 2:
        raise node.refuse("a classifier of one class")
    scores, first, second = duels(node, examples(x), len(labels))
    won = (scores > 0.0).cast(f32)
    votes = contract("np,pc->nc", won, first) + contract("np,pc->nc", 1.0 - won, second)
    label = labelled(highest(votes), labels)
    transform = post_transform(node)
    if node.has("prob_a"):
        if len(labels) > MOST_COUPLED:
            raise node.refuse(f"probabilities of more than {MOST_COUPLED} classes")
        return [label, transformed(probabilities(node, scores, len(labels)), transform)]
    if len(labels) > 2:
        return [label, transformed(scores, transform)]
    return [label, binary(scores, transform, is_signed=transform == "NONE")]


def duels(node: Node, x: Array, classes: int) -> tuple[Array, Array, Array]:
    """
    The score of each pair of classes, positive where its first one wins; and matrices that say
    which class is the first and which the second one of each pair.

    A vector of class c has a coefficient for each other class: they follow each other, without c.
    """
    sizes = node.integers("vectors_per_class")
    count = sum(sizes)
    ends = constant(np.cumsum(sizes), i64)
    owner = (along(iota(count), 0, 2) >= along(ends, 1, 2)).cast(i64).sum([1])
    coefficients = node.table("coefficients").reshape([classes - 1, count])
    terms = kernel(node, x, count).unsqueeze([1]) * coefficients
    sums = scatter(Reduction.SUM, "nrs,s->nrc", terms, owner, classes).filled(0.0)
    pairs = list(combinations(range(classes), 2))
    flat = sums.reshape([x.shape[0], (classes - 1) * classes])
    own, other = (
        constant(np.array([row * classes + c for row, c in places]), i64)
        for places in ([(j - 1, i) for i, j in pairs], [(i, j) for i, j in pairs])
    )
    scores = flat.take(own, 1) + flat.take(other, 1) + node.table("rho")
    first, second = (constant(np.eye(classes)[[p[k] for p in pairs]], f32) for k in (0, 1))
    return scores, first, second


def probabilities(node: Node, scores: Array, classes: int) -> Array:
    """[rows, classes]: Platt's sigmoid of the score of each pair, coupled."""
    against = logistic(scores * node.table("prob_a") + node.table("prob_b"))
    low, high = constant(1e-7, f32), constant(1 - 1e-7, f32)
    first = minimum(maximum(1.0 - against, low), high)
    pairs = dict[tuple[int, int], Array]()
    for place, (i, j) in enumerate(combinations(range(classes), 2)):
        pairs[i, j] = first.slice(1, place, 1)
        pairs[j, i] = 1.0 - pairs[i, j]
    return concat(coupled(pairs, classes), 1)
