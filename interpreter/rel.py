"""`rel` executed on plain tables; see `relations`."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
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

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import (
    AGGREGATES,
    PACKS,
    PARTITION_AGGREGATES,
    CallAttr,
)
from tensorjoin.dialects.rel import TableKind, schema
from tensorjoin.interpreter.expressions import Expressions, Parameters
from tensorjoin.interpreter.relations import (
    Relation,
    checked,
    fold,
    input_table,
    join,
    no_rows,
    pack,
    row_numbers,
    rows,
    table_of_tensor,
    take,
    weight_table,
)
from tensorjoin.interpreter.scalars import Array, widened


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

    @impl(rel.DeleteOp)
    def delete(
        self, interpreter: Interpreter, op: rel.DeleteOp, args: PythonValues
    ) -> PythonValues:
        name, (named,) = op.table.string_value(), args
        gone = set(zip(*(column.tolist() for column in named.values()), strict=True))
        for stores in (self.state, self.outputs):
            if name in stores:
                keys = zip(*(stores[name][key].tolist() for key in named), strict=True)
                kept = np.array([key not in gone for key in keys], dtype=bool)
                stores[name] = take(stores[name], kept)
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
