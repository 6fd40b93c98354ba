"""
Tensor algebra: the few primitives that every operator decomposes into.

Axes are named by the letters of an index string, as in einsum: `"pi,oi->po"`. A tensor whose type
carries `#ten.sparse` has absent elements: they take part in nothing, and an element computed from
absent elements only is absent.
"""

from xdsl.ir import Dialect

from tensorjoin.dialects.ten.algebra import (
    ContractOp,
    GatherOp,
    MapOp,
    ReduceOp,
    Reduction,
    ReductionAttr,
    ScatterOp,
    YieldOp,
)
from tensorjoin.dialects.ten.order import RankOp, RunningSumOp
from tensorjoin.dialects.ten.shape import ConcatOp, FillOp, ReshapeOp, SliceOp, SparsifyOp
from tensorjoin.dialects.ten.sources import (
    AppendOp,
    ConstantOp,
    InputOp,
    IotaOp,
    OutputOp,
    ReadOp,
    WeightOp,
)
from tensorjoin.dialects.ten.types import (
    SparseAttr,
    Tensor,
    is_sparse,
    parse_indices,
    tensor,
    tensor_type,
    verify_indices,
)
from tensorjoin.dialects.transform import TransformAttr

Ten = Dialect(
    "ten",
    [
        InputOp,
        WeightOp,
        ConstantOp,
        IotaOp,
        MapOp,
        YieldOp,
        ReduceOp,
        ContractOp,
        GatherOp,
        ScatterOp,
        ReshapeOp,
        SliceOp,
        ConcatOp,
        SparsifyOp,
        FillOp,
        RankOp,
        RunningSumOp,
        AppendOp,
        ReadOp,
        OutputOp,
    ],
    [SparseAttr, ReductionAttr, TransformAttr],
)

__all__ = [
    "AppendOp",
    "ConcatOp",
    "ConstantOp",
    "ContractOp",
    "FillOp",
    "GatherOp",
    "InputOp",
    "IotaOp",
    "MapOp",
    "OutputOp",
    "RankOp",
    "ReadOp",
    "ReduceOp",
    "Reduction",
    "ReductionAttr",
    "ReshapeOp",
    "RunningSumOp",
    "ScatterOp",
    "SliceOp",
    "SparseAttr",
    "SparsifyOp",
    "Ten",
    "Tensor",
    "WeightOp",
    "YieldOp",
    "is_sparse",
    "parse_indices",
    "tensor",
    "tensor_type",
    "verify_indices",
]
