"""The activation functions that recurrent layers name among their attributes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tensorjoin.errors import UnsupportedError
from tensorjoin.passes.onnx.array import Array, constant, where
from tensorjoin.passes.onnx.operators.elementwise import (
    absolute,
    exp,
    maximum,
    minimum,
    sigmoid,
    softplus_of,
    tanh,
)


def clipped(x: Array, low: float, high: float) -> Array:
    return minimum(maximum(x, constant(low, x.element)), constant(high, x.element))


def relu(x: Array) -> Array:
    return maximum(x, constant(0.0, x.element))


FUNCTIONS: Mapping[str, Callable[[Array, float, float], Array]] = {
    "relu": lambda x, alpha, beta: relu(x),
    "tanh": lambda x, alpha, beta: tanh(x),
    "sigmoid": lambda x, alpha, beta: sigmoid(x),
    "softsign": lambda x, alpha, beta: x / (absolute(x) + 1.0),
    "softplus": lambda x, alpha, beta: softplus_of(x),
    "affine": lambda x, alpha, beta: x * alpha + beta,
    "leakyrelu": lambda x, alpha, beta: where(x < 0.0, x * alpha, x),
    "thresholdedrelu": lambda x, alpha, beta: where(x < alpha, constant(0.0, x.element), x),
    "scaledtanh": lambda x, alpha, beta: tanh(x * beta) * alpha,
    "hardsigmoid": lambda x, alpha, beta: clipped(x * alpha + beta, 0.0, 1.0),
    "elu": lambda x, alpha, beta: where(x < 0.0, (exp(x) - 1.0) * alpha, x),
}

ALPHAS: Mapping[str, float] = {
    "affine": 1.0,
    "leakyrelu": 0.01,
    "thresholdedrelu": 1.0,
    "scaledtanh": 1.0,
    "hardsigmoid": 0.2,
    "elu": 1.0,
}
"""The defaults of those that scale by an alpha."""

BETAS: Mapping[str, float] = {"affine": 0.0, "scaledtanh": 1.0, "hardsigmoid": 0.5}
"""The defaults of those that also have a beta."""


@dataclass(frozen=True)
class Activation:
    """A function of elements, by its name in lower case."""

    name: str
    alpha: float = 0.0
    beta: float = 0.0

    def __call__(self, x: Array) -> Array:
        return FUNCTIONS[self.name](x, self.alpha, self.beta)


def activations(
    names: list[str], alphas: Iterator[float], betas: Iterator[float]
) -> list[Activation]:
    """Functions by name; those that have an alpha or a beta take the next one there is."""
    found: list[Activation] = []
    for name in (name.lower() for name in names):
        if name not in FUNCTIONS:
            raise UnsupportedError(f"the activation {name} has no decomposition")
        alpha = next(alphas, ALPHAS[name]) if name in ALPHAS else 0.0
        beta = next(betas, BETAS[name]) if name in BETAS else 0.0
        found.append(Activation(name, alpha, beta))
    return found
