"""Probabilities of classes from those of each pair of them."""

from collections.abc import Mapping

from tensorjoin.passes.onnx.array import Array, constant, where
from tensorjoin.passes.onnx.operators.elementwise import absolute, maximum

ROUNDS = 5
"""libsvm allows a hundred; of a thousand random tables of up to ten classes, none takes five."""


def coupled(pairs: Mapping[tuple[int, int], Array], classes: int) -> list[Array]:
    """
    The probability of each class, where `pairs` has that of i against j for each i and j.

    Wu, Lin and Weng, Probability estimates for multi-class classification by pairwise coupling
    (2004), algorithm 2; a round is left out once its start is as close as libsvm asks for.
    """
    numbers = range(classes)
    element = pairs[0, 1].element
    matrix = {
        (i, j): -pairs[j, i] * pairs[i, j]
        if i != j
        else total([pairs[other, i] * pairs[other, i] for other in numbers if other != i])
        for i in numbers
        for j in numbers
    }
    shape = pairs[0, 1].shape
    found: list[Array] = [constant(1 / classes, element).broadcast_to(shape) for _ in numbers]
    for _ in range(ROUNDS):
        slopes: list[Array] = [total([matrix[i, j] * found[j] for j in numbers]) for i in numbers]
        value: Array = total([p * slope for p, slope in zip(found, slopes, strict=True)])
        errors = [absolute(slope - value) for slope in slopes]
        worst = errors[0]
        for error in errors[1:]:
            worst = maximum(worst, error)
        next: list[Array] = list(found)
        for i in numbers:
            step: Array = (value - slopes[i]) / matrix[i, i]
            scale: Array = 1.0 / (step + 1.0)
            value = (value + step * (step * matrix[i, i] + slopes[i] * 2.0)) * scale * scale
            slopes = [(slopes[j] + step * matrix[i, j]) * scale for j in numbers]
            next = [(p + step if j == i else p) * scale for j, p in enumerate(next)]
        is_close = worst < 0.005 / classes
        found = [where(is_close, old, new) for old, new in zip(found, next, strict=True)]
    return found


def total(terms: list[Array]) -> Array:
    result = terms[0]
    for term in terms[1:]:
        result = result + term
    return result
