"""Functions of elements, sums over axes, and looking up."""

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    StringAttr,
    TensorType,
    i1,
)
from xdsl.dialects.utils import EnumAttribute
from xdsl.ir import (
    Operation,
    Region,
    SpacedOpaqueSyntaxAttribute,
    SSAValue,
)
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import (
    HasParent,
    IsTerminator,
    Pure,
)
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.str_enum import StrEnum

from tensorjoin.dialects.ten.types import (
    Tensor,
    is_sparse,
    parse_indices,
    tensor,
    verify_indices,
)


@irdl_op_definition
class YieldOp(IRDLOperation):
    """The scalar that a map computes."""

    name = "ten.yield"

    value = operand_def(AnyAttr())

    traits = traits_def(IsTerminator())

    assembly_format = "$value attr-dict `:` type($value)"

    def __init__(self, value: SSAValue | Operation):
        super().__init__(operands=[value])


@irdl_op_definition
class MapOp(IRDLOperation):
    """
    A scalar function of elements, with broadcasting:
    `ten.map "pi,p->pi" (%x, %s) : (...) -> tensor<?x64xf32> { ^bb0(%a: f32, %b: f32): ... }`
    """

    name = "ten.map"

    indices = prop_def(StringAttr)
    inputs = var_operand_def(TensorType)
    result = result_def(TensorType)
    body = region_def("single_block")

    traits = traits_def(Pure())

    assembly_format = (
        "$indices `(` $inputs `)` `:` functional-type($inputs, $result) $body attr-dict"
    )

    def __init__(
        self,
        indices: str,
        inputs: Sequence[SSAValue | Operation],
        result_type: Tensor,
        body: Region,
    ):
        super().__init__(
            operands=[inputs],
            properties={"indices": StringAttr(indices)},
            result_types=[result_type],
            regions=[body],
        )

    def verify_(self) -> None:
        types = [tensor(input) for input in self.inputs]
        verify_indices(self.indices.data, types, tensor(self.result))
        labels, result = parse_indices(self.indices.data)
        if lost := set("".join(labels)) - set(result):
            raise VerifyException(f"a map keeps every axis, also {', '.join(sorted(lost))}")
        if [a.type for a in self.body.block.args] != [t.get_element_type() for t in types]:
            raise VerifyException("the block's arguments are not the inputs' elements")
        last = self.body.block.last_op
        if not isinstance(last, YieldOp):
            raise VerifyException("a map ends with ten.yield")
        if last.value.type != tensor(self.result).get_element_type():
            raise VerifyException(f"a map to {self.result.type} yields {last.value.type}")


YieldOp.traits.add_trait(HasParent(MapOp))


class Reduction(StrEnum):
    SUM = "sum"
    MAX = "max"
    MIN = "min"


@irdl_attr_definition
class ReductionAttr(EnumAttribute[Reduction], SpacedOpaqueSyntaxAttribute):
    name = "ten.reduction"


@irdl_op_definition
class ReduceOp(IRDLOperation):
    """Fold axes away: `ten.reduce max "phc->ph" %x : tensor<...> -> tensor<...>`"""

    name = "ten.reduce"

    kind = prop_def(ReductionAttr)
    indices = prop_def(StringAttr)
    input = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$kind $indices $input attr-dict `:` type($input) `->` type($result)"

    def __init__(
        self, kind: Reduction, indices: str, input: SSAValue | Operation, result_type: Tensor
    ):
        super().__init__(
            operands=[input],
            properties={"kind": ReductionAttr(kind), "indices": StringAttr(indices)},
            result_types=[result_type],
        )

    def verify_(self) -> None:
        verify_indices(self.indices.data, [tensor(self.input)], tensor(self.result))


@irdl_op_definition
class ContractOp(IRDLOperation):
    """
    An einsum: multiply, then sum over the axes that the result lacks. A sparse operand of booleans
    only says which terms exist: `ten.contract "pd,cd,pc->pc" (%q, %k, %visible) : ...`
    """

    name = "ten.contract"

    indices = prop_def(StringAttr)
    inputs = var_operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$indices `(` $inputs `)` attr-dict `:` functional-type($inputs, $result)"

    def __init__(self, indices: str, inputs: Sequence[SSAValue | Operation], result_type: Tensor):
        super().__init__(
            operands=[inputs],
            properties={"indices": StringAttr(indices)},
            result_types=[result_type],
        )

    def verify_(self) -> None:
        types = [tensor(input) for input in self.inputs]
        verify_indices(self.indices.data, types, tensor(self.result))
        for type in types:
            if type.get_element_type() == i1 and not is_sparse(type):
                raise VerifyException("a boolean operand of a contraction must be sparse")


@irdl_op_definition
class GatherOp(IRDLOperation):
    """
    Look rows up: `ten.gather "ti,p->pi" %table, %ids` is table[ids[p], i]. The axis that the result
    lacks is the one that the ids number.
    """

    name = "ten.gather"

    indices = prop_def(StringAttr)
    table = operand_def(TensorType)
    ids = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$indices $table `,` $ids attr-dict `:` type($table) `,` type($ids) `->` type($result)"
    )

    def __init__(
        self,
        indices: str,
        table: SSAValue | Operation,
        ids: SSAValue | Operation,
        result_type: Tensor,
    ):
        super().__init__(
            operands=[table, ids],
            properties={"indices": StringAttr(indices)},
            result_types=[result_type],
        )

    @property
    def axis(self) -> str:
        """The letter of the axis that is looked up."""
        (table, _), result = parse_indices(self.indices.data)
        (axis,) = (letter for letter in table if letter not in result)
        return axis

    def verify_(self) -> None:
        types = [tensor(self.table), tensor(self.ids)]
        verify_indices(self.indices.data, types, tensor(self.result))
        (table, _), result = parse_indices(self.indices.data)
        if len([letter for letter in table if letter not in result]) != 1:
            raise VerifyException("a gather looks up one axis of its table")


@irdl_op_definition
class ScatterOp(IRDLOperation):
    """
    Put elements where ids say: `ten.scatter "ij,i->rj" %x, %ids by sum` adds x[i, j] to
    y[ids[i], j].

    The axis that only the result has is the one that the ids number; an id outside of it drops its
    element. Without a reduction no two elements may meet. Where none arrives, the result is absent.
    """

    name = "ten.scatter"

    kind = opt_prop_def(ReductionAttr)
    indices = prop_def(StringAttr)
    input = operand_def(TensorType)
    ids = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$indices $input `,` $ids (`by` $kind^)? attr-dict "
        "`:` type($input) `,` type($ids) `->` type($result)"
    )

    def __init__(
        self,
        kind: Reduction | None,
        indices: str,
        input: SSAValue | Operation,
        ids: SSAValue | Operation,
        result_type: Tensor,
    ):
        super().__init__(
            operands=[input, ids],
            properties={
                "kind": None if kind is None else ReductionAttr(kind),
                "indices": StringAttr(indices),
            },
            result_types=[result_type],
        )

    @property
    def axis(self) -> str:
        """The letter of the axis that the ids number."""
        labels, result = parse_indices(self.indices.data)
        (axis,) = set(result) - set("".join(labels))
        return axis

    def verify_(self) -> None:
        types = [tensor(self.input), tensor(self.ids)]
        verify_indices(self.indices.data, types, tensor(self.result), new_axes=1)
