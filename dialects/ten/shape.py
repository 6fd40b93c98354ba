"""The same elements under other indices."""

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    FloatAttr,
    IntegerAttr,
    IntegerType,
    TensorType,
    f64,
    i1,
    i64,
)
from xdsl.interfaces import HasCanonicalizationPatternsInterface
from xdsl.ir import (
    Attribute,
    Operation,
    SSAValue,
)
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.pattern_rewriter import RewritePattern
from xdsl.traits import (
    Pure,
)
from xdsl.utils.exceptions import VerifyException

from tensorjoin.dialects.ten.types import (
    Tensor,
    is_sparse,
    tensor,
    tensor_type,
)


@irdl_op_definition
class ReshapeOp(IRDLOperation, HasCanonicalizationPatternsInterface):
    """The same elements in row-major order under other axes; unknown extents stay in place."""

    name = "ten.reshape"

    input = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$input attr-dict `:` type($input) `->` type($result)"

    def __init__(self, input: SSAValue | Operation, result_type: Tensor):
        super().__init__(operands=[input], result_types=[result_type])

    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        from tensorjoin.passes.canonicalization.ten import ReshapeOfReshape, SameShape

        return (ReshapeOfReshape(), SameShape())

    def verify_(self) -> None:
        source, target = tensor(self.input), tensor(self.result)
        if (source.get_element_type(), source.encoding) != (
            target.get_element_type(),
            target.encoding,
        ):
            raise VerifyException("a reshape changes nothing but the shape")
        old, new = source.get_shape(), target.get_shape()
        if _sizes(old) != _sizes(new):
            raise VerifyException(f"{old} and {new} do not hold the same elements")


def _sizes(shape: Sequence[int]) -> list[int]:
    """The product of the known extents before, between and after the unknown ones."""
    sizes = [1]
    for extent in shape:
        if extent < 0:
            sizes.append(1)
        else:
            sizes[-1] *= extent
    return sizes


@irdl_op_definition
class SliceOp(IRDLOperation, HasCanonicalizationPatternsInterface):
    """A piece of one axis: `ten.slice %x axis 1 from 64 : tensor<?x128xf32> -> tensor<?x32xf32>`"""

    name = "ten.slice"

    input = operand_def(TensorType)
    axis = prop_def(IntegerAttr.constr(i64))
    offset = prop_def(IntegerAttr.constr(i64))
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$input `axis` $axis `from` $offset attr-dict `:` type($input) `->` type($result)"
    )

    def __init__(self, input: SSAValue | Operation, axis: int, offset: int, result_type: Tensor):
        super().__init__(
            operands=[input],
            properties={
                "axis": IntegerAttr(axis, i64),
                "offset": IntegerAttr(offset, i64),
            },
            result_types=[result_type],
        )

    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        from tensorjoin.passes.canonicalization.ten import SameShape, SliceOfSlice

        return (SameShape(), SliceOfSlice())

    def verify_(self) -> None:
        shape = list(tensor(self.input).get_shape())
        axis, offset = self.axis.value.data, self.offset.value.data
        if not 0 <= axis < len(shape):
            raise VerifyException(f"no axis {axis} in {self.input.type}")
        size = tensor(self.result).get_shape()[axis]
        if tensor(self.result).get_shape() != (*shape[:axis], size, *shape[axis + 1 :]):
            raise VerifyException("a slice cuts one axis only")
        if offset < 0 or offset + size > shape[axis]:
            raise VerifyException(f"{offset} to {offset + size} exceeds the axis")


@irdl_op_definition
class SparsifyOp(IRDLOperation):
    """Keep the true elements of a tensor of booleans; the others become absent."""

    name = "ten.sparsify"

    input = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$input attr-dict `:` type($input) `->` type($result)"

    def __init__(self, input: SSAValue | Operation):
        shape = tensor(input).get_shape()
        super().__init__(operands=[input], result_types=[tensor_type(i1, shape, sparse=True)])

    def verify_(self) -> None:
        if tensor(self.input).get_element_type() != i1:
            raise VerifyException("only booleans can be made sparse")


@irdl_op_definition
class ConcatOp(IRDLOperation):
    """One tensor after the other along an axis: `ten.concat %x, %y axis 1 : ...`"""

    name = "ten.concat"

    inputs = var_operand_def(TensorType)
    axis = prop_def(IntegerAttr.constr(i64))
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$inputs `axis` $axis attr-dict `:` functional-type($inputs, $result)"

    def __init__(self, inputs: Sequence[SSAValue | Operation], axis: int):
        types = [tensor(input) for input in inputs]
        shape = list(types[0].get_shape())
        shape[axis] = sum(type.get_shape()[axis] for type in types)
        sparse = any(is_sparse(type) for type in types)
        super().__init__(
            operands=[inputs],
            properties={"axis": IntegerAttr(axis, i64)},
            result_types=[tensor_type(types[0].get_element_type(), shape, sparse)],
        )

    def verify_(self) -> None:
        result, axis = tensor(self.result), self.axis.value.data
        shapes = [list(tensor(input).get_shape()) for input in self.inputs]
        whole = list(result.get_shape())
        if not shapes or not 0 <= axis < len(whole):
            raise VerifyException(f"no axis {axis} in {result}")
        if any(
            shape[:axis] + shape[axis + 1 :] != whole[:axis] + whole[axis + 1 :] for shape in shapes
        ):
            raise VerifyException("the pieces differ on another axis")
        if whole[axis] != sum(shape[axis] for shape in shapes):
            raise VerifyException(f"the pieces do not make {whole[axis]}")
        if any(
            tensor(input).get_element_type() != result.get_element_type() for input in self.inputs
        ):
            raise VerifyException("the pieces have other elements than the whole")


@irdl_op_definition
class FillOp(IRDLOperation):
    """Put a value where a sparse tensor has no element: `ten.fill %x with 0.0 : ...`"""

    name = "ten.fill"

    input = operand_def(TensorType)
    value = prop_def(AnyAttr())
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$input `with` $value attr-dict `:` type($input) `->` type($result)"

    def __init__(self, input: SSAValue | Operation, value: int | float | bool):
        type = tensor(input)
        element = type.get_element_type()
        attribute: Attribute = FloatAttr(float(value), f64)
        if isinstance(element, IntegerType):
            attribute = IntegerAttr(int(value), IntegerType(element.bitwidth))
        super().__init__(
            operands=[input],
            properties={"value": attribute},
            result_types=[tensor_type(type.get_element_type(), type.get_shape())],
        )

    def verify_(self) -> None:
        source, target = tensor(self.input), tensor(self.result)
        if source.get_shape() != target.get_shape() or not target.has_static_shape():
            raise VerifyException("a tensor is filled in its own, known shape")
        if source.get_element_type() != target.get_element_type() or is_sparse(target):
            raise VerifyException("filling changes nothing but what is absent")
