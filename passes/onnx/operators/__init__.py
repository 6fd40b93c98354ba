"""The operators of ONNX by topic; importing this declares them all."""

from collections.abc import Set

from tensorjoin.passes.onnx.node import DECOMPOSITIONS
from tensorjoin.passes.onnx.operators import (
    constants,
    contrib,
    control,
    convolution,
    deformable,
    detection,
    elementwise,
    features,
    gathering,
    grouped_attention,
    linear,
    normalization,
    packed_weights,
    pooling,
    predictors,
    quantization,
    recurrent,
    reductions,
    regions,
    resize,
    sampling,
    shapes,
    sorting,
    support_vectors,
    trees,
    unique,
)

OPERATORS: Set[tuple[str, str]] = DECOMPOSITIONS.keys()
"""Every operator that has a decomposition, by domain and name."""

__all__ = [
    "OPERATORS",
    "constants",
    "contrib",
    "control",
    "convolution",
    "deformable",
    "detection",
    "elementwise",
    "features",
    "gathering",
    "grouped_attention",
    "linear",
    "normalization",
    "packed_weights",
    "pooling",
    "predictors",
    "quantization",
    "recurrent",
    "reductions",
    "regions",
    "resize",
    "sampling",
    "shapes",
    "sorting",
    "support_vectors",
    "trees",
    "unique",
]
