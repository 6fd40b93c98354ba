"""Probabilities of classes from those of each pair of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from tensorjoin.passes.onnx.array import Array, constant, where
from tensorjoin.passes.onnx.operators.elementwise import absolute, maximum

Matrix = Mapping[tuple[int, int], Array]

ROUNDS = 5
"""libsvm allows a hundred; of a thousand random tables of up to ten classes, none takes five."""


def coupled(pairs: Matrix, classes: int) -> list[Array]:
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
    found = [constant(1 / classes, element).broadcast_to(shape) for _ in numbers]
    for _ in range(ROUNDS):
        state = started(matrix, found)
        worst = reduce(maximum, [absolute(slope - state.value) for slope in state.slopes])
        is_close = worst < 0.005 / classes
        for i in numbers:
            state = improved(matrix, state, i)
        found = [where(is_close, old, new) for old, new in zip(found, state.found, strict=True)]
    return found


@dataclass(frozen=True)
class State:
    """Probabilities, the matrix times them, and them times that."""

    found: Sequence[Array]
    slopes: Sequence[Array]
    value: Array


def started(matrix: Matrix, found: Sequence[Array]) -> State:
    numbers = range(len(found))
    slopes = [total([matrix[i, j] * found[j] for j in numbers]) for i in numbers]
    return State(found, slopes, total([p * s for p, s in zip(found, slopes, strict=True)]))


def improved(matrix: Matrix, state: State, i: int) -> State:
    """One probability is set to what is best, and all are scaled."""
    step = (state.value - state.slopes[i]) / matrix[i, i]
    scale = 1.0 / (step + 1.0)
    raised = [p + step if j == i else p for j, p in enumerate(state.found)]
    return State(
        [p * scale for p in raised],
        [(slope + step * matrix[i, j]) * scale for j, slope in enumerate(state.slopes)],
        (state.value + step * (step * matrix[i, i] + state.slopes[i] * 2.0)) * scale * scale,
    )


def total(terms: Sequence[Array]) -> Array:
    return reduce(lambda x, y: x + y, terms)
