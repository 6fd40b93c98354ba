"""Vectors -> columns of their own (ROW2COL), where a table's layout stores them so."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntAttr, IntegerType, ModuleOp, VectorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import (
    PACKS,
    CallAttr,
    ColumnRefAttr,
    LiteralAttr,
    call,
    col,
    lit,
)
from tensorjoin.dialects.layout import Storage
from tensorjoin.dialects.rel import RelationType, schema
from tensorjoin.errors import TensorjoinError

IN_COLUMNS = (Storage.COLUMNS, Storage.LANES)
ZERO = lit(0.0)


def balanced(join: Callable[[int, Attribute, Attribute], Attribute], items: Sequence[Attribute]):
    """Fold items by a tree of logarithmic depth; `join` also gets the index where it splits."""

    def fold(start: int, end: int) -> Attribute:
        if end - start == 1:
            return items[start]
        middle = (start + end) // 2
        return join(middle, fold(start, middle), fold(middle, end))

    return fold(0, len(items))


def column(name: str, index: int) -> str:
    return f"{name}_{index}"


def expand_types(columns: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """v: vector<2xf32> -> v_0: f32, v_1: f32"""
    expanded: dict[str, Attribute] = {}
    for name, type in columns.items():
        if isinstance(type, VectorType):
            (size,) = type.get_shape()
            expanded |= {column(name, k): type.get_element_type() for k in range(size)}
        else:
            expanded[name] = type
    return expanded


def expand_relation(type: RelationType) -> RelationType:
    return RelationType(type.extents, expand_types(type.values), type.is_sparse)


def has_vectors(type: RelationType) -> bool:
    return any(isinstance(t, VectorType) for t in type.values.values())


def elements(vector: Attribute, size: int, zero: Attribute = ZERO) -> list[Attribute]:
    """The elements of an expression that is a vector, each an expression."""
    match vector:
        case ColumnRefAttr():
            return [col(column(vector.column.data, k)) for k in range(size)]
        case CallAttr() if vector.function.data in PACKS:
            value, slot, _ = vector.arguments
            here = [call("if", call("eq", slot, lit(k)), value, zero) for k in range(size)]
            return [call("sum", element) for element in here]
        case _:
            raise TensorjoinError(f"no columns for the vector {vector}")


def expand(expression: Attribute, sizes: Mapping[str, int]) -> Attribute:
    """dot(x, w) -> x_0 * w_0 + x_1 * w_1 + ...; element(v, k) -> one of v_0, v_1, ..."""
    if not isinstance(expression, CallAttr):
        return expression
    arguments = expression.arguments.data
    match expression.function.data:
        case "dot":
            size = vector_size(arguments[0], sizes)
            pairs = zip(elements(arguments[0], size), elements(arguments[1], size), strict=True)
            products = [call("mul", x, w) for x, w in pairs]
            return balanced(lambda _, x, y: call("add", x, y), products)
        case "element":
            vector, index = arguments
            columns = elements(vector, vector_size(vector, sizes))
            if isinstance(index, LiteralAttr) and isinstance(index.value, IntAttr):
                return columns[index.value.data]
            return balanced(
                lambda middle, x, y: call("if", call("lt", index, lit(middle)), x, y), columns
            )
        case function:
            return call(function, *(expand(argument, sizes) for argument in arguments))


def vector_size(vector: Attribute, sizes: Mapping[str, int]) -> int:
    if isinstance(vector, ColumnRefAttr) and vector.column.data in sizes:
        return sizes[vector.column.data]
    raise TensorjoinError(f"no columns for the vector {vector}")


def expand_values(
    op: rel.ProjectOp | rel.AggregateOp, sizes: Mapping[str, int]
) -> dict[str, Attribute]:
    """The columns that the op computes, each vector as its elements."""
    types = schema(op.result).values
    values: dict[str, Attribute] = {}
    for name, expression in rel.expressions(op.values).items():
        if isinstance(type := types[name], VectorType):
            (size,) = type.get_shape()
            zero = lit(0) if isinstance(type.get_element_type(), IntegerType) else ZERO
            parts = elements(expression, size, zero)
            values |= {column(name, k): part for k, part in enumerate(parts)}
        else:
            values[name] = expand(expression, sizes)
    return values


class ExpandTable(RewritePattern):
    """rel.table ... v: vector<2xf32> -> rel.table ... v_0: f32, v_1: f32"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.TableOp, rewriter: PatternRewriter, /):
        if has_vectors(op.schema):
            op.properties["schema"] = expand_relation(op.schema)
            rewriter.notify_op_modified(op)


@dataclass
class ExpandOperator(RewritePattern):
    """An operator on vectors -> the same on their elements"""

    sizes: dict[SSAValue, dict[str, int]]
    """The vectors that each relation had before it was expanded."""

    @op_type_rewrite_pattern
    def match_and_rewrite(
        self,
        op: rel.ScanOp | rel.ProjectOp | rel.SelectOp | rel.JoinOp | rel.UnionOp | rel.AggregateOp,
        rewriter: PatternRewriter,
        /,
    ):
        sizes = {n: s for operand in op.operands for n, s in self.sizes.get(operand, {}).items()}
        old = schema(op.result)
        if not sizes and not has_vectors(old):
            return
        new = self.rebuild(op, sizes)
        self.sizes[new.results[0]] = {
            name: type.get_shape()[0]
            for name, type in old.values.items()
            if isinstance(type, VectorType)
        }
        rewriter.replace(op, new)

    def rebuild(
        self,
        op: rel.ScanOp | rel.ProjectOp | rel.SelectOp | rel.JoinOp | rel.UnionOp | rel.AggregateOp,
        sizes: Mapping[str, int],
    ) -> Operation:
        match op:
            case rel.ScanOp():
                return rel.ScanOp(op.table.string_value(), expand_relation(schema(op.result)))
            case rel.ProjectOp():
                return rel.ProjectOp(op.input, op.keys.data, expand_values(op, sizes))
            case rel.SelectOp():
                return rel.SelectOp(op.input, op.condition)
            case rel.JoinOp():
                return rel.JoinOp(op.inputs)
            case rel.UnionOp():
                return rel.UnionOp(op.inputs, expand_relation(schema(op.result)))
            case rel.AggregateOp():
                by = [name.data for name in op.by]
                return rel.AggregateOp(op.input, by, expand_values(op, sizes), bool(op.total))


@dataclass(frozen=True)
class ExpandVectorsPass(ModulePass):
    """Spell vectors out as columns if the layout of a table stores them so."""

    name = "expand-vectors"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        tables = [table for table in op.ops if isinstance(table, rel.TableOp)]
        if any(t.layout and t.layout.storage.data in IN_COLUMNS for t in tables):
            PatternRewriteWalker(
                GreedyRewritePatternApplier([ExpandTable(), ExpandOperator({})]),
                apply_recursively=False,
            ).rewrite_module(op)
