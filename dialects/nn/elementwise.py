"""Functions of single elements."""

from xdsl.dialects.builtin import (
    FloatAttr,
    TensorType,
    f64,
)
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure, SameOperandsAndResultType


class UnaryOp(IRDLOperation):
    """An elementwise function of one tensor."""

    input = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure(), SameOperandsAndResultType())

    assembly_format = "$input attr-dict `:` type($input) `->` type($result)"

    def __init__(self, input: SSAValue | Operation):
        super().__init__(operands=[input], result_types=[SSAValue.get(input).type])


class BinaryOp(IRDLOperation):
    """An elementwise function of two tensors of one type."""

    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure(), SameOperandsAndResultType())

    assembly_format = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)"

    def __init__(self, lhs: SSAValue | Operation, rhs: SSAValue | Operation):
        super().__init__(operands=[lhs, rhs], result_types=[SSAValue.get(lhs).type])


@irdl_op_definition
class SiluOp(UnaryOp):
    """x / (1 + exp(-x)) (Elfwing et al. 2017, eq. 5)"""

    name = "nn.silu"


@irdl_op_definition
class GeluTanhOp(UnaryOp):
    """x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) (Hendrycks and Gimpel 2016, sec. 2)"""

    name = "nn.gelu_tanh"


@irdl_op_definition
class ReluOp(UnaryOp):
    """The larger of x and 0"""

    name = "nn.relu"


@irdl_op_definition
class ScaleOp(IRDLOperation):
    """x times a number that is known when compiling: `nn.scale %x by 8.0 : f64`"""

    name = "nn.scale"

    input = operand_def(TensorType)
    factor = prop_def(FloatAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure(), SameOperandsAndResultType())

    assembly_format = "$input `by` $factor attr-dict `:` type($input) `->` type($result)"

    def __init__(self, input: SSAValue | Operation, factor: float):
        super().__init__(
            operands=[input],
            properties={"factor": FloatAttr(factor, f64)},
            result_types=[SSAValue.get(input).type],
        )


@irdl_op_definition
class AddOp(BinaryOp):
    """x + y"""

    name = "nn.add"


@irdl_op_definition
class MulOp(BinaryOp):
    """x * y, element by element"""

    name = "nn.mul"
