"""What depends on the order of elements along an axis."""

from xdsl.dialects.builtin import IntegerAttr, TensorType, UnitAttr, i64
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from tensorjoin.dialects.ten.types import Tensor, is_sparse, tensor, tensor_type


def verify_axis(type: Tensor, axis: int) -> None:
    if not 0 <= axis < len(type.get_shape()):
        raise VerifyException(f"no axis {axis} in {type}")


@irdl_op_definition
class RankOp(IRDLOperation):
    """
    The place of each element among those along an axis, from 0; of equals the first comes first:
    `ten.rank descending %x axis 1 : tensor<3x4xf64> -> tensor<3x4xi64>`
    """

    name = "ten.rank"

    descending = opt_prop_def(UnitAttr)
    input = operand_def(TensorType)
    axis = prop_def(IntegerAttr.constr(i64))
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "(`descending` $descending^)? $input `axis` $axis attr-dict "
        "`:` type($input) `->` type($result)"
    )

    def __init__(self, input: SSAValue | Operation, axis: int, descending: bool = False):
        type = tensor(SSAValue.get(input))
        super().__init__(
            operands=[input],
            properties={
                "axis": IntegerAttr(axis, i64),
                "descending": UnitAttr() if descending else None,
            },
            result_types=[tensor_type(i64, type.get_shape(), is_sparse(type))],
        )

    def verify_(self) -> None:
        verify_axis(tensor(self.input), self.axis.value.data)
        if tensor(self.input).get_shape() != tensor(self.result).get_shape():
            raise VerifyException("each element has one place")


@irdl_op_definition
class RunningSumOp(IRDLOperation):
    """The sum of the elements up to each one along an axis: `ten.running_sum %x axis 1 : ...`"""

    name = "ten.running_sum"

    input = operand_def(TensorType)
    axis = prop_def(IntegerAttr.constr(i64))
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$input `axis` $axis attr-dict `:` type($input) `->` type($result)"

    def __init__(self, input: SSAValue | Operation, axis: int):
        super().__init__(
            operands=[input],
            properties={"axis": IntegerAttr(axis, i64)},
            result_types=[SSAValue.get(input).type],
        )

    def verify_(self) -> None:
        verify_axis(tensor(self.input), self.axis.value.data)
        if self.input.type != self.result.type:
            raise VerifyException("a running sum has the type of its input")
