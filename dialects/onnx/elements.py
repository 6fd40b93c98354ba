"""Element types: ONNX, numpy and MLIR."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto
from onnx.helper import tensor_dtype_to_np_dtype
from xdsl.dialects.builtin import (
    BFloat16Type,
    DenseIntOrFPElementsAttr,
    Float16Type,
    IntegerType,
    Signedness,
    TensorType,
    f32,
    f64,
    i1,
    i64,
)
from xdsl.ir import Attribute

from tensorjoin.errors import UnsupportedError


def unsigned(width: int) -> IntegerType:
    return IntegerType(width, Signedness.UNSIGNED)


ELEMENTS: Mapping[int, Attribute] = {
    TensorProto.FLOAT: f32,
    TensorProto.DOUBLE: f64,
    TensorProto.FLOAT16: Float16Type(),
    TensorProto.BFLOAT16: BFloat16Type(),
    TensorProto.BOOL: i1,
    TensorProto.INT8: IntegerType(8),
    TensorProto.INT16: IntegerType(16),
    TensorProto.INT32: IntegerType(32),
    TensorProto.INT64: i64,
    TensorProto.UINT8: unsigned(8),
    TensorProto.UINT16: unsigned(16),
    TensorProto.UINT32: unsigned(32),
    TensorProto.UINT64: unsigned(64),
}
"""What a relation can hold, by ONNX's number of the type."""


def element_type(data_type: int) -> Attribute:
    """The MLIR type for ONNX's; raises UnsupportedError for what is no number, or too narrow."""
    if data_type not in ELEMENTS:
        known = data_type in TensorProto.DataType.values()
        name = TensorProto.DataType.Name(data_type) if known else str(data_type)
        raise UnsupportedError(f"no relation holds elements of type {name.lower()}")
    return ELEMENTS[data_type]


def numpy_type(element: Attribute) -> np.dtype[Any]:
    """The numpy type of a tensor's elements, that of the caller's arrays."""
    (number,) = (number for number, type in ELEMENTS.items() if type == element)
    return np.dtype(tensor_dtype_to_np_dtype(number))


def dense(array: npt.NDArray[Any]) -> DenseIntOrFPElementsAttr:
    """A small array as an attribute, its elements widened to i64 or f64."""
    if array.dtype.kind in "biu":
        integers = [int(n) for n in array.astype(np.int64).flatten()]
        return DenseIntOrFPElementsAttr.from_list(TensorType(i64, array.shape), integers)
    floats = [float(x) for x in array.astype(np.float64).flatten()]
    return DenseIntOrFPElementsAttr.from_list(TensorType(f64, array.shape), floats)
