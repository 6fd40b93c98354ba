"""Inputs, weights, constants, state and outputs as tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    IntegerAttr,
    UnrealizedConversionCastOp,
    VectorType,
    f16,
    f32,
    f64,
    i1,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from tensorjoin.dialects import rel, ten
from tensorjoin.dialects.expression import ParameterAttr, call, col, lit
from tensorjoin.dialects.layout import LayoutAttr, Storage
from tensorjoin.dialects.rel import AssignmentAttr, RelationType, TableKind
from tensorjoin.errors import TensorjoinError
from tensorjoin.interface import LAYER
from tensorjoin.passes.ten_to_rel.values import (
    Emitter,
    as_tensor,
    axis_names,
    key,
    part_columns,
)


@dataclass
class Tables:
    """The tables that a module needs, by name, in order of appearance."""

    declared: dict[str, rel.TableOp] = field(default_factory=dict[str, rel.TableOp])

    def declare(self, table: rel.TableOp) -> RelationType:
        """Add a table, or columns to one that exists; returns its schema."""
        name, new = table.sym_name.data, table.schema
        if (known := self.declared.get(name)) is not None:
            old = known.schema
            if old.extents != new.extents:
                raise TensorjoinError(f"table {name} is keyed by {old} and by {new}")
            if table.kind.data == TableKind.WEIGHT and filling(known) != filling(table):
                raise TensorjoinError(f"two weights called {name} are not stored alike")
            table.properties["schema"] = RelationType(
                old.extents, {**old.values, **new.values}, old.is_sparse
            )
        self.declared[name] = table
        return table.schema


def filling(table: rel.TableOp) -> tuple[Attribute | None, ...]:
    """How the rows of a weight are made of what a checkpoint stores."""
    return (table.sources, table.gain, table.transforms, table.layout)


def number_of(layer: SSAValue) -> Attribute:
    """
    The number of a layer as an expression of the counter of its loop: `%l * 4 + 1` is
    `add(mul(?layer, 4), 1)`.
    """
    match layer.owner:
        case arith.ConstantOp(value=IntegerAttr() as number):
            return lit(number.value.data)
        case arith.MuliOp() | arith.AddiOp() as op:
            function = "mul" if isinstance(op, arith.MuliOp) else "add"
            return call(function, number_of(op.lhs), number_of(op.rhs))
        case UnrealizedConversionCastOp() as counter:
            loop = counter.parent_op()
            if isinstance(loop, rel.ForOp):
                return ParameterAttr(loop.counter.data)
        case _:
            pass
    raise TensorjoinError(f"{layer.name_hint or 'the number of a layer'} is counted by no loop")


def layer_keys(layers: IntegerAttr | None) -> dict[str, int]:
    return {} if layers is None else {LAYER: layers.value.data}


def of_layer(out: Emitter, layer: SSAValue, relation: SSAValue, keys: list[str]) -> SSAValue:
    """The rows of a layer, without the column that says so."""
    selected = out.emit(rel.SelectOp(relation, call("eq", col(LAYER), number_of(layer))))
    values = {name: col(name) for name in rel.schema(relation).values}
    return out.emit(rel.ProjectOp(selected, {k: k for k in keys}, values))


@dataclass
class ConvertInput(RewritePattern):
    """ten.input @batch ["p"] "token" -> project(scan @batch) {v = token}"""

    tables: Tables

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.InputOp, rewriter: PatternRewriter, /):
        out = Emitter()
        keys = [name.data for name in op.keys]
        type = ten.tensor(op.result)
        extents = list(type.get_shape())
        element = chunked_element(extents, op.layout, type.get_element_type())
        schema = RelationType(
            dict(zip(keys, extents, strict=True)), {op.column.data: element}, ten.is_sparse(type)
        )
        name = op.table.string_value()
        kind = TableKind.STATE if op.kept else TableKind.INPUT
        self.tables.declare(rel.TableOp(name, kind, schema, layout=op.layout))
        scan = out.emit(rel.ScanOp(name, schema))
        value = {"v": col(op.column.data)}
        renamed = out.emit(rel.ProjectOp(scan, {k: k for k in keys}, value))
        rewriter.replace(op, [*out.ops, as_tensor(renamed, type, op.layout)])


@dataclass
class ConvertWeight(RewritePattern):
    """ten.weight @w at %layer -> the layer's rows of scan @w, one for each element or chunk"""

    tables: Tables

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.WeightOp, rewriter: PatternRewriter, /):
        out = Emitter()
        type, layout = ten.tensor(op.result), op.layout or LayoutAttr(Storage.ROWS)
        names, extents = axis_names(op.result), list(type.get_shape())
        values = {"v": chunked_element(extents, layout, type.get_element_type())}
        if layout.is_packed:
            extents[0] = -(-extents[0] // layout.lanes.data)
            values["s"] = VectorType(f32, [layout.columns.data * layout.lanes.data])
        keys = dict(zip(names, extents, strict=True))
        if (parts := layout.parts.data) != 1:
            keys = parted_keys(keys, layout)
            values = dict.fromkeys(part_columns(parts), values["v"])
        keys = {**layer_keys(op.layers), **keys}
        schema = RelationType(keys, values)
        name = op.symbol.string_value()
        sources = [source.data for source in op.sources]
        filling = (sources, layout, op.gain)
        table = rel.TableOp(name, TableKind.WEIGHT, schema, *filling, transforms=op.transforms)
        schema = self.tables.declare(table)
        relation = out.emit(rel.ScanOp(name, schema))
        if op.layer is not None:
            relation = of_layer(out, op.layer, relation, [name for name in names if name in keys])
        rewriter.replace(op, [*out.ops, as_tensor(relation, type, layout)])


def parted_keys(keys: Mapping[str, int], layout: LayoutAttr) -> dict[str, int]:
    """The keys of a table in parts: of the axis that these are of, if a part has more than one."""
    parted = list(keys)[layout.parted.data]
    extents = {**keys, parted: keys[parted] // layout.parts.data}
    return {name: n for name, n in extents.items() if name != parted or layout.parted.data == 0}


class ConvertConstant(RewritePattern):
    """ten.constant -> rel.values, with booleans as numbers that are compared with 0"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.ConstantOp, rewriter: PatternRewriter, /):
        type = ten.tensor(op.result)
        keys = dict(zip(axis_names(op.result), type.get_shape(), strict=True))
        values = [v for v in op.value.get_values() if not isinstance(v, tuple)]
        stored = type.get_element_type()
        if stored == i1:
            numbers = rel.ValuesOp([abs(v) for v in values], RelationType(keys, {"v": i64}))
            truth = {"v": call("ne", col("v"), lit(0))}
            relation = rel.ProjectOp(numbers, {name: name for name in keys}, truth)
            rewriter.replace(op, [numbers, relation, as_tensor(relation, type)])
            return
        element: Attribute = stored if stored not in (f32, f64) else f64
        relation = rel.ValuesOp(values, RelationType(keys, {"v": element}))
        rewriter.replace(op, [relation, as_tensor(relation, type)])


@dataclass
class ConvertAppend(RewritePattern):
    """ten.append %k to @keys at %layer -> insert the rows, numbered by layer, into @keys"""

    tables: Tables

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.AppendOp, rewriter: PatternRewriter, /):
        out = Emitter()
        keys = [name.data for name in op.keys]
        self.tables.declare(state_table(op, ten.tensor(op.input)))
        if op.layout is not None and op.layout.is_chunked:
            axis, size = keys[op.layout.axis.data], op.layout.size.data
            rows = out.chunks(op.input, keys, axis, size, "v")
        else:
            rows = out.rows(op.input, keys)
        assigned = [key(name) for name in keys]
        if op.layer is not None and op.layers is not None:
            number = number_of(op.layer)
            assigned.insert(0, AssignmentAttr(LAYER, number, op.layers.value.data))
        numbered = out.emit(rel.ProjectOp(rows, assigned, {"v": col("v")}))
        rewriter.replace(op, [*out.ops, rel.InsertOp(numbered, op.state.string_value())], [])


@dataclass
class ConvertRead(RewritePattern):
    """ten.read @keys at %layer -> the layer's rows of scan @keys"""

    tables: Tables

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.ReadOp, rewriter: PatternRewriter, /):
        out = Emitter()
        type = ten.tensor(op.result)
        schema = self.tables.declare(state_table(op, type))
        relation = out.emit(rel.ScanOp(op.state.string_value(), schema))
        if op.layer is not None:
            relation = of_layer(out, op.layer, relation, [name.data for name in op.keys])
        rewriter.replace(op, [*out.ops, as_tensor(relation, type, op.layout)])


def state_table(op: ten.AppendOp | ten.ReadOp, type: ten.Tensor) -> rel.TableOp:
    """The table of a state: one row for each layer, row of the context, and further index."""
    extents = [DYNAMIC_INDEX, *type.get_shape()[1:]]
    element = chunked_element(extents, op.layout)
    keys = dict(zip([name.data for name in op.keys], extents, strict=True))
    schema = RelationType({**layer_keys(op.layers), **keys}, {"v": element})
    name = op.state.string_value()
    return rel.TableOp(name, TableKind.STATE, schema, layout=op.layout)


def chunked_element(
    extents: list[int], layout: LayoutAttr | None, scalar: Attribute = f32
) -> Attribute:
    """What a row holds, a scalar or a chunk; the chunked axis of `extents` counts chunks then."""
    if layout is None or not layout.is_chunked:
        return scalar
    axis, size = layout.axis.data, layout.size.data
    extents[axis] = -(-extents[axis] // size)
    stored = {Storage.LANES: i64, Storage.DOUBLES: f64, Storage.HALVES: f16}
    return VectorType(stored.get(Storage(layout.storage.data), f32), [size])


@dataclass
class ConvertOutput(RewritePattern):
    """ten.output %y to @logits -> insert y into @logits"""

    tables: Tables

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.OutputOp, rewriter: PatternRewriter, /):
        out = Emitter()
        type, name = ten.tensor(op.input), op.table.string_value()
        keys = [key.data for key in op.keys]
        rows = out.rows(op.input, keys)
        extents = dict(zip(keys, type.get_shape(), strict=True))
        value = rel.schema(rows).values
        schema = RelationType(extents, value, ten.is_sparse(type))
        self.tables.declare(rel.TableOp(name, TableKind.OUTPUT, schema))
        rewriter.replace(op, [*out.ops, rel.InsertOp(rows, name)], [])
