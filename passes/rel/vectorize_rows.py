"""A program for one example -> the same program for each row of a table."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import DYNAMIC_INDEX, ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import col
from tensorjoin.dialects.rel import AssignmentAttr, RelationType, TableKind, schema
from tensorjoin.errors import TensorjoinError

ROW = "row"
"""The key that tells the rows of the table from each other."""


def with_row(type: RelationType) -> RelationType:
    return RelationType({ROW: DYNAMIC_INDEX, **type.extents}, type.values, type.is_sparse)


def has_row(value: SSAValue) -> bool:
    return ROW in schema(value).extents


@dataclass
class Vectorizer:
    """Gives relations that depend on an input the key of its rows; joins are natural."""

    inputs: set[str]

    def block(self, block: Block) -> None:
        for op in list(block.ops):
            replacement = self.vectorized(op)
            if replacement is not None and replacement is not op:
                Rewriter.replace_op(op, replacement, replacement.results)

    def vectorized(self, op: Operation) -> Operation | None:
        """The op for every row; itself, with its operands replaced, where it does not change."""
        match op:
            case rel.ScanOp() if op.table.string_value() in self.inputs:
                return rel.ScanOp(op.table.string_value(), with_row(schema(op.result)))
            case rel.SelectOp() if has_row(op.input):
                return rel.SelectOp(op.input, op.condition)
            case rel.ProjectOp() if has_row(op.input):
                row = AssignmentAttr(ROW, col(ROW))
                return rel.ProjectOp(op.input, [row, *op.keys], rel.expressions(op.values))
            case rel.JoinOp() if any(map(has_row, op.inputs)):
                return rel.JoinOp(op.inputs)
            case rel.AggregateOp() if has_row(op.input):
                by = [ROW, *(name.data for name in op.by)]
                total = op.total is not None
                return rel.AggregateOp(op.input, by, rel.expressions(op.values), total)
            case rel.WindowOp() if has_row(op.input):
                per = [ROW, *(name.data for name in op.partition)]
                return rel.WindowOp(op.input, per, op.ordering, rel.expressions(op.values))
            case rel.UnionOp() if any(map(has_row, op.inputs)):
                inputs = [self.of_every_row(input, op) for input in op.inputs]
                return rel.UnionOp(inputs, with_row(schema(op.result)))
            case rel.InsertOp():
                return rel.InsertOp(self.of_every_row(op.input, op), op.table.string_value())
            case rel.ForOp():
                raise TensorjoinError("a loop has no form for many rows")
            case _:
                return None

    def of_every_row(self, value: SSAValue, before: Operation) -> SSAValue:
        """A relation with the key, the same for every row if it did not depend on them."""
        if not has_row(value):
            joined = rel.JoinOp([self.every_row(before), value])
            Rewriter.insert_op(joined, InsertPoint.before(before))
            value = joined.result
        names = schema(value).extents
        if next(iter(names)) == ROW:
            return value
        ordered = {ROW: ROW, **{name: name for name in names if name != ROW}}
        values = {name: col(name) for name in schema(value).values}
        project = rel.ProjectOp(value, ordered, values)
        Rewriter.insert_op(project, InsertPoint.before(before))
        return project.result

    def every_row(self, before: Operation) -> SSAValue:
        """The numbers of the rows alone."""
        block = before.parent
        assert block is not None
        for op in block.ops:
            if isinstance(op, rel.ScanOp) and has_row(op.result):
                rows = rel.AggregateOp(op.result, [ROW], {})
                Rewriter.insert_op(rows, InsertPoint.before(before))
                return rows.result
        raise TensorjoinError("the model reads no input")


@dataclass(frozen=True)
class VectorizeRowsPass(ModulePass):
    """
    Compute for each row of the inputs what the program computes for one example.

    scan @x [i] -> scan @x [row, i], and every relation that depends on it: what a program computes
    for one example, it computes for each row of its inputs
    """

    name = "vectorize-rows"
    establishes = frozenset({"rows of examples"})

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        tables = [table for table in op.ops if isinstance(table, rel.TableOp)]
        inputs = {t.sym_name.data for t in tables if t.kind.data is TableKind.INPUT}
        for function in op.ops:
            if isinstance(function, func.FuncOp):
                for block in function.body.blocks:
                    Vectorizer(inputs).block(block)
        for table in tables:
            if table.kind.data in (TableKind.INPUT, TableKind.OUTPUT):
                table.properties["schema"] = with_row(table.schema)
