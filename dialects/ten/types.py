"""Types of tensors, and the letters that name their axes."""

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    TensorType,
)
from xdsl.ir import (
    Attribute,
    Operation,
    ParametrizedAttribute,
    SSAValue,
)
from xdsl.irdl import (
    irdl_attr_definition,
)
from xdsl.utils.exceptions import VerifyException

Tensor = TensorType[Attribute]


@irdl_attr_definition
class SparseAttr(ParametrizedAttribute):
    """The encoding of a tensor with absent elements: `tensor<?x?xi1, #ten.sparse>`"""

    name = "ten.sparse"


def tensor(value: SSAValue | Operation) -> Tensor:
    """The type of a tensor: `operand_def` does not carry it to the type checker."""
    return SSAValue.get(value, type=TensorType).type


def is_sparse(type: Tensor) -> bool:
    return isinstance(type.encoding, SparseAttr)


def tensor_type(element: Attribute, shape: Sequence[int], sparse: bool = False) -> Tensor:
    return TensorType(element, shape, SparseAttr()) if sparse else TensorType(element, shape)


def parse_indices(indices: str) -> tuple[list[str], str]:
    """ "pi,oi->po" -> (["pi", "oi"], "po")"""
    operands, _, result = indices.partition("->")
    return operands.split(","), result


def verify_indices(
    indices: str, operands: Sequence[Tensor], result: Tensor, new_axes: int = 0
) -> None:
    """
    Each letter has one extent, and each operand as many letters as axes; the result has
    `new_axes` that no operand has.
    """
    labels, result_labels = parse_indices(indices)
    if len(labels) != len(operands):
        raise VerifyException(f"{indices!r} names {len(labels)} operands of {len(operands)}")
    extents: dict[str, int] = {}
    for letters, type in (*zip(labels, operands, strict=True), (result_labels, result)):
        shape = type.get_shape()
        if len(letters) != len(shape) or len(set(letters)) != len(letters):
            raise VerifyException(f"{letters!r} does not name the axes of {type}")
        for letter, extent in zip(letters, shape, strict=True):
            if extents.setdefault(letter, extent) != extent:
                raise VerifyException(f"axis {letter} is {extents[letter]} and {extent} long")
    unknown = set(result_labels) - set("".join(labels))
    if len(unknown) > new_axes:
        raise VerifyException(f"no operand has the axis {', '.join(sorted(unknown))}")
    if len(unknown) < new_axes:
        raise VerifyException("the result has no axis that the ids could number")
