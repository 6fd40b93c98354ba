"""The operators of ONNX by topic; importing this declares them all."""

from collections.abc import Set

from tensorjoin.passes.onnx.node import DECOMPOSITIONS
from tensorjoin.passes.onnx.operators import (
    constants,
    convolution,
    elementwise,
    gathering,
    linear,
    normalization,
    reductions,
    shapes,
    sorting,
)

OPERATORS: Set[tuple[str, str]] = DECOMPOSITIONS.keys()
"""Every operator that has a decomposition, by domain and name."""

__all__ = [
    "OPERATORS",
    "constants",
    "convolution",
    "elementwise",
    "gathering",
    "linear",
    "normalization",
    "reductions",
    "shapes",
    "sorting",
]
