"""Weights, and the operators of a network but for attention: embeddings, projections, norms."""

from xdsl.dialects.builtin import (
    FloatAttr,
    IndexType,
    IntegerAttr,
    SymbolRefAttr,
    TensorType,
    f32,
    f64,
    i64,
)
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from tensorjoin.dialects.ten import Tensor, is_sparse, tensor, tensor_type
from tensorjoin.dialects.transform import TransformAttr
from tensorjoin.transforms import Transform


def verify_row_width(value: SSAValue, width: int) -> None:
    if tensor(value).get_shape()[-1] != width:
        raise VerifyException(f"rows of {value.type} are not {width} wide")


@irdl_op_definition
class WeightOp(IRDLOperation):
    """
    A weight by the name of its tensor in the checkpoint. In a rolled loop, `{}` in the name is the
    number of the layer: `nn.weight @"layers.{}.up_proj" at %layer of 5 : tensor<172x64xf32>`

    A weight that is made of another tensor says how, and its name is one of its own:
    `nn.weight @"h.0.query" from <"h.0.qkv" rows 0 to 64 of 192> : tensor<64x64xf32>`
    """

    name = "nn.weight"

    symbol = prop_def(SymbolRefAttr)
    transform = opt_prop_def(TransformAttr)
    layer = opt_operand_def(IndexType)
    layers = opt_prop_def(IntegerAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$symbol (`from` $transform^)? (`at` $layer^ `of` $layers)? attr-dict `:` type($result)"
    )

    def __init__(
        self,
        symbol: str,
        result_type: Tensor,
        layer: SSAValue | None = None,
        layers: int | None = None,
        transform: Transform | None = None,
    ):
        super().__init__(
            operands=[layer],
            properties={
                "symbol": SymbolRefAttr(symbol),
                "transform": None if transform is None else TransformAttr(transform),
                "layers": None if layers is None else IntegerAttr(layers, i64),
            },
            result_types=[result_type],
        )

    def verify_(self) -> None:
        if self.transform is not None:
            reason = self.transform.transform.refusal(tensor(self.result).get_shape())
            if reason is not None:
                raise VerifyException(reason)


@irdl_op_definition
class EmbeddingOp(IRDLOperation):
    """The row of the table for each token: table [vocabulary, width], tokens [p] -> [p, width]"""

    name = "nn.embedding"

    table = operand_def(TensorType)
    tokens = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$table `,` $tokens attr-dict `:` type($table) `,` type($tokens) `->` type($result)"
    )

    def __init__(self, table: SSAValue | Operation, tokens: SSAValue | Operation):
        (rows,), (_, width) = tensor(tokens).get_shape(), tensor(table).get_shape()
        super().__init__(operands=[table, tokens], result_types=[tensor_type(f32, [rows, width])])

    def verify_(self) -> None:
        verify_row_width(self.result, tensor(self.table).get_shape()[1])


@irdl_op_definition
class LinearOp(IRDLOperation):
    """x times the transpose of w: x [p, i], w [o, i] -> [p, o]"""

    name = "nn.linear"

    input = operand_def(TensorType)
    weight = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$input `,` $weight attr-dict `:` type($input) `,` type($weight) `->` type($result)"
    )

    def __init__(self, input: SSAValue | Operation, weight: SSAValue | Operation):
        rows, _ = tensor(input).get_shape()
        outputs, _ = tensor(weight).get_shape()
        result_type = tensor_type(f32, [rows, outputs], is_sparse(tensor(input)))
        super().__init__(operands=[input, weight], result_types=[result_type])

    def verify_(self) -> None:
        outputs, inputs = tensor(self.weight).get_shape()
        verify_row_width(self.input, inputs)
        verify_row_width(self.result, outputs)


@irdl_op_definition
class AddBiasOp(IRDLOperation):
    """Add a vector to each row: x [p, i], bias [i] -> [p, i]"""

    name = "nn.add_bias"

    input = operand_def(TensorType)
    bias = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$input `,` $bias attr-dict `:` type($input) `,` type($bias) `->` type($result)"
    )

    def __init__(self, input: SSAValue | Operation, bias: SSAValue | Operation):
        super().__init__(operands=[input, bias], result_types=[SSAValue.get(input).type])

    def verify_(self) -> None:
        verify_row_width(self.input, tensor(self.bias).get_shape()[0])
        if self.input.type != self.result.type:
            raise VerifyException("a bias does not change the type")


@irdl_op_definition
class RMSNormOp(IRDLOperation):
    """
    x * gain / sqrt(mean(x^2) + epsilon) (Zhang and Sennrich 2019, eq. 4): x [p, n * i], gain [i].
    Each i consecutive elements are normalised by themselves: whole rows, or the heads of a row.
    """

    name = "nn.rms_norm"

    input = operand_def(TensorType)
    gain = operand_def(TensorType)
    epsilon = prop_def(FloatAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$input `,` $gain `epsilon` $epsilon attr-dict "
        "`:` type($input) `,` type($gain) `->` type($result)"
    )

    def __init__(self, input: SSAValue | Operation, gain: SSAValue | Operation, epsilon: float):
        super().__init__(
            operands=[input, gain],
            properties={"epsilon": FloatAttr(epsilon, f64)},
            result_types=[SSAValue.get(input).type],
        )

    def verify_(self) -> None:
        (width,) = tensor(self.gain).get_shape()
        if tensor(self.input).get_shape()[-1] % width:
            raise VerifyException(f"rows of {self.input.type} are not made of pieces {width} wide")
        if self.input.type != self.result.type:
            raise VerifyException("a norm does not change the type")


@irdl_op_definition
class FilterOp(IRDLOperation):
    """Keep the rows whose flag is not 0, so that the rest is not computed: x [p, i], flags [p]"""

    name = "nn.filter"

    input = operand_def(TensorType)
    flags = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$input `,` $flags attr-dict `:` type($input) `,` type($flags) `->` type($result)"
    )

    def __init__(self, input: SSAValue | Operation, flags: SSAValue | Operation):
        shape = tensor(input).get_shape()
        super().__init__(
            operands=[input, flags], result_types=[tensor_type(f32, shape, sparse=True)]
        )

    def verify_(self) -> None:
        if not is_sparse(tensor(self.result)):
            raise VerifyException("what a filter leaves is sparse")
