"""Elementwise maps of `ten`, built from the function of their elements."""

from collections.abc import Callable, Sequence

from xdsl.builder import ImplicitBuilder
from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    FloatAttr,
    f32,
)
from xdsl.dialects.utils import FastMathFlag
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from tensorjoin.dialects import ten
from tensorjoin.dialects.ten import is_sparse, tensor, tensor_type


def elementwise(
    indices: str,
    inputs: Sequence[SSAValue | Operation],
    scalar: Callable[..., Operation],
    element: Attribute = f32,
) -> ten.MapOp:
    """A `ten.map` whose body `scalar` builds from the elements of its inputs."""
    values = [SSAValue.get(value) for value in inputs]
    types = [tensor(value) for value in values]
    body = Block(arg_types=[type.get_element_type() for type in types])
    with ImplicitBuilder(body):
        ten.YieldOp(scalar(*body.args))
    labels, result = ten.parse_indices(indices)
    extents = {
        letter: extent
        for letters, type in zip(labels, types, strict=True)
        for letter, extent in zip(letters, type.get_shape(), strict=True)
    }
    shape = [extents[letter] for letter in result]
    sparse = any(is_sparse(type) for type in types)
    return ten.MapOp(indices, values, tensor_type(element, shape, sparse), Region(body))


def same_axes(rank: int, inputs: int) -> str:
    """The index string of a map over `inputs` tensors of equal shape."""
    letters = "pijklmn"[:rank]
    return f"{','.join([letters] * inputs)}->{letters}"


FINITE = arith.FastMathFlagsAttr((FastMathFlag.NO_NANS, FastMathFlag.NO_INFS))
"""Promised of quotients whose divisor cannot be 0."""


def quotient(x: SSAValue | Operation, y: SSAValue | Operation) -> arith.DivfOp:
    return arith.DivfOp(x, y, FINITE)


def constant(value: float) -> arith.ConstantOp:
    return arith.ConstantOp(FloatAttr(value, f32))
