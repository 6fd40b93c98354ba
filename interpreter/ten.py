"""
`ten` executed with numpy: an oracle for passes, not a fast path.

Floats are float64, integers int64. A sparse tensor is a masked array, absent where masked.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from xdsl.dialects import arith
from xdsl.dialects.builtin import i1
from xdsl.interpreter import (
    Interpreter,
    InterpreterFunctions,
    PythonValues,
    impl,
    register_impls,
)
from xdsl.ir import SSAValue
from xdsl.utils.exceptions import InterpretationError

from tensorjoin.dialects import ten
from tensorjoin.dialects.ten import Reduction, is_sparse, parse_indices, tensor
from tensorjoin.dialects.transform import transforms_of
from tensorjoin.interpreter.scalars import (
    SCALARS,
    Array,
    compare_floats,
    compare_integers,
    scalar_constant,
    widened,
)
from tensorjoin.transforms import Transform


def present(array: Array) -> npt.NDArray[np.bool_]:
    """Where a tensor has elements."""
    return ~np.ma.getmaskarray(array)


def typed(data: Array, present: npt.NDArray[np.bool_], type: ten.Tensor) -> Array:
    """A value of `type`: masked if it is sparse, complete if it is not."""
    if is_sparse(type):
        return np.ma.array(data, mask=~np.broadcast_to(present, data.shape))
    if not np.all(present):
        raise InterpretationError(f"a {type} has no element at {np.argwhere(~present)[0]}")
    return data


def layered(name: str, layer: Sequence[int]) -> str:
    """`name` with `{}` replaced by the number of the layer, if there is one."""
    return name.replace("{}", str(layer[0])) if layer else name


def weight_of(
    weights: Mapping[str, npt.ArrayLike],
    name: str,
    layer: Sequence[int],
    transforms: Mapping[str, Transform],
) -> Array:
    """A weight of a layer, if there is one, as it is stored or made of what is."""
    if (transform := transforms.get(name)) is None:
        return widened(weights[layered(name, layer)])
    return transform.applied(widened(weights[layered(transform.tensor, layer)]))


def with_extents(shape: Sequence[int], extents: Sequence[int]) -> tuple[int, ...]:
    """`shape` with its unknown extents replaced, in order."""
    known = iter(extents)
    return tuple(next(known) if extent < 0 else extent for extent in shape)


def spread(array: Array, letters: str, result: str) -> Array:
    """The axes `letters` of an array in the order of `result`, with an axis of 1 for the others."""
    order = sorted(range(len(letters)), key=lambda axis: result.index(letters[axis]))
    shape = [array.shape[letters.index(letter)] if letter in letters else 1 for letter in result]
    return np.transpose(array, order).reshape(shape)


def evaluate_body(op: ten.MapOp, arguments: Sequence[Array]) -> Array:
    """What the block of a map yields for all elements at once."""
    block = op.body.block
    values: dict[SSAValue, Any] = dict(zip(block.args, arguments, strict=True))
    for scalar in block.ops:
        operands = [values[operand] for operand in scalar.operands]
        match scalar:
            case ten.YieldOp():
                return operands[0]
            case arith.ConstantOp():
                values[scalar.result] = scalar_constant(scalar.value)
            case arith.CmpiOp():
                predicate = scalar.predicate.value.data
                values[scalar.result] = compare_integers(predicate, *operands)
            case arith.CmpfOp():
                predicate = scalar.predicate.value.data
                values[scalar.result] = compare_floats(predicate, *operands)
            case _ if type(scalar) in SCALARS:
                values[scalar.results[0]] = SCALARS[type(scalar)](*operands)
            case _:
                raise InterpretationError(f"no numpy function for {scalar.name}")
    raise InterpretationError("a map without ten.yield")


@register_impls
@dataclass
class TenFunctions(InterpreterFunctions):
    """
    Tensors are arrays. `inputs` holds the columns of each table: an array of the tensor's rank, or
    rows with the key columns beside them.
    """

    weights: Mapping[str, npt.ArrayLike]
    inputs: Mapping[str, Mapping[str, npt.ArrayLike]]
    state: MutableMapping[str, Any]
    outputs: MutableMapping[str, Any]

    @impl(ten.InputOp)
    def input(self, interpreter: Interpreter, op: ten.InputOp, args: PythonValues) -> PythonValues:
        table = self.inputs[op.table.string_value()]
        type, values = tensor(op.result), widened(table[op.column.data])
        names = [name.data for name in op.keys]
        if values.ndim == len(names) and (len(names) != 1 or names[0] not in table):
            return (typed(np.ma.getdata(values), present(values), type),)
        keys = [np.asarray(table[name], dtype=np.int64) for name in names]
        if len(keys) == 1 and type.get_shape()[0] < 0:
            # The rows of a batch may be numbered from where the last batch ended.
            keys = [np.argsort(np.argsort(keys[0]))]
        extents = [int(key.max(initial=-1)) + 1 for key in keys]
        shape = [
            e if known < 0 else known for known, e in zip(type.get_shape(), extents, strict=True)
        ]
        data, here = np.zeros(shape, values.dtype), np.zeros(shape, np.bool_)
        data[tuple(keys)], here[tuple(keys)] = values, True
        return (typed(data, here, type),)

    @impl(ten.WeightOp)
    def weight(
        self, interpreter: Interpreter, op: ten.WeightOp, args: PythonValues
    ) -> PythonValues:
        transforms = transforms_of(op.transforms)
        names = [source.data for source in op.sources]
        whole = np.concatenate([weight_of(self.weights, name, args, transforms) for name in names])
        if op.gain is not None:
            whole = whole * weight_of(self.weights, op.gain.data, args, transforms)
        if op.layout is not None and op.layout.parted.data:
            whole = whole.reshape(tensor(op.result).get_shape())
        return (whole,)

    @impl(ten.ConstantOp)
    def constant(
        self, interpreter: Interpreter, op: ten.ConstantOp, args: PythonValues
    ) -> PythonValues:
        values = widened(op.value.get_values())
        # The one bit of a boolean reads as -1.
        truth = tensor(op.result).get_element_type() == i1
        return ((values != 0 if truth else values).reshape(op.value.get_shape()),)

    @impl(ten.MapOp)
    def map(self, interpreter: Interpreter, op: ten.MapOp, args: PythonValues) -> PythonValues:
        labels, result = parse_indices(op.indices.data)
        inputs = [spread(a, letters, result) for a, letters in zip(args, labels, strict=True)]
        shape = np.broadcast_shapes(*(array.shape for array in inputs))
        here = np.ones(shape, np.bool_)
        for array in inputs:
            here = here & present(array)
        with np.errstate(all="ignore"):
            data = evaluate_body(op, [np.ma.getdata(array) for array in inputs])
        return (typed(np.array(np.broadcast_to(data, shape)), here, tensor(op.result)),)

    @impl(ten.ReduceOp)
    def reduce(
        self, interpreter: Interpreter, op: ten.ReduceOp, args: PythonValues
    ) -> PythonValues:
        (letters,), result = parse_indices(op.indices.data)
        axes = tuple(axis for axis, letter in enumerate(letters) if letter not in result)
        kept = "".join(letter for letter in letters if letter in result)
        data, here = np.ma.getdata(args[0]), present(args[0])
        match op.kind.data:
            case Reduction.SUM:
                folded = np.sum(data, axes, where=here)
            case Reduction.MAX:
                folded = np.max(data, axes, where=here, initial=least(data.dtype))
            case Reduction.MIN:
                folded = -np.max(-data, axes, where=here, initial=least(data.dtype))
        some = spread(np.any(here, axes), kept, result)
        return (typed(spread(np.asarray(folded), kept, result), some, tensor(op.result)),)

    @impl(ten.ContractOp)
    def contract(
        self, interpreter: Interpreter, op: ten.ContractOp, args: PythonValues
    ) -> PythonValues:
        labels, result = parse_indices(op.indices.data)
        factors = [np.where(present(array), np.ma.getdata(array), 0) for array in args]
        data = np.einsum(op.indices.data, *factors, optimize=True)
        sparse = [
            (letters, present(array))
            for letters, array in zip(labels, args, strict=True)
            if np.ma.isMaskedArray(array)
        ]
        kept = "".join(letter for letter in result if any(letter in other for other, _ in sparse))
        here = np.ones(data.shape, np.bool_)
        if sparse:
            indices = f"{','.join(letters for letters, _ in sparse)}->{kept}"
            terms = np.einsum(indices, *(p.astype(np.int64) for _, p in sparse), optimize=True)
            here = here & (spread(terms, kept, result) > 0)
        return (typed(np.asarray(data), here, tensor(op.result)),)

    @impl(ten.GatherOp)
    def gather(
        self, interpreter: Interpreter, op: ten.GatherOp, args: PythonValues
    ) -> PythonValues:
        table: Array = args[0]
        ids: Array = args[1]
        (letters, id_letters), result = parse_indices(op.indices.data)
        number = spread(np.ma.getdata(ids), id_letters, result)
        extent = table.shape[letters.index(op.axis)]
        found = (number >= 0) & (number < extent) & spread(present(ids), id_letters, result)
        number = np.where(found, number, 0)
        positions: list[Array] = [np.arange(extent) for extent in table.shape]
        places = tuple(
            number if letter == op.axis else spread(position, letter, result)
            for letter, position in zip(letters, positions, strict=True)
        )
        shape = np.broadcast_shapes(*(place.shape for place in places))
        if extent == 0:
            data, here = np.zeros(shape, table.dtype), np.zeros(shape, np.bool_)
        else:
            data, here = np.ma.getdata(table)[places], present(table)[places] & found
        return (typed(data, here, tensor(op.result)),)

    @impl(ten.ScatterOp)
    def scatter(
        self, interpreter: Interpreter, op: ten.ScatterOp, args: PythonValues
    ) -> PythonValues:
        (letters, id_letters), result = parse_indices(op.indices.data)
        every = "".join(dict.fromkeys(letters + id_letters))
        data: Array = args[0]
        values, ids = spread(data, letters, every), spread(args[1], id_letters, every)
        shape = np.broadcast_shapes(values.shape, ids.shape)
        here = np.broadcast_to(present(values) & present(ids), shape)
        ids = np.broadcast_to(np.ma.getdata(ids), shape)
        extents = dict(zip(every, shape, strict=True))
        extents[op.axis] = tensor(op.result).get_shape()[result.index(op.axis)]
        here = here & (ids >= 0) & (ids < extents[op.axis])
        places_of: list[Array] = [*np.indices(shape)[:]]
        index = dict(zip(every, places_of, strict=True))
        index[op.axis] = ids
        places = tuple(index[letter][here] for letter in result)
        found = np.broadcast_to(np.ma.getdata(values), shape)[here]
        kind = op.kind.data if op.kind is not None else None
        start = {Reduction.MAX: least(data.dtype), Reduction.MIN: -least(data.dtype)}
        nothing = 0 if kind is None else start.get(kind, 0)
        whole = np.full([extents[letter] for letter in result], nothing, data.dtype)
        filled = np.zeros(whole.shape, np.bool_)
        if kind is None:
            whole[places] = found
        else:
            folds = {Reduction.SUM: np.add, Reduction.MAX: np.maximum, Reduction.MIN: np.minimum}
            folds[kind].at(whole, places, found)
        filled[places] = True
        return (typed(whole, filled, tensor(op.result)),)

    @impl(ten.IotaOp)
    def iota(self, interpreter: Interpreter, op: ten.IotaOp, args: PythonValues) -> PythonValues:
        return (np.arange(tensor(op.result).get_shape()[0]),)

    @impl(ten.ConcatOp)
    def concat(
        self, interpreter: Interpreter, op: ten.ConcatOp, args: PythonValues
    ) -> PythonValues:
        axis = op.axis.value.data
        data = np.concatenate([np.ma.getdata(array) for array in args], axis)
        here = np.concatenate([present(array) for array in args], axis)
        return (typed(data, here, tensor(op.result)),)

    @impl(ten.FillOp)
    def fill(self, interpreter: Interpreter, op: ten.FillOp, args: PythonValues) -> PythonValues:
        return (np.where(present(args[0]), np.ma.getdata(args[0]), scalar_constant(op.value)),)

    @impl(ten.RankOp)
    def rank(self, interpreter: Interpreter, op: ten.RankOp, args: PythonValues) -> PythonValues:
        axis, here = op.axis.value.data, present(args[0])
        data = np.ma.getdata(args[0]) * (-1 if op.descending is not None else 1)
        # What is absent comes last, where it takes no other element's place.
        order = np.lexsort((data, ~here), axis)
        return (typed(np.argsort(order, axis, kind="stable"), here, tensor(op.result)),)

    @impl(ten.RunningSumOp)
    def running_sum(
        self, interpreter: Interpreter, op: ten.RunningSumOp, args: PythonValues
    ) -> PythonValues:
        here = present(args[0])
        data = np.where(here, np.ma.getdata(args[0]), 0)
        return (typed(np.cumsum(data, op.axis.value.data), here, tensor(op.result)),)

    @impl(ten.ReshapeOp)
    def reshape(
        self, interpreter: Interpreter, op: ten.ReshapeOp, args: PythonValues
    ) -> PythonValues:
        old, type = tensor(op.input).get_shape(), tensor(op.result)
        unknown = [n for n, extent in zip(args[0].shape, old, strict=True) if extent < 0]
        shape = with_extents(type.get_shape(), unknown)
        data, here = np.ma.getdata(args[0]), present(args[0])
        return (typed(data.reshape(shape), here.reshape(shape), type),)

    @impl(ten.SliceOp)
    def slice(self, interpreter: Interpreter, op: ten.SliceOp, args: PythonValues) -> PythonValues:
        axis, offset = op.axis.value.data, op.offset.value.data
        size = tensor(op.result).get_shape()[axis]
        place = (slice(None),) * axis + (slice(offset, offset + size),)
        data, here = np.ma.getdata(args[0])[place], present(args[0])[place]
        return (typed(data, here, tensor(op.result)),)

    @impl(ten.SparsifyOp)
    def sparsify(
        self, interpreter: Interpreter, op: ten.SparsifyOp, args: PythonValues
    ) -> PythonValues:
        data = np.ma.getdata(args[0])
        return (typed(data, data & present(args[0]), tensor(op.result)),)

    @impl(ten.AppendOp)
    def append(
        self, interpreter: Interpreter, op: ten.AppendOp, args: PythonValues
    ) -> PythonValues:
        rows, *layer = args
        append_rows(self.state, layered(op.state.string_value(), layer), rows)
        return ()

    @impl(ten.ReadOp)
    def read(self, interpreter: Interpreter, op: ten.ReadOp, args: PythonValues) -> PythonValues:
        type, name = tensor(op.result), layered(op.state.string_value(), args)
        if name not in self.state:
            return (np.zeros(with_extents(type.get_shape(), (0,))),)
        return (typed(np.ma.getdata(self.state[name]), present(self.state[name]), type),)

    @impl(ten.OutputOp)
    def output(
        self, interpreter: Interpreter, op: ten.OutputOp, args: PythonValues
    ) -> PythonValues:
        (self.outputs[op.table.string_value()],) = args
        return ()


def least(dtype: np.dtype[Any]) -> Any:
    """What loses every maximum."""
    return -np.inf if dtype == np.float64 else np.iinfo(np.int64).min + 1


def append_rows(state: MutableMapping[str, Any], name: str, rows: Array) -> Array:
    """Add rows to a state, along axis 0; returns all of them."""
    parts: list[Array] = [state[name], rows] if name in state else [rows]
    data = np.concatenate([np.ma.getdata(part) for part in parts])
    if any(np.ma.isMaskedArray(part) for part in parts):
        data = np.ma.array(data, mask=np.concatenate([np.ma.getmaskarray(p) for p in parts]))
    state[name] = data
    return data
