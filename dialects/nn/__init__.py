"""
The model as its author thinks of it: named operators over the rows of a batch.

The first axis of an activation is the batch: one row for each (stream, position, token).
"""

from xdsl.ir import Dialect

from tensorjoin.dialects.nn.attention import AttentionOp, CausalMaskOp, RopeOp, RotaryOp
from tensorjoin.dialects.nn.elementwise import (
    AddOp,
    BinaryOp,
    GeluTanhOp,
    MulOp,
    ReluOp,
    ScaleOp,
    SiluOp,
    UnaryOp,
)
from tensorjoin.dialects.nn.layers import (
    AddBiasOp,
    EmbeddingOp,
    FilterOp,
    LinearOp,
    RMSNormOp,
    WeightOp,
)

__all__ = [
    "AddBiasOp",
    "AddOp",
    "AttentionOp",
    "BinaryOp",
    "CausalMaskOp",
    "EmbeddingOp",
    "FilterOp",
    "GeluTanhOp",
    "LinearOp",
    "MulOp",
    "Nn",
    "RMSNormOp",
    "ReluOp",
    "RopeOp",
    "RotaryOp",
    "ScaleOp",
    "SiluOp",
    "UnaryOp",
    "WeightOp",
]

Nn = Dialect(
    "nn",
    [
        WeightOp,
        EmbeddingOp,
        LinearOp,
        AddBiasOp,
        RMSNormOp,
        RotaryOp,
        RopeOp,
        CausalMaskOp,
        AttentionOp,
        SiluOp,
        GeluTanhOp,
        ReluOp,
        ScaleOp,
        AddOp,
        MulOp,
        FilterOp,
    ],
)
