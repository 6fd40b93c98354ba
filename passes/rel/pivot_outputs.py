"""Outputs -> the columns of one relation with a row for each example."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import IntegerType, ModuleOp, i1
from xdsl.ir import Attribute, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import call, col, lit
from tensorjoin.dialects.rel import RelationType, TableKind, schema
from tensorjoin.passes.rel.vectorize_rows import ROW
from tensorjoin.passes.ten_to_rel.shape import flatten

RESULT = "result"
"""The table that the outputs become."""


def column_names(name: str, count: int) -> list[str]:
    """One column for each element of an output: y, or y_0, y_1, ..."""
    return [name] if count == 1 else [f"{name}_{number}" for number in range(count)]


@dataclass(frozen=True)
class PivotOutputsPass(ModulePass):
    """
    Make one relation of all outputs, with a row for each example and a column for each element.

    insert y [row, a, b] into @output.y -> insert (aggregate by [row] {y_0 = ..., y_1 = ...}) into
    @result, all outputs joined on their row
    """

    name = "pivot-outputs"
    requires = frozenset({"rows of examples"})

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        outputs = {
            table.sym_name.data: table
            for table in op.ops
            if isinstance(table, rel.TableOp) and table.kind.data is TableKind.OUTPUT
        }
        (function,) = (inner for inner in op.ops if isinstance(inner, func.FuncOp))
        block = function.body.block
        inserts = [inner for inner in block.ops if isinstance(inner, rel.InsertOp)]
        pieces: list[SSAValue] = []
        for insert in inserts:
            name = insert.table.string_value()
            wide = pivoted(insert.input, name.partition(".")[2])
            Rewriter.insert_op(wide, InsertPoint.before(insert))
            pieces.append(wide[-1].results[0])
            Rewriter.erase_op(insert)
            Rewriter.erase_op(outputs[name])
        last = block.last_op
        assert last is not None
        joined = pieces[0]
        if len(pieces) > 1:
            Rewriter.insert_op(join := rel.JoinOp(pieces), InsertPoint.before(last))
            joined = join.result
        Rewriter.insert_op(rel.InsertOp(joined, RESULT), InsertPoint.before(last))
        table = rel.TableOp(RESULT, TableKind.OUTPUT, schema(joined))
        Rewriter.insert_op(table, InsertPoint.at_start(op.body.block))


def pivoted(relation: SSAValue, name: str) -> "list[rel.ProjectOp | rel.AggregateOp]":
    """The columns of one output."""
    type: RelationType = schema(relation)
    extents = {key: extent for key, extent in type.extents.items() if key != ROW}
    count = prod(extents.values())
    value: Attribute = call("truth", col("v")) if type.values["v"] == i1 else col("v")
    names = column_names(name, count)
    if count == 1:
        return [rel.ProjectOp(relation, {ROW: ROW}, {names[0]: value})]
    place = flatten([(col(key), extent) for key, extent in extents.items()])
    zero = lit(0) if isinstance(type.values["v"], IntegerType) else lit(0.0)
    columns: Mapping[str, Attribute] = {
        column: call("sum", call("if", call("eq", place, lit(number)), value, zero))
        for number, column in enumerate(names)
    }
    return [rel.AggregateOp(relation, [ROW], columns)]
