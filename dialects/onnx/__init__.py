"""
ONNX graphs as they were exported: nodes named by their operator, with its attributes.

Types are those of shape inference, `none` where it knows nothing; the decomposition computes shapes
of its own. Elements are i1, i8 to i64, ui8 to ui64, f16, bf16, f32 and f64.
"""

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    IntegerAttr,
    NoneType,
    StringAttr,
    TensorType,
    i64,
)
from xdsl.ir import Attribute, Block, Dialect, Operation, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
    var_region_def,
    var_result_def,
)
from xdsl.traits import HasParent, IsTerminator, Pure

from tensorjoin.dialects.ten import Tensor


@irdl_op_definition
class InputOp(IRDLOperation):
    """An input of the graph: `onnx.input "X" : tensor<2x3xf32>`"""

    name = "onnx.input"

    symbol = prop_def(StringAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$symbol attr-dict `:` type($result)"

    def __init__(self, symbol: str, result_type: Tensor):
        super().__init__(properties={"symbol": StringAttr(symbol)}, result_types=[result_type])


@irdl_op_definition
class InitializerOp(IRDLOperation):
    """A weight, by its name; its elements stay in the model's file: `onnx.initializer "w" : ...`"""

    name = "onnx.initializer"

    symbol = prop_def(StringAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$symbol attr-dict `:` type($result)"

    def __init__(self, symbol: str, result_type: Tensor):
        super().__init__(properties={"symbol": StringAttr(symbol)}, result_types=[result_type])


@irdl_op_definition
class ConstantOp(IRDLOperation):
    """A small tensor; `value` holds i64 or f64, the result says what they are."""

    name = "onnx.constant"

    value = prop_def(DenseIntOrFPElementsAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$value attr-dict `:` type($result)"

    def __init__(self, value: DenseIntOrFPElementsAttr, result_type: Tensor):
        super().__init__(properties={"value": value}, result_types=[result_type])


@irdl_op_definition
class AbsentOp(IRDLOperation):
    """An optional operand that is left out."""

    name = "onnx.absent"

    result = result_def(NoneType)

    traits = traits_def(Pure())

    assembly_format = "attr-dict"

    def __init__(self):
        super().__init__(result_types=[NoneType()])


@irdl_op_definition
class NodeOp(IRDLOperation):
    """
    An operator, as the opset `version` defines it:
    `onnx.node "Concat"(%x, %y) version 13 {axis = 1 : i64} : (...) -> tensor<2x6xf32>`

    Graphs among its attributes are regions, in the order of `bodies`; attributes of many numbers
    are its last operands, in the order of `tables`.
    """

    name = "onnx.node"

    op_type = prop_def(StringAttr)
    domain = prop_def(StringAttr)
    version = prop_def(IntegerAttr)
    inputs = var_operand_def()
    outputs = var_result_def()
    bodies = var_region_def()

    traits = traits_def()

    def __init__(
        self,
        op_type: str,
        inputs: Sequence[SSAValue | Operation],
        result_types: Sequence[Attribute],
        attributes: Mapping[str, Attribute],
        domain: str = "",
        version: int = 1,
        bodies: Sequence[Region] = (),
    ):
        super().__init__(
            operands=[inputs],
            properties={
                "op_type": StringAttr(op_type),
                "domain": StringAttr(domain),
                "version": IntegerAttr(version, i64),
            },
            attributes=dict(attributes),
            result_types=[result_types],
            regions=[list(bodies)],
        )

    assembly_format = (
        "$op_type `(` $inputs `)` `version` $version `of` $domain attr-dict-with-keyword "
        "$bodies `:` functional-type($inputs, $outputs)"
    )


@irdl_op_definition
class YieldOp(IRDLOperation):
    """The outputs of a graph within a node."""

    name = "onnx.yield"

    outputs = var_operand_def()

    traits = traits_def(IsTerminator(), HasParent(NodeOp))

    assembly_format = "$outputs attr-dict `:` type($outputs)"

    def __init__(self, outputs: Sequence[SSAValue | Operation]):
        super().__init__(operands=[outputs])


@irdl_op_definition
class OutputOp(IRDLOperation):
    """An output of the graph: `onnx.output %y to "Y" : tensor<2x3xf32>`"""

    name = "onnx.output"

    input = operand_def()
    symbol = prop_def(StringAttr)

    assembly_format = "$input `to` $symbol attr-dict `:` type($input)"

    def __init__(self, input: SSAValue | Operation, symbol: str):
        super().__init__(operands=[input], properties={"symbol": StringAttr(symbol)})


def region(arguments: Sequence[Attribute]) -> tuple[Region, Block]:
    """A region of one block for a graph within a node."""
    block = Block(arg_types=arguments)
    return Region(block), block


Onnx = Dialect(
    "onnx",
    [InputOp, InitializerOp, ConstantOp, AbsentOp, NodeOp, YieldOp, OutputOp],
    [],
)
