"""
Tensors as decompositions see them: numpy's vocabulary, each word of which inserts ops of `ten`.

Shapes are static. Whatever its element type, a float is computed with as f64 and an integer as i64;
integers narrower than that wrap around. One file, though a long one: the methods of `Array` and the
functions beside it are made of each other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import cast

import numpy as np
import numpy.typing as npt
from xdsl.builder import ImplicitBuilder
from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    Signedness,
    TensorType,
    f64,
    i1,
    i64,
)
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from tensorjoin.dialects import ten
from tensorjoin.dialects.ten import Reduction, tensor
from tensorjoin.errors import UnsupportedError

LETTERS = "abcdefghijklmnopqrstuwyz"
"""Names of axes; v is the column of elements."""

Scalar = (
    Callable[[SSAValue], SSAValue | Operation]
    | Callable[[SSAValue, SSAValue], SSAValue | Operation]
    | Callable[[SSAValue, SSAValue, SSAValue], SSAValue | Operation]
)
Number = int | float | bool


def computed(element: Attribute) -> Attribute:
    """The type in which elements are computed with."""
    if element == i1:
        return i1
    return i64 if isinstance(element, IntegerType) else f64


@dataclass(frozen=True)
class Array:
    """A tensor of static shape; `element` is what the model says its elements are."""

    value: SSAValue
    element: Attribute

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(tensor(self.value).get_shape())

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def stored(self) -> Attribute:
        """The type of the tensor's elements in `ten`: of weights also f32."""
        return tensor(self.value).get_element_type()

    @property
    def is_float(self) -> bool:
        return computed(self.element) == f64

    @property
    def is_boolean(self) -> bool:
        return self.element == i1

    def __add__(self, other: "Array | Number") -> "Array":
        return arithmetic(arith.AddfOp, arith.AddiOp, self, other)

    def __radd__(self, other: Number) -> "Array":
        return constant(other, self.element) + self

    def __sub__(self, other: "Array | Number") -> "Array":
        return arithmetic(arith.SubfOp, arith.SubiOp, self, other)

    def __rsub__(self, other: Number) -> "Array":
        return constant(other, self.element) - self

    def __mul__(self, other: "Array | Number") -> "Array":
        return arithmetic(arith.MulfOp, arith.MuliOp, self, other)

    def __rmul__(self, other: Number) -> "Array":
        return self * other

    def __truediv__(self, other: "Array | Number") -> "Array":
        """Integers are divided as in C: towards zero."""
        return arithmetic(arith.DivfOp, arith.DivSIOp, self, other)

    def __rtruediv__(self, other: Number) -> "Array":
        return constant(other, self.element) / self

    def __neg__(self) -> "Array":
        return constant(0, self.element) - self if not self.is_float else negated(self)

    def __lt__(self, other: "Array | Number") -> "Array":
        return compare("lt", self, other)

    def __le__(self, other: "Array | Number") -> "Array":
        return compare("le", self, other)

    def __gt__(self, other: "Array | Number") -> "Array":
        return compare("gt", self, other)

    def __ge__(self, other: "Array | Number") -> "Array":
        return compare("ge", self, other)

    def equals(self, other: "Array | Number") -> "Array":
        return compare("eq", self, other)

    def differs(self, other: "Array | Number") -> "Array":
        return compare("ne", self, other)

    def __and__(self, other: "Array") -> "Array":
        return elementwise(arith.AndIOp, self, other, element=self.element)

    def __or__(self, other: "Array") -> "Array":
        return elementwise(arith.OrIOp, self, other, element=self.element)

    def __xor__(self, other: "Array") -> "Array":
        return elementwise(arith.XOrIOp, self, other, element=self.element)

    def __invert__(self) -> "Array":
        """Not, of booleans; the complement, of integers."""
        ones = constant(True, i1) if self.is_boolean else constant(-1, self.element)
        return wrapped(self ^ ones, self.element)

    def reshape(self, shape: Sequence[int]) -> "Array":
        if tuple(shape) == self.shape:
            return self
        if self.size == 0:
            return full(shape, 0, self.element)
        type = ten.tensor_type(self.stored, list(shape), ten.is_sparse(tensor(self.value)))
        return Array(ten.ReshapeOp(self.value, type).result, self.element)

    def transpose(self, order: Sequence[int] | None = None) -> "Array":
        order = list(range(self.rank))[::-1] if order is None else list(order)
        if order == list(range(self.rank)):
            return self
        letters = LETTERS[: self.rank]
        return self._map(f"{letters}->{''.join(letters[axis] for axis in order)}")

    def _map(self, indices: str) -> "Array":
        labels, result = ten.parse_indices(indices)
        extents = dict(zip(labels[0], self.shape, strict=True))
        type = self.stored
        body = Block(arg_types=[type])
        with ImplicitBuilder(body):
            ten.YieldOp(body.args[0])
        shape = [extents[letter] for letter in result]
        result_type = ten.tensor_type(type, shape, ten.is_sparse(tensor(self.value)))
        op = ten.MapOp(indices, [self.value], result_type, Region(body))
        return Array(op.result, self.element)

    def broadcast_to(self, shape: Sequence[int]) -> "Array":
        """The elements repeated along axes that are missing or of extent 1."""
        shape = np.broadcast_shapes(self.shape, tuple(shape))
        if shape == self.shape:
            return self
        offset = len(shape) - self.rank
        repeated = [
            axis
            for axis, extent in enumerate(shape)
            if axis < offset or self.shape[axis - offset] != extent
        ]
        if 0 in shape:
            return full(shape, 0, self.element)
        counters = [along(iota(shape[axis]), axis, len(shape)) for axis in repeated]
        return elementwise(first, self, *counters, element=self.element)

    def take(self, ids: "Array", axis: int, sparse: bool = False) -> "Array":
        """numpy's take: `ids` has the axes in place of this one, and is in range, or `sparse`."""
        letters = LETTERS[: self.rank]
        found = LETTERS[self.rank : self.rank + ids.rank]
        result = letters[:axis] + found + letters[axis + 1 :]
        return gather(f"{letters},{found}->{result}", self, ids, sparse)

    def slice(self, axis: int, start: int, size: int, step: int = 1) -> "Array":
        """Elements start, start + step, ... of an axis; `size` of them."""
        shape = [*self.shape[:axis], size, *self.shape[axis + 1 :]]
        if 0 in shape:
            return full(shape, 0, self.element)
        if (start, size, step) == (0, self.shape[axis], 1):
            return self
        if step == 1:
            sparse = ten.is_sparse(tensor(self.value))
            type = ten.tensor_type(self.stored, shape, sparse)
            return Array(ten.SliceOp(self.value, axis, start, type).result, self.element)
        return self.take(iota(size) * step + start, axis)

    def reverse(self, axis: int) -> "Array":
        return self.slice(axis, self.shape[axis] - 1, self.shape[axis], -1)

    def squeeze(self, axes: Sequence[int]) -> "Array":
        return self.reshape([n for axis, n in enumerate(self.shape) if axis not in axes])

    def unsqueeze(self, axes: Sequence[int]) -> "Array":
        """New axes of extent 1 at the places that `axes` are to have in the result."""
        shape = list(self.shape)
        for axis in sorted(axes):
            shape.insert(axis, 1)
        return self.reshape(shape)

    def sum(self, axes: Sequence[int] | None = None, keep: bool = False) -> "Array":
        return reduced(Reduction.SUM, self, axes, keep, 0)

    def max(self, axes: Sequence[int] | None = None, keep: bool = False) -> "Array":
        return reduced(Reduction.MAX, self, axes, keep, lowest(self.element))

    def min(self, axes: Sequence[int] | None = None, keep: bool = False) -> "Array":
        return reduced(Reduction.MIN, self, axes, keep, highest(self.element))

    def mean(self, axes: Sequence[int] | None = None, keep: bool = False) -> "Array":
        total = self.sum(axes, keep)
        count = self.size // total.size if total.size else 0
        return total / (float(count) if self.is_float else count)

    def fold(self, combine: "Callable[[Array, Array], Array]", axis: int) -> "Array":
        """Combine the elements of an axis pairwise, in log2(n) steps; the axis keeps extent 1."""
        array = self
        while (extent := array.shape[axis]) > 1:
            half = extent // 2
            pairs = combine(array.slice(axis, 0, half), array.slice(axis, half, half))
            rest = array.slice(axis, 2 * half, extent - 2 * half)
            array = concat([pairs, rest], axis) if extent % 2 else pairs
        return array

    def prod(self, axes: Sequence[int] | None = None, keep: bool = False) -> "Array":
        array, axes = self, list(range(self.rank)) if axes is None else list(axes)
        if any(self.shape[axis] == 0 for axis in axes):
            shape = [1 if axis in axes else n for axis, n in enumerate(self.shape)]
            array = full(shape, 1, self.element)
        for axis in axes:
            array = array.fold(lambda x, y: x * y, axis)
        return array if keep else array.squeeze(axes)

    def cast(self, element: Attribute) -> "Array":
        """The elements as another type: floats are cut off to integers, which wrap around."""
        if element == self.element:
            return self
        source, target = computed(self.element), computed(element)
        match source, target:
            case _ if target == i1:
                cast = self.differs(0) if source != i1 else self
                return Array(cast.value, element)
            case _ if source == i1:
                number = elementwise(lambda x: arith.ExtUIOp(x, i64), self, element=i64)
                return number.cast(element)
            case _ if source == i64 and target == f64:
                return elementwise(lambda x: arith.SIToFPOp(x, f64), self, element=element)
            case _ if source == f64 and target == i64:
                cut = elementwise(lambda x: arith.FPToSIOp(x, i64), self, element=i64)
                return wrapped(cut, element)
            case _ if source == i64:
                return wrapped(self, element)
            case _:
                return Array(self.value, element)

    def running_sum(self, axis: int) -> "Array":
        if self.size == 0:
            return self
        return Array(ten.RunningSumOp(self.value, axis).result, self.element)

    def rank_along(self, axis: int, descending: bool = False) -> "Array":
        """The place of each element among those of an axis, in order."""
        return Array(ten.RankOp(self.value, axis, descending).result, i64)

    def filled(self, value: Number) -> "Array":
        """A sparse tensor made total."""
        if not ten.is_sparse(tensor(self.value)):
            return self
        return Array(ten.FillOp(self.value, value).result, self.element)

    def pad(self, axis: int, before: int, after: int, value: "Array | Number") -> "Array":
        """More elements at both ends of an axis, or fewer where a number is negative."""
        inner = self
        if before < 0 or after < 0:
            start, cut = max(0, -before), max(0, -before) + max(0, -after)
            inner = self.slice(axis, start, self.shape[axis] - cut)
        pieces: list[Array] = []
        for place, count in (("before", before), ("after", after)):
            if place == "after":
                pieces.append(inner)
            if count > 0:
                shape = [count if k == axis else n for k, n in enumerate(inner.shape)]
                ends = (
                    value.broadcast_to(shape)
                    if isinstance(value, Array)
                    else full(shape, value, self.element)
                )
                pieces.append(ends)
        return concat(pieces, axis)


def first(x: SSAValue, *others: SSAValue) -> SSAValue:
    return x


def along(vector: Array, axis: int, rank: int) -> Array:
    """A vector as a tensor of `rank` axes that are 1 long, but for one."""
    return vector.reshape([vector.size if k == axis else 1 for k in range(rank)])


def iota(extent: int) -> Array:
    """0, 1, 2, ... as i64"""
    if extent == 0:
        return constant(np.zeros(0, np.int64), i64)
    return Array(ten.IotaOp(extent).result, i64)


def constant(value: npt.ArrayLike, element: Attribute) -> Array:
    """A tensor known when compiling."""
    array = np.asarray(value)
    shape = list(array.shape)
    if array.size == 0:
        return nothing(shape, element)
    if element == i1:
        return constant(array.astype(np.int64), i64).cast(i1)
    if computed(element) == i64:
        type = TensorType(i64, shape)
        integers = [int(n) for n in array.flatten().astype(np.int64)]
        return Array(
            ten.ConstantOp(DenseIntOrFPElementsAttr.from_list(type, integers)).result, element
        )
    floats = array.astype(np.float64)
    finite = np.isfinite(floats)
    type = TensorType(f64, shape)
    numbers = [float(x) for x in np.where(finite, floats, 0.0).flatten()]
    known = Array(ten.ConstantOp(DenseIntOrFPElementsAttr.from_list(type, numbers)).result, element)
    # What is not finite has no literal: it is put in by its place.
    for odd, places in (
        (np.inf, floats == np.inf),
        (-np.inf, floats == -np.inf),
        (np.nan, np.isnan(floats)),
    ):
        if places.any():
            here = constant(places, i1)
            known = where(here, fixed(odd, element), known)
    return known


def fixed(value: float, element: Attribute) -> Array:
    """A float that may be an infinity or NaN: it is made in the body of a map."""
    zero = constant(0.0, element)
    return elementwise(lambda _: scalar(value, f64), zero, element=element)


def scalar(value: Number, type: Attribute) -> SSAValue:
    """A number in the body of a map."""
    if bits := width(type):
        return arith.ConstantOp(IntegerAttr(int(value), IntegerType(bits))).result
    return arith.ConstantOp(FloatAttr(float(value), f64)).result


def full(shape: Sequence[int], value: Number, element: Attribute) -> Array:
    if 0 in shape:
        return nothing(shape, element)
    return constant(value, element).broadcast_to(shape)


def nothing(shape: Sequence[int], element: Attribute) -> Array:
    """A tensor without elements."""
    if computed(element) == f64:
        values = DenseIntOrFPElementsAttr.from_list(TensorType(f64, list(shape)), [])
    else:
        bits = IntegerType(width(computed(element)))
        values = DenseIntOrFPElementsAttr.from_list(TensorType(bits, list(shape)), [])
    return Array(ten.ConstantOp(values).result, element)


def elementwise(compute: Scalar, *arrays: Array, element: Attribute) -> Array:
    """A map over tensors that broadcast as in numpy; `compute` builds the op of one element."""
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    if len(shape) > len(LETTERS):
        raise UnsupportedError(f"a tensor of {len(shape)} axes is too much")
    if 0 in shape:
        return full(shape, 0, element)
    letters = LETTERS[: len(shape)]
    inputs: list[Array] = []
    labels: list[str] = []
    for array in arrays:
        offset = len(shape) - array.rank
        kept = [
            axis
            for axis in range(array.rank)
            if array.shape[axis] != 1 or shape[offset + axis] == 1
        ]
        inputs.append(array.reshape([array.shape[axis] for axis in kept]))
        labels.append("".join(letters[offset + axis] for axis in kept))
    types = [tensor(array.value) for array in inputs]
    body = Block(arg_types=[type.get_element_type() for type in types])
    build = cast(Callable[..., SSAValue | Operation], compute)
    with ImplicitBuilder(body):
        ten.YieldOp(build(*(widened(argument) for argument in body.args)))
    sparse = any(ten.is_sparse(type) for type in types)
    type = ten.tensor_type(computed(element), list(shape), sparse)
    indices = f"{','.join(labels)}->{letters}"
    op = ten.MapOp(indices, [array.value for array in inputs], type, Region(body))
    return Array(op.result, element)


def widened(value: SSAValue) -> SSAValue:
    """An element of a weight as f64, as which it is computed with."""
    if isinstance(value.type, IntegerType) or value.type == f64:
        return value
    return arith.ExtFOp(value, f64).result


def operand(value: Array | Number, like: Array) -> Array:
    return value if isinstance(value, Array) else constant(value, like.element)


def arithmetic(floats: Scalar, integers: Scalar, x: Array, y: Array | Number) -> Array:
    y = operand(y, x)
    if x.is_float != y.is_float or x.is_boolean or y.is_boolean:
        raise UnsupportedError(f"no arithmetic of {x.element} and {y.element}")
    if x.is_float:
        return elementwise(floats, x, y, element=x.element)
    return wrapped(elementwise(integers, x, y, element=x.element), x.element)


def negated(x: Array) -> Array:
    return elementwise(arith.NegfOp, x, element=x.element)


def compare(predicate: str, x: Array, y: Array | Number) -> Array:
    """eq, ne, lt, le, gt or ge; false where an operand is NaN, but for ne."""
    y = operand(y, x)
    if x.is_boolean:
        x, y = x.cast(i64), y.cast(i64)
    if x.is_float:
        name = "une" if predicate == "ne" else f"o{predicate}"
        return elementwise(lambda a, b: arith.CmpfOp(a, b, name), x, y, element=i1)
    name = predicate if predicate in ("eq", "ne") else f"s{predicate}"
    return elementwise(lambda a, b: arith.CmpiOp(a, b, name), x, y, element=i1)


def where(condition: Array, x: Array, y: Array) -> Array:
    return elementwise(arith.SelectOp, condition, x, y, element=x.element)


def wrapped(array: Array, element: Attribute) -> Array:
    """Integers cut to the bits of a narrower type, in two's complement."""
    bits = width(element)
    if bits in (0, 1, 64):
        return Array(array.value, element)
    low = array & constant((1 << bits) - 1, i64)
    if is_unsigned(element):
        return Array(low.value, element)
    sign = 1 << (bits - 1)

    def signed(x: SSAValue) -> Operation:
        return arith.SubiOp(arith.XOrIOp(x, scalar(sign, i64)), scalar(sign, i64))

    return elementwise(signed, low, element=element)


def width(element: Attribute) -> int:
    """The bits of an integer; 0 of a float."""
    return element.bitwidth if isinstance(element, IntegerType) else 0


def is_unsigned(element: Attribute) -> bool:
    return element == IntegerType(width(element), Signedness.UNSIGNED)


def lowest(element: Attribute) -> Number:
    """What loses every maximum: the maximum of no elements."""
    if not width(element):
        return -np.inf
    return 0 if is_unsigned(element) or element == i1 else -(1 << (width(element) - 1))


def highest(element: Attribute) -> Number:
    if not width(element):
        return np.inf
    signed = not is_unsigned(element) and element != i1
    return min((1 << (width(element) - signed)) - 1, (1 << 63) - 1)


def reduced(
    kind: Reduction, array: Array, axes: Sequence[int] | None, keep: bool, initial: Number
) -> Array:
    axes = list(range(array.rank)) if axes is None else sorted(a % array.rank for a in axes)
    if not axes:
        return array
    kept = [1 if axis in axes else n for axis, n in enumerate(array.shape)]
    shape = [n for axis, n in enumerate(array.shape) if axis not in axes]
    if array.size == 0:
        return full(kept if keep else shape, initial, array.element)
    if array.is_boolean:
        folded = reduced(kind, array.cast(i64), axes, keep, initial)
        return folded if kind == Reduction.SUM else folded.cast(i1)
    letters = LETTERS[: array.rank]
    result = "".join(letter for axis, letter in enumerate(letters) if axis not in axes)
    type = TensorType(computed(array.element), shape)
    # Engines add up numbers of single precision in single precision.
    op = ten.ReduceOp(kind, f"{letters}->{result}", same_type(array), type)
    return Array(op.result, array.element).reshape(kept if keep else shape)


def gather(indices: str, table: Array, ids: Array, sparse: bool = False) -> Array:
    """As `ten.gather`; `sparse` where ids may be out of range, and the element is absent then."""
    labels, result = ten.parse_indices(indices)
    extents = dict(zip("".join(labels), (*table.shape, *ids.shape), strict=False))
    for letters, array in zip(labels, (table, ids), strict=True):
        extents |= dict(zip(letters, array.shape, strict=True))
    shape = [extents[letter] for letter in result]
    if 0 in shape:
        return full(shape, 0, table.element)
    sparse = sparse or any(ten.is_sparse(tensor(a.value)) for a in (table, ids))
    type = ten.tensor_type(tensor(table.value).get_element_type(), shape, sparse)
    return Array(ten.GatherOp(indices, table.value, ids.value, type).result, table.element)


def scatter(
    kind: Reduction | None,
    indices: str,
    array: Array,
    ids: Array,
    extent: int,
    sparse: bool = True,
) -> Array:
    """As `ten.scatter`, onto an axis of `extent`; total where it is known that each one is met."""
    labels, result = ten.parse_indices(indices)
    extents: dict[str, int] = {}
    for letters, operand in zip(labels, (array, ids), strict=True):
        extents |= dict(zip(letters, operand.shape, strict=True))
    shape = [extents.get(letter, extent) for letter in result]
    type = ten.tensor_type(computed(array.element), shape, sparse)
    op = ten.ScatterOp(kind, indices, same_type(array), ids.value, type)
    return Array(op.result, array.element)


def contract(indices: str, *arrays: Array, sparse: bool = False) -> Array:
    """An einsum; `sparse` where some element may have no terms, and is absent then."""
    labels, result = ten.parse_indices(indices)
    extents: dict[str, int] = {}
    for letters, array in zip(labels, arrays, strict=True):
        extents |= dict(zip(letters, array.shape, strict=True))
    shape = [extents[letter] for letter in result]
    element = next(a.element for a in arrays if not a.is_boolean)
    if any(array.size == 0 for array in arrays):
        return full(shape, 0, element)
    type = ten.tensor_type(computed(element), shape, sparse)
    op = ten.ContractOp(indices, [array.value for array in arrays], type)
    return Array(op.result, element)


def concat(arrays: Sequence[Array], axis: int) -> Array:
    pieces = [array for array in arrays if array.shape[axis] != 0] or list(arrays[:1])
    if len(pieces) == 1:
        return pieces[0]
    if any(piece.size == 0 for piece in pieces):
        shape = list(pieces[0].shape)
        shape[axis] = sum(piece.shape[axis] for piece in pieces)
        return full(shape, 0, arrays[0].element)
    values = [same_type(piece) for piece in pieces]
    return Array(ten.ConcatOp(values, axis).result, arrays[0].element)


def same_type(array: Array) -> SSAValue:
    """The tensor with elements of the type in which they are computed with: weights may be f32."""
    if tensor(array.value).get_element_type() == computed(array.element):
        return array.value
    return elementwise(lambda x: x, array, element=array.element).value


def stack(arrays: Sequence[Array], axis: int) -> Array:
    return concat([array.unsqueeze([axis]) for array in arrays], axis)
