"""Where tensors come from, and where they go."""

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseIntOrFPElementsAttr,
    DictionaryAttr,
    IndexType,
    IntegerAttr,
    StringAttr,
    SymbolRefAttr,
    TensorType,
    UnitAttr,
    i64,
)
from xdsl.ir import (
    Operation,
    SSAValue,
)
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
from xdsl.traits import (
    MemoryReadEffect,
    MemoryWriteEffect,
    Pure,
)
from xdsl.utils.exceptions import VerifyException

from tensorjoin.dialects.layout import LayoutAttr
from tensorjoin.dialects.ten.types import (
    Tensor,
    tensor,
)
from tensorjoin.dialects.transform import transforms_of


@irdl_op_definition
class InputOp(IRDLOperation):
    """
    A column of a table that the caller fills for each run, or, as `kept`, adds to from run to run:
    `ten.input @batch ["p"] "token" : tensor<?xi32>`
    """

    name = "ten.input"

    table = prop_def(SymbolRefAttr)
    keys = prop_def(ArrayAttr[StringAttr])
    column = prop_def(StringAttr)
    kept = opt_prop_def(UnitAttr)
    layout = opt_prop_def(LayoutAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "(`kept` $kept^)? $table $keys $column (`layout` $layout^)? attr-dict `:` type($result)"
    )

    def __init__(
        self,
        table: str,
        keys: Sequence[str],
        column: str,
        result_type: Tensor,
        kept: bool = False,
    ):
        super().__init__(
            properties={
                "table": SymbolRefAttr(table),
                "keys": ArrayAttr([StringAttr(key) for key in keys]),
                "column": StringAttr(column),
                "kept": UnitAttr() if kept else None,
            },
            result_types=[result_type],
        )


@irdl_op_definition
class WeightOp(IRDLOperation):
    """
    A weight by its name: `ten.weight @gate_up from ["...gate...", "...up..."] at %layer of 5`

    The sources follow each other along the first axis, which is cut into several where the parts of
    its layout are of another (`parts 2 of 1`); `{}` in them is the number of the layer.
    `times "norm"` multiplies by another tensor of the checkpoint along the last axis. Where a name
    has one of the `transforms`, its tensor is what that makes of a tensor of the checkpoint:
    `... times "norm" with {norm = #ten.transform<"norm" plus one>}`
    """

    name = "ten.weight"

    symbol = prop_def(SymbolRefAttr)
    sources = prop_def(ArrayAttr[StringAttr])
    gain = opt_prop_def(StringAttr)
    transforms = opt_prop_def(DictionaryAttr)
    layer = opt_operand_def(IndexType)
    layers = opt_prop_def(IntegerAttr)
    layout = opt_prop_def(LayoutAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$symbol `from` $sources (`times` $gain^)? (`with` $transforms^)? "
        "(`at` $layer^ `of` $layers)? (`layout` $layout^)? "
        "attr-dict `:` type($result)"
    )

    def __init__(
        self,
        symbol: str,
        sources: Sequence[str],
        result_type: Tensor,
        layer: SSAValue | None = None,
        layers: IntegerAttr | None = None,
        layout: LayoutAttr | None = None,
        gain: str | None = None,
        transforms: DictionaryAttr | None = None,
    ):
        super().__init__(
            operands=[layer],
            properties={
                "symbol": SymbolRefAttr(symbol),
                "sources": ArrayAttr([StringAttr(source) for source in sources]),
                "gain": None if gain is None else StringAttr(gain),
                "transforms": transforms,
                "layers": layers,
                "layout": layout,
            },
            result_types=[result_type],
        )

    def verify_(self) -> None:
        transforms_of(self.transforms)
        shape, layout = tensor(self.result).get_shape(), self.layout
        if layout is None:
            return
        if layout.is_chunked and layout.axis.data >= len(shape):
            raise VerifyException(f"a layout of axis {layout.axis.data} for {len(shape)} axes")
        parts, parted = layout.parts.data, layout.parted.data
        if parted:
            if parted >= len(shape) or shape[parted] != parts:
                raise VerifyException(f"{parts} parts of axis {parted}: each is one index of it")
            if layout.axis.data != len(shape) - 1:
                raise VerifyException(f"parts of axis {parted}: the chunks are of the last")
            return
        if parts != 1 and (parts != len(self.sources) or shape[0] % parts):
            raise VerifyException(
                f"{parts} parts of {shape[0]} rows from {len(self.sources)} sources: each source is"
                " a part, of as many rows"
            )


@irdl_op_definition
class ConstantOp(IRDLOperation):
    """A small tensor known when compiling: `ten.constant dense<[0.5, 1.0]> : tensor<2xf64>`"""

    name = "ten.constant"

    value = prop_def(DenseIntOrFPElementsAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$value attr-dict `:` type($result)"

    def __init__(self, value: DenseIntOrFPElementsAttr):
        super().__init__(properties={"value": value}, result_types=[value.type])


@irdl_op_definition
class IotaOp(IRDLOperation):
    """The numbers of an axis: `ten.iota : tensor<5xi64>` is 0, 1, 2, 3, 4"""

    name = "ten.iota"

    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "attr-dict `:` type($result)"

    def __init__(self, extent: int):
        super().__init__(result_types=[TensorType(i64, [extent])])

    def verify_(self) -> None:
        type = tensor(self.result)
        if type.get_element_type() != i64 or len(type.get_shape()) != 1:
            raise VerifyException("the numbers of an axis are a vector of i64")
        if type.get_shape()[0] < 0:
            raise VerifyException("the numbers of an axis need a known extent")


@irdl_op_definition
class AppendOp(IRDLOperation):
    """Add a batch's rows to a state: `ten.append %k to @keys ["c", "g", "d"] at %layer of 5`"""

    name = "ten.append"

    input = operand_def(TensorType)
    state = prop_def(SymbolRefAttr)
    keys = prop_def(ArrayAttr[StringAttr])
    layer = opt_operand_def(IndexType)
    layers = opt_prop_def(IntegerAttr)
    layout = opt_prop_def(LayoutAttr)

    traits = traits_def(MemoryWriteEffect())

    assembly_format = (
        "$input `to` $state $keys (`at` $layer^ `of` $layers)? (`layout` $layout^)? "
        "attr-dict `:` type($input)"
    )

    def __init__(
        self,
        input: SSAValue | Operation,
        state: str,
        keys: Sequence[str],
        layer: SSAValue | None = None,
        layers: IntegerAttr | None = None,
    ):
        super().__init__(
            operands=[input, layer],
            properties={
                "state": SymbolRefAttr(state),
                "keys": ArrayAttr([StringAttr(key) for key in keys]),
                "layers": layers,
            },
        )


@irdl_op_definition
class ReadOp(IRDLOperation):
    """All rows of a state so far: `ten.read @keys ["c", "g", "d"] at %layer of 5 : tensor<...>`"""

    name = "ten.read"

    state = prop_def(SymbolRefAttr)
    keys = prop_def(ArrayAttr[StringAttr])
    layer = opt_operand_def(IndexType)
    layers = opt_prop_def(IntegerAttr)
    layout = opt_prop_def(LayoutAttr)
    result = result_def(TensorType)

    traits = traits_def(MemoryReadEffect())

    assembly_format = (
        "$state $keys (`at` $layer^ `of` $layers)? (`layout` $layout^)? attr-dict `:` type($result)"
    )

    def __init__(
        self,
        state: str,
        keys: Sequence[str],
        result_type: Tensor,
        layer: SSAValue | None = None,
        layers: IntegerAttr | None = None,
    ):
        super().__init__(
            operands=[layer],
            properties={
                "state": SymbolRefAttr(state),
                "keys": ArrayAttr([StringAttr(key) for key in keys]),
                "layers": layers,
            },
            result_types=[result_type],
        )


@irdl_op_definition
class OutputOp(IRDLOperation):
    """Write a tensor to a table for the caller: `ten.output %y to @logits ["p", "t"]`"""

    name = "ten.output"

    input = operand_def(TensorType)
    table = prop_def(SymbolRefAttr)
    keys = prop_def(ArrayAttr[StringAttr])

    traits = traits_def(MemoryWriteEffect())

    assembly_format = "$input `to` $table $keys attr-dict `:` type($input)"

    def __init__(self, input: SSAValue | Operation, table: str, keys: Sequence[str]):
        super().__init__(
            operands=[input],
            properties={
                "table": SymbolRefAttr(table),
                "keys": ArrayAttr([StringAttr(key) for key in keys]),
            },
        )
