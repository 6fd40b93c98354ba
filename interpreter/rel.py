"""
`rel` executed on plain tables: a relation is a mapping from column to array, all of one length.

Vectors are arrays of two axes. The keys of a relation must be unique: an operator that breaks that
is an error here, not a relation with duplicates.
"""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from xdsl.dialects.builtin import VectorType
from xdsl.interpreter import (
    Interpreter,
    InterpreterFunctions,
    PythonValues,
    ReturnedValues,
    TerminatorValue,
    impl,
    impl_terminator,
    register_impls,
)
from xdsl.ir import Attribute
from xdsl.utils.exceptions import InterpretationError

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import (
    AGGREGATES,
    PACKS,
    PARTITION_AGGREGATES,
    CallAttr,
    ColumnRefAttr,
    LiteralAttr,
    ParameterAttr,
)
from tensorjoin.dialects.layout import LayoutAttr, Storage
from tensorjoin.dialects.rel import RelationType, TableKind, schema
from tensorjoin.interpreter.ten import Array, divide_integers, layered, truncated, widened
from tensorjoin.lanes import lane_bits, pack_lanes, quantize

Relation: TypeAlias = Mapping[str, Array]
Parameters: TypeAlias = Mapping[str, int | float]


def power_of_ten(x: Array) -> Array:
    return np.power(10.0, x)


def exponent_of_ten(x: Array) -> Array:
    """The exponent of x in scientific form: of 0.012 it is -2."""
    return np.floor(np.log10(x)).astype(np.int64)


def dot(x: Array, y: Array) -> Array:
    return np.sum(x * y, axis=1)


def element(vector: Array, index: Array) -> Array:
    return vector[np.arange(len(vector)), index]


def slice_vector(vector: Array, start: int, size: int) -> Array:
    return vector[:, start : start + size]


def norm(vectors: Array) -> Array:
    """[rows, size] -> [rows], of elements in single precision."""
    return np.linalg.norm(widened(vectors.astype(np.float32)), axis=1)


def unit_half(vectors: Array) -> Array:
    """[rows, size], each divided by its norm, in half precision."""
    norms = norm(vectors)[:, None]
    units = vectors.astype(np.float32) / np.where(norms == 0, 1, norms)
    return widened(units.astype(np.float32).astype(np.float16))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.true_divide,
    "idiv": divide_integers,
    "mod": np.fmod,
    "neg": np.negative,
    "greatest": np.maximum,
    "least": np.minimum,
    "exp": np.exp,
    "round": np.rint,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "abs": np.abs,
    "pow10": power_of_ten,
    "exponent10": exponent_of_ten,
    "to_int": truncated,
    "to_float": np.float64,
    "to_long": truncated,
    "long": np.int64,
    "truth": np.int64,
    "divide": np.true_divide,
    "root": np.sqrt,
    "ln": np.log,
    "pow": np.power,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "floor": np.floor,
    "ceil": np.ceil,
    "infinity": lambda: np.float64(np.inf),
    "nan": lambda: np.float64(np.nan),
    "is_nan": np.isnan,
    "bit_and": np.bitwise_and,
    "bit_or": np.bitwise_or,
    "bit_xor": np.bitwise_xor,
    "shift_left": np.left_shift,
    "shift_right": np.right_shift,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "float_least": np.minimum,
    "float_eq": np.equal,
    "float_ne": np.not_equal,
    "float_lt": np.less,
    "float_le": np.less_equal,
    "float_gt": np.greater,
    "float_ge": np.greater_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "if": np.where,
    "dot": dot,
    "element": element,
    "slice": slice_vector,
    "norm": norm,
    "unit_half": unit_half,
}
"""What computes each function that takes one row at a time, on all rows at once."""


def rows(relation: Relation) -> int:
    return len(next(iter(relation.values()))) if relation else 0


def take(relation: Relation, selection: Array) -> dict[str, Array]:
    return {name: values[selection] for name, values in relation.items()}


def row_numbers(columns: Sequence[Array], count: int) -> Array:
    """A number for each row, equal where all `columns` are; in their order."""
    numbers = np.zeros(count, np.int64)
    for column in columns:
        values, inverse = np.unique(column, return_inverse=True)
        _, numbers = np.unique(numbers * max(len(values), 1) + inverse, return_inverse=True)
    return numbers


@dataclass
class Expressions:
    """Evaluates expressions over the rows of a relation; `special` handles aggregates, windows."""

    columns: Relation
    count: int
    parameters: Parameters
    special: Callable[[CallAttr], Array | None] | None = None

    def column(self, expression: Attribute) -> Array:
        """The value on each row."""
        value = np.asarray(self.value(expression))
        return np.full(self.count, value) if value.ndim == 0 else value

    def value(self, expression: Attribute) -> Any:
        match expression:
            case ColumnRefAttr():
                return self.columns[expression.column.data]
            case ParameterAttr():
                return widened(self.parameters[expression.parameter.data])
            case LiteralAttr():
                return widened(expression.value.data)
            case CallAttr():
                if self.special and (found := self.special(expression)) is not None:
                    return found
                arguments = [self.value(argument) for argument in expression.arguments]
                function = expression.function.data
                if function not in FUNCTIONS:
                    raise InterpretationError(f"{function} is not a function of one row")
                if function == "element":
                    arguments[1] = self.column(expression.arguments.data[1])
                with np.errstate(all="ignore"):
                    return FUNCTIONS[function](*arguments)
            case _:
                raise InterpretationError(f"not an expression: {expression}")


def fold(function: str, values: Array, group: Array, first: Array) -> Array:
    """`function` of the values in each group; `first` is the first row of each."""
    match function:
        case "count":
            return np.bincount(group, minlength=len(first))
        case "sum":
            total = np.zeros((len(first), *values.shape[1:]), values.dtype)
            np.add.at(total, group, values)
            return total
        case "max" | "min":
            best = values[first]
            (np.maximum if function == "max" else np.minimum).at(best, group, values)
            return best
        case _:
            raise InterpretationError(f"no aggregate {function}")


def pack(values: Array, slots: Array, size: int, group: Array, groups: int) -> Array:
    """
    Vectors of `size`, one for each group, zero where no row has the slot; `values` [rows] are
    elements, or [rows, length] vectors that follow each other.
    """
    length = values.shape[1] if values.ndim == 2 else 1
    kind = np.int64 if values.dtype.kind == "i" else np.float64
    vectors = np.zeros((groups, -(-size // length), length), kind)
    np.add.at(vectors, (group, slots), values.reshape(-1, length))
    return vectors.reshape(groups, -1)[:, :size]


def join(left: Relation, right: Relation) -> dict[str, Array]:
    """The natural join of two relations, in the order of the left one's rows."""
    shared = [name for name in left if name in right]
    count = rows(left)
    keys = [np.concatenate([left[name], right[name]]) for name in shared]
    numbers = row_numbers(keys, count + rows(right))
    order = np.argsort(numbers[count:], kind="stable")
    known = numbers[count:][order]
    start = np.searchsorted(known, numbers[:count], "left")
    matches = np.searchsorted(known, numbers[:count], "right") - start
    of_left = np.repeat(np.arange(count), matches)
    offset = np.arange(len(of_left)) - np.repeat(np.cumsum(matches) - matches, matches)
    of_right = order[np.repeat(start, matches) + offset]
    return {**take(right, of_right), **take(left, of_left)}


def checked(relation: Relation, type: RelationType) -> dict[str, Array]:
    """The columns of `type`, if its keys are unique and within their extents."""
    keys = [relation[name] for name in type.extents]
    for (name, extent), key in zip(type.extents.items(), keys, strict=True):
        if len(key) and (key.min() < 0 or (extent >= 0 and key.max() >= extent)):
            raise InterpretationError(f"key {name} is {key.min()} to {key.max()}, not in {type}")
    count = rows(relation)
    if count and row_numbers(keys, count).max() + 1 != count:
        raise InterpretationError(f"several rows of a {type} have one key")
    return {name: relation[name] for name in type.types}


def table_of_tensor(array: Array, keys: Sequence[str], column: str) -> dict[str, Array]:
    """A row for each element of a tensor that is not masked."""
    here = ~np.ma.getmaskarray(array)
    return {**dict(zip(keys, np.argwhere(here).T, strict=True)), column: np.ma.getdata(array)[here]}


def tensor_of_table(
    relation: Relation, keys: Sequence[str], column: str, shape: Sequence[int]
) -> Array:
    """The tensor whose elements are the rows; masked where there is no row."""
    values = relation[column]
    data, absent = np.zeros((1, *shape), values.dtype), np.ones((1, *shape), np.bool_)
    index = (np.zeros(len(values), np.int64), *(relation[key] for key in keys))
    data[index], absent[index] = values, False
    return np.ma.array(data[0], mask=absent[0])


def weight_table(table: rel.TableOp, weights: Mapping[str, npt.ArrayLike]) -> dict[str, Array]:
    """The rows of a weight, one for each element or chunk, as the layout of its table says."""
    type, layout = table.schema, table.layout
    sources = [source.data for source in table.sources or ()]
    is_layered = any("{}" in source for source in sources)
    layers = next(iter(type.extents.values())) if is_layered else 1
    tensors = [
        np.concatenate([widened(weights[layered(source, [layer])]) for source in sources])
        * (1 if table.gain is None else widened(weights[layered(table.gain.data, [layer])]))
        for layer in range(layers)
    ]
    data = np.stack(tensors) if is_layered else tensors[0]
    keys, columns = list(type.extents), list(type.values)
    if layout is None or not layout.is_chunked:
        return table_of_tensor(data, keys, columns[0])
    if layout.parted.data:
        inner = unfolded(list(type.extents.values())[is_layered:], layout, data.shape[-1])
        data = data.reshape(*data.shape[:is_layered], *inner)
    axis, size = layout.axis.data + is_layered, layout.size.data
    chunks = -(-data.shape[axis] // size)
    missing = [(0, chunks * size - n if a == axis else 0) for a, n in enumerate(data.shape)]
    shape = (*data.shape[:axis], chunks, size, *data.shape[axis + 1 :])
    vectors = np.moveaxis(np.pad(data, missing).reshape(shape), axis + 1, -1)
    if layout.is_packed:
        return lane_table(vectors, layout, keys, type, is_layered)
    if layout.storage.data == Storage.HALVES:
        vectors = widened(vectors.astype(np.float16))
    parts = in_parts(vectors, layout, int(is_layered))
    index = np.indices(parts[0].shape[:-1]).reshape(len(keys), -1)
    first = type.values[columns[0]]
    width = first.get_shape()[0] if isinstance(first, VectorType) else 1
    cut = [piece for part in parts for piece in np.split(part.reshape(-1, size), size // width, 1)]
    if not isinstance(first, VectorType):
        cut = [piece[:, 0] for piece in cut]
    values = dict(zip(columns, cut, strict=True))
    return {**dict(zip(keys, index, strict=True)), **values}


def unfolded(extents: Sequence[int], layout: LayoutAttr, width: int) -> list[int]:
    """The shape of a weight in parts of one index each, its last axis being `width` long."""
    shape = [*extents[:-1], width]
    shape.insert(layout.parted.data, layout.parts.data)
    return shape


def in_parts(vectors: Array, layout: LayoutAttr, first: int) -> Sequence[Array]:
    """What lies beside each other of a weight, whose axes begin at `first`."""
    parts = np.split(vectors, layout.parts.data, axis=first + layout.parted.data)
    if layout.parted.data == 0:
        return parts
    return [np.squeeze(part, first + layout.parted.data) for part in parts]


def lane_table(
    vectors: Array, layout: LayoutAttr, keys: Sequence[str], type: RelationType, is_layered: bool
) -> dict[str, Array]:
    """The rows of a weight in lanes: packed integers, and each lane's scale by groups."""
    lanes, first = layout.lanes.data, int(is_layered)
    missing = [(0, -n % lanes if a == first else 0) for a, n in enumerate(vectors.shape)]
    padded = np.pad(vectors, missing).astype(np.float32)
    groups, group = layout.columns.data, layout.group
    grouped = padded.reshape(*padded.shape[:-1], groups, group)
    integers, scales = quantize(grouped, layout.bits.data)
    width = lane_bits(group, layout.bits.data)
    rows_first = np.moveaxis(integers.reshape(padded.shape), first, 0)
    packed = np.moveaxis(pack_lanes(rows_first, width, lanes), 0, first)
    split = (*scales.shape[:first], -1, lanes, *scales.shape[first + 1 :])
    of_lanes = np.moveaxis(scales.reshape(split), first + 1, -1)
    parts = {"v": packed.reshape(-1, packed.shape[-1]), "s": of_lanes.reshape(-1, groups * lanes)}
    stored = np.float64 if layout.storage.data == Storage.DOUBLES else np.int64
    columns = {"v": parts["v"].astype(stored), "s": widened(parts["s"])}
    index = np.indices(packed.shape[:-1]).reshape(len(keys), -1)
    if "v" not in type.values:
        columns = {f"{n}_{k}": c for n, cs in columns.items() for k, c in enumerate(cs.T)}
    return {**dict(zip(keys, index, strict=True)), **columns}


@register_impls
@dataclass
class RelFunctions(InterpreterFunctions):
    """
    Tables are filled from `weights` and `inputs`, by their declarations; `state` and `outputs` hold
    the rows that are inserted. A counter is a parameter while its loop runs.
    """

    weights: Mapping[str, npt.ArrayLike]
    inputs: Mapping[str, Mapping[str, npt.ArrayLike]]
    state: MutableMapping[str, Any]
    outputs: MutableMapping[str, Any]
    parameters: Parameters
    loaded: dict[str, Relation] = field(default_factory=dict[str, Relation])

    def expressions(self, input: Relation) -> Expressions:
        return Expressions(input, rows(input), self.parameters)

    @impl(rel.TableOp)
    def table(self, interpreter: Interpreter, op: rel.TableOp, args: PythonValues) -> PythonValues:
        return ()

    @impl(rel.ScanOp)
    def scan(self, interpreter: Interpreter, op: rel.ScanOp, args: PythonValues) -> PythonValues:
        name, type = op.table.string_value(), schema(op.result)
        for stored in (self.state, self.outputs, self.loaded):
            if name in stored:
                return ({column: stored[name][column] for column in type.types},)
        table = declaration(interpreter, name)
        if table is not None and table.kind.data is TableKind.WEIGHT:
            self.loaded[name] = checked(weight_table(table, self.weights), table.schema)
        elif name in self.inputs:
            return (checked(input_table(self.inputs[name], type), type),)
        else:
            self.loaded[name] = no_rows(type if table is None else table.schema)
        relation = self.loaded[name]
        return ({column: relation[column] for column in type.types},)

    @impl(rel.InsertOp)
    def insert(
        self, interpreter: Interpreter, op: rel.InsertOp, args: PythonValues
    ) -> PythonValues:
        name, (new,) = op.table.string_value(), args
        table = declaration(interpreter, name)
        is_state = table is not None and table.kind.data is TableKind.STATE
        stored = self.state if is_state else self.outputs
        if name in stored:
            new = {c: np.concatenate([old, new[c]]) for c, old in stored[name].items()}
        stored[name] = new if table is None else checked(new, table.schema)
        return ()

    @impl(rel.RangeOp)
    def range(self, interpreter: Interpreter, op: rel.RangeOp, args: PythonValues) -> PythonValues:
        return ({op.key.data: np.arange(op.extent.value.data)},)

    @impl(rel.ValuesOp)
    def values(
        self, interpreter: Interpreter, op: rel.ValuesOp, args: PythonValues
    ) -> PythonValues:
        type = schema(op.result)
        array = widened([literal.value.data for literal in op.values])
        (column,) = type.values
        shape = tuple(type.extents.values())
        return (table_of_tensor(array.reshape(shape), list(type.extents), column),)

    @impl(rel.SelectOp)
    def select(
        self, interpreter: Interpreter, op: rel.SelectOp, args: PythonValues
    ) -> PythonValues:
        (input,) = args
        return (take(input, self.expressions(input).column(op.condition)),)

    @impl(rel.ProjectOp)
    def project(
        self, interpreter: Interpreter, op: rel.ProjectOp, args: PythonValues
    ) -> PythonValues:
        computed = self.expressions(args[0])
        assigned = {**rel.expressions(op.keys), **rel.expressions(op.values)}
        columns = {name: computed.column(e) for name, e in assigned.items()}
        return (checked(columns, schema(op.result)),)

    @impl(rel.JoinOp)
    def join(self, interpreter: Interpreter, op: rel.JoinOp, args: PythonValues) -> PythonValues:
        joined, *others = args
        for other in others:
            joined = join(joined, other)
        return ({name: joined[name] for name in schema(op.result).types},)

    @impl(rel.AggregateOp)
    def aggregate(
        self, interpreter: Interpreter, op: rel.AggregateOp, args: PythonValues
    ) -> PythonValues:
        (input,) = args
        by_row = self.expressions(input)
        numbers = row_numbers([input[name.data] for name in op.by], by_row.count)
        _, first, group = np.unique(numbers, return_index=True, return_inverse=True)

        def aggregate(call: CallAttr) -> Array | None:
            function = call.function.data
            if function not in AGGREGATES:
                return None
            values = by_row.column(call.arguments.data[0])
            if function not in PACKS:
                return fold(function, values, group, first)
            if function == "pack_double":
                values = values.astype(np.float64)
            slots, size = by_row.column(call.arguments.data[1]), call.arguments.data[2]
            return pack(values, slots, int(by_row.value(size)), group, len(first))

        groups = Expressions(take(input, first), len(first), self.parameters, aggregate)
        keys = {name.data: input[name.data][first] for name in op.by}
        values = {n: groups.column(e) for n, e in rel.expressions(op.values).items()}
        return ({**keys, **values},)

    @impl(rel.WindowOp)
    def window(
        self, interpreter: Interpreter, op: rel.WindowOp, args: PythonValues
    ) -> PythonValues:
        (input,) = args
        by_row = self.expressions(input)
        partition = row_numbers([input[name.data] for name in op.partition], by_row.count)
        ranks = [
            row_numbers([input[name]], by_row.count) * (-1 if descending else 1)
            for name, descending in op.ordering.items()
        ]
        order = np.lexsort([*reversed(ranks), partition])
        starts = np.flatnonzero(np.diff(partition[order], prepend=-1))

        def over(call: CallAttr) -> Array | None:
            function = call.function.data
            if function in PARTITION_AGGREGATES:
                values = by_row.column(call.arguments.data[0])
                _, first, group = np.unique(partition, return_index=True, return_inverse=True)
                return fold(function.removeprefix("partition_"), values, group, first)[group]
            match function:
                case "row_number":
                    values = np.ones(by_row.count, np.int64)
                case "running_sum":
                    values = by_row.column(call.arguments.data[0])
                case _:
                    return None
            totals = np.zeros(values.shape, values.dtype)
            for part in np.split(order, starts[1:]):
                totals[part] = np.cumsum(values[part])
            return totals

        windows = Expressions(input, by_row.count, self.parameters, over)
        values = {n: windows.column(e) for n, e in rel.expressions(op.values).items()}
        return ({**input, **values},)

    @impl(rel.UnionOp)
    def union(self, interpreter: Interpreter, op: rel.UnionOp, args: PythonValues) -> PythonValues:
        names = list(schema(op.result).types)
        return ({name: np.concatenate([part[name] for part in args]) for name in names},)

    @impl(rel.MaterializeOp)
    def materialize(
        self, interpreter: Interpreter, op: rel.MaterializeOp, args: PythonValues
    ) -> PythonValues:
        return args

    @impl(rel.ForOp)
    def run_for(self, interpreter: Interpreter, op: rel.ForOp, args: PythonValues) -> PythonValues:
        outside = self.parameters
        for round in range(op.count.value.data):
            self.parameters = {**outside, op.counter.data: round}
            args = interpreter.run_ssacfg_region(op.body, args, "rel.for")
        self.parameters = outside
        return args

    @impl(rel.RecurseOp)
    def recurse(
        self, interpreter: Interpreter, op: rel.RecurseOp, args: PythonValues
    ) -> PythonValues:
        names = list(schema(op.result).types)
        rounds = [args[0]]
        while rows(rounds[-1]):
            rounds += interpreter.run_ssacfg_region(op.body, (rounds[-1],), "rel.recurse")
        return ({name: np.concatenate([part[name] for part in rounds]) for name in names},)

    @impl_terminator(rel.YieldOp)
    def run_yield(
        self, interpreter: Interpreter, op: rel.YieldOp, args: PythonValues
    ) -> tuple[TerminatorValue, PythonValues]:
        return ReturnedValues(args), ()


def declaration(interpreter: Interpreter, name: str) -> rel.TableOp | None:
    for op in interpreter.module.ops:
        if isinstance(op, rel.TableOp) and op.sym_name.data == name:
            return op
    return None


def no_rows(type: RelationType) -> dict[str, Array]:
    keys = dict.fromkeys(type.extents, np.zeros(0, np.int64))
    return {**keys, **dict.fromkeys(type.values, np.zeros(0))}


def input_table(columns: Mapping[str, npt.ArrayLike], type: RelationType) -> dict[str, Array]:
    """The rows of an input, whose keys may be left out: rows are numbered from 0 on each axis."""
    table = {name: widened(values) for name, values in columns.items()}
    keys = list(type.extents)
    if all(key in table for key in keys):
        return {name: np.atleast_1d(table[name]) for name in type.types}
    # A scan may read the keys alone: they are those of any column.
    names = [*type.values] or [*table][:1]
    numbered = [table_of_tensor(table[name], keys, name) for name in names]
    return {name: values for part in numbered for name, values in part.items()}
