"""The activation functions that recurrent layers name among their attributes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tensorjoin.errors import UnsupportedError
from tensorjoin.passes.onnx.array import Array, constant, where
from tensorjoin.passes.onnx.operators.activation_operators import softplus_of
from tensorjoin.passes.onnx.operators.elementwise import (
    absolute,
    exp,
    maximum,
    minimum,
    sigmoid,
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

ALPHAS: Mapping[str, float | None] = {
    "affine": 1.0,
    "leakyrelu": 0.01,
    "thresholdedrelu": 1.0,
    "scaledtanh": None,
    "hardsigmoid": 0.2,
    "elu": 1.0,
}
"""The defaults of those that have an alpha."""

BETAS: Mapping[str, float | None] = {"affine": 0.0, "scaledtanh": None, "hardsigmoid": 0.5}
"""The defaults of those that also have a beta."""


@dataclass(frozen=True)
class Activation:
    """A function of elements, by its name in lower case."""

    name: str
    alpha: float
    beta: float

    def __call__(self, x: Array) -> Array:
        return FUNCTIONS[self.name](x, self.alpha, self.beta)


def activations(
    names: Sequence[str], alphas: Iterator[float], betas: Iterator[float]
) -> list[Activation]:
    """Functions by name; each that has an alpha or a beta takes the next one."""
    found: list[Activation] = []
    for name in (name.lower() for name in names):
        if name not in FUNCTIONS:
            raise UnsupportedError(f"the activation {name} has no decomposition")
        scales = (scale(name, alphas, ALPHAS), scale(name, betas, BETAS))
        found.append(Activation(name, *scales))
    return found


def scale(name: str, given: Iterator[float], defaults: Mapping[str, float | None]) -> float:
    if name not in defaults:
        return 0.0
    if (value := next(given, defaults[name])) is None:
        raise UnsupportedError(f"the activation {name} has no default for its alpha and beta")
    return value
