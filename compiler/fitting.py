"""Coefficients from measurements. Knows no IR."""

import itertools

import numpy as np

REWEIGHTINGS = 20
DESCENTS = 300
SMALL_DEVIATION = 0.02


def least_deviations(matrix: np.ndarray) -> np.ndarray:
    """
    The x >= 0 for which the sum of |matrix x - 1| is least, to some digits.

    Least squares, weighted by one over the deviation until that changes little: what else the
    machine does spoils single measurements, which then count for less. The squares go down term by
    term, as the terms differ by orders of magnitude.
    """
    weights = np.ones(len(matrix))
    x = np.zeros(matrix.shape[1])
    for _ in range(REWEIGHTINGS):
        weighted = matrix * weights[:, None]
        squares = (weighted * weighted).sum(axis=0)
        rest = weights - weighted @ x
        for _, k in itertools.product(range(DESCENTS), np.flatnonzero(squares)):
            new = max(0.0, x[k] + weighted[:, k] @ rest / squares[k])
            rest -= weighted[:, k] * (new - x[k])
            x[k] = new
        weights = 1 / np.sqrt(np.maximum(np.abs(matrix @ x - 1), SMALL_DEVIATION))
    return x
