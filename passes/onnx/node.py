"""What a decomposition gets: a node's attributes, its graphs, and values known when compiling."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IntegerAttr,
    StringAttr,
    f32,
    i64,
)
from xdsl.ir import Attribute, Block, SSAValue

from tensorjoin.dialects import onnx
from tensorjoin.errors import TensorjoinError, UnsupportedError
from tensorjoin.passes.onnx.array import Array, constant

Float: TypeAlias = float
Results: TypeAlias = "Array | Sequence[Array | None]"
Decomposition = Callable[..., Results]

DECOMPOSITIONS: dict[tuple[str, str], Decomposition] = {}
"""By domain and operator; `decomposes` adds to it."""


def decomposes(*op_types: str, domain: str = "") -> Callable[[Decomposition], Decomposition]:
    """
    Declare a function to be the decomposition of operators: it takes the node and its operands,
    None for one that is left out, and returns its results.
    """

    def declare(function: Decomposition) -> Decomposition:
        for op_type in op_types:
            DECOMPOSITIONS[domain, op_type] = function
        return function

    return declare


@dataclass(frozen=True)
class Node:
    """A node under decomposition."""

    op: onnx.NodeOp
    evaluate: Callable[[SSAValue], npt.NDArray[Any]]
    inline: Callable[[Block, Sequence[Array]], list[Array]]
    max_rounds: int
    """Rounds of a loop that the target has unrolled."""
    tables: dict[str, Array] = field(default_factory=dict[str, Array])
    """Attributes of so many numbers that they are weights."""

    @property
    def op_type(self) -> str:
        return self.op.op_type.data

    @property
    def version(self) -> int:
        """The opset that defines the operator."""
        return self.op.version.value.data

    @property
    def outputs(self) -> int:
        return len(self.op.outputs)

    def has(self, name: str) -> bool:
        return name in self.op.attributes or name in self.tables

    def attribute(self, name: str) -> Attribute:
        if name in self.tables:
            raise self.refuse(f"its attribute {name} has {self.tables[name].size} elements")
        if name not in self.op.attributes:
            raise TensorjoinError(f"{self.op_type} lacks its attribute {name}")
        return self.op.attributes[name]

    def integer(self, name: str, default: int | None = None) -> int:
        if default is not None and not self.has(name):
            return default
        return integer_of(self.attribute(name))

    def float(self, name: str, default: Float | None = None) -> Float:
        if default is not None and not self.has(name):
            return default
        return float_of(self.attribute(name))

    def text(self, name: str, default: str | None = None) -> str:
        if default is not None and not self.has(name):
            return default
        match self.attribute(name):
            case StringAttr() as value:
                return value.data
            case _:
                raise TensorjoinError(f"the attribute {name} of {self.op_type} is no text")

    def integers(self, name: str, default: Sequence[int] | None = None) -> list[int]:
        if default is not None and not self.has(name):
            return list(default)
        return [integer_of(item) for item in self._items(name)]

    def floats(self, name: str, default: Sequence[Float] | None = None) -> list[Float]:
        if default is not None and not self.has(name):
            return list(default)
        return [float_of(item) for item in self._items(name)]

    def texts(self, name: str, default: Sequence[str] | None = None) -> list[str]:
        if default is not None and not self.has(name):
            return list(default)
        return [item.data for item in self._items(name) if isinstance(item, StringAttr)]

    def tensor(self, name: str) -> tuple[npt.NDArray[Any], Attribute]:
        """A tensor among the attributes, and the type of its elements."""
        value = self.attribute(name)
        if not isinstance(value, DenseIntOrFPElementsAttr):
            raise TensorjoinError(f"the attribute {name} of {self.op_type} is no tensor")
        array = np.array(value.get_values()).reshape(value.get_shape())
        return array, self.attribute(f"{name}_type")

    def table(self, name: str) -> Array:
        """A list of numbers or a tensor among the attributes, of whatever size."""
        if name in self.tables:
            return self.tables[name]
        if isinstance(self.attribute(name), DenseIntOrFPElementsAttr):
            return constant(*self.tensor(name))
        numbers = self._items(name)
        if all(isinstance(number, IntegerAttr) for number in numbers):
            return constant([integer_of(number) for number in numbers], i64)
        return constant([float_of(number) for number in numbers], f32)

    def _items(self, name: str) -> Sequence[Attribute]:
        match self.attribute(name):
            case ArrayAttr() as value:
                return value.data
            case _:
                raise TensorjoinError(f"the attribute {name} of {self.op_type} is no list")

    def body(self, name: str) -> Block:
        """A graph among the attributes."""
        names = self.texts("graphs", [])
        if name not in names:
            raise TensorjoinError(f"{self.op_type} lacks its graph {name}")
        return self.op.bodies[names.index(name)].block

    def value(self, array: Array) -> npt.NDArray[Any]:
        """
        The elements of a tensor on which a shape depends.

        Raises NeedsValue where they depend on an input.
        """
        return self.evaluate(array.value)

    def value_integers(self, array: Array | None) -> list[int] | None:
        """The elements of a vector that may be left out."""
        return None if array is None else [int(n) for n in np.atleast_1d(self.value(array)).flat]

    def axis(self, rank: int, name: str = "axis", default: int | None = None) -> int:
        """An axis among the attributes, counted from the front."""
        return checked_axis(self.integer(name, default), rank)

    def refuse(self, reason: str) -> UnsupportedError:
        return UnsupportedError(f"{self.op_type}: {reason}")


def checked_axis(axis: int, rank: int) -> int:
    if not -rank <= axis < max(rank, 1):
        raise TensorjoinError(f"a tensor of {rank} axes has no axis {axis}")
    return axis % max(rank, 1)


def checked_axes(axes: Sequence[int], rank: int) -> list[int]:
    return [checked_axis(axis, rank) for axis in axes]


def integer_of(attribute: Attribute) -> int:
    if not isinstance(attribute, IntegerAttr):
        raise TensorjoinError(f"{attribute} is no integer")
    return attribute.value.data


def float_of(attribute: Attribute) -> float:
    if isinstance(attribute, IntegerAttr):
        return float(attribute.value.data)
    if not isinstance(attribute, FloatAttr):
        raise TensorjoinError(f"{attribute} is no number")
    return attribute.value.data
