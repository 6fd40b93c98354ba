"""Vectors -> columns of their own, numbers or shorter vectors, where a table stores them so."""

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerType, ModuleOp, VectorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.utils.hints import isa

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import PACKS, CallAttr, ColumnRefAttr, col, lit
from tensorjoin.dialects.rel import RelationType, schema
from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.rel.patterns.cut_expressions import (
    column,
    columns,
    elements,
    expand,
    slices,
)
from tensorjoin.passes.rel.patterns.cuts import Cut, Cuts

ZERO = lit(0.0)


@dataclass(frozen=True)
class Expansion:
    """What vectors become in a module."""

    cuts: Cuts

    def of(self, type: RelationType) -> dict[str, Cut]:
        """The columns of a relation that are cut."""
        cuts = {name: self.cuts.of(column) for name, column in type.values.items()}
        return {name: cut for name, cut in cuts.items() if cut}

    def relation(self, type: RelationType) -> RelationType:
        """v: vector<2xf32> -> v_0: f32, v_1: f32"""
        expanded: dict[str, Attribute] = {}
        for name, old in type.values.items():
            if isa(old, VectorType) and (cut := self.cuts.of(old)):
                scalar: Attribute = old.get_element_type()
                new = VectorType(scalar, [cut.vector]) if cut.vector else scalar
                expanded |= {column(name, k): new for k in range(cut.columns)}
            else:
                expanded[name] = old
        return RelationType(type.extents, expanded, type.is_sparse)


@dataclass
class ExpandTable(RewritePattern):
    """rel.table ... v: vector<2xf32> -> rel.table ... v_0: f32, v_1: f32"""

    expansion: Expansion

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.TableOp, rewriter: PatternRewriter, /):
        if not (cuts := self.expansion.of(op.schema)):
            return
        if op.layout is not None:
            (cut, *_) = cuts.values()
            op.layout = cut.applied(op.layout)
        op.properties["schema"] = self.expansion.relation(op.schema)
        rewriter.notify_op_modified(op)


@dataclass
class ExpandOperator(RewritePattern):
    """An operator on vectors -> the same on their elements"""

    expansion: Expansion
    cuts: dict[SSAValue, dict[str, Cut]]
    """The vectors that each relation had before it was expanded."""

    @op_type_rewrite_pattern
    def match_and_rewrite(
        self,
        op: rel.ScanOp | rel.ProjectOp | rel.SelectOp | rel.JoinOp | rel.UnionOp | rel.AggregateOp,
        rewriter: PatternRewriter,
        /,
    ):
        read = {n: cut for operand in op.operands for n, cut in self.cuts.get(operand, {}).items()}
        made = self.expansion.of(schema(op.result))
        if not read and not made:
            return
        new = self.rebuild(op, read, made)
        self.cuts[new[-1].results[0]] = made
        rewriter.replace(op, new)

    def rebuild(
        self,
        op: rel.ScanOp | rel.ProjectOp | rel.SelectOp | rel.JoinOp | rel.UnionOp | rel.AggregateOp,
        read: Mapping[str, Cut],
        made: Mapping[str, Cut],
    ) -> list[Operation]:
        type = self.expansion.relation(schema(op.result))
        match op:
            case rel.ScanOp():
                return [rel.ScanOp(op.table.string_value(), type)]
            case rel.ProjectOp():
                values = projected(rel.expressions(op.values), read, made)
                return [rel.ProjectOp(op.input, op.keys.data, values)]
            case rel.SelectOp():
                return [rel.SelectOp(op.input, op.condition)]
            case rel.JoinOp():
                return [rel.JoinOp(op.inputs)]
            case rel.UnionOp():
                return [rel.UnionOp(op.inputs, type)]
            case rel.AggregateOp():
                return aggregated(op, read, made)


def projected(
    values: Mapping[str, Attribute], read: Mapping[str, Cut], made: Mapping[str, Cut]
) -> dict[str, Attribute]:
    """What a projection computes, each vector that it passes on as its columns."""
    expanded: dict[str, Attribute] = {}
    for name, expression in values.items():
        if (cut := made.get(name)) is None:
            expanded[name] = expand(expression, read)
        elif isinstance(expression, ColumnRefAttr):
            passed = columns(expression.column.data, cut)
            expanded |= {column(name, k): each for k, each in enumerate(passed)}
        else:
            raise TensorjoinError(f"no columns for the vector {expression}")
    return expanded


def aggregated(
    op: rel.AggregateOp, read: Mapping[str, Cut], made: Mapping[str, Cut]
) -> list[Operation]:
    """
    An aggregate that packs each element of a vector, or whole vectors that a projection cuts: to
    pack each shorter one takes a sort of its own.
    """
    types = schema(op.result).values
    packed: dict[str, Attribute] = {}
    cut_after: dict[str, Attribute] = {}
    for name, expression in rel.expressions(op.values).items():
        cut = made.get(name)
        if cut is None:
            packed[name] = expand(expression, read)
            cut_after[name] = col(name)
            continue
        if not isinstance(expression, CallAttr) or expression.function.data not in PACKS:
            raise TensorjoinError(f"no columns for the vector {expression}")
        if cut.vector:
            packed[name] = expression
            parts = slices(col(name), cut)
        else:
            value, slot, _ = expression.arguments
            vector = types[name]
            assert isinstance(vector, VectorType)
            is_whole = isinstance(vector.get_element_type(), IntegerType)
            packs = [value]
            if isinstance(value, ColumnRefAttr) and (part := read.get(value.column.data)):
                packs = columns(value.column.data, part)
            parts = elements(packs, slot, cut.size, lit(0) if is_whole else ZERO)
            packed |= {column(name, k): part for k, part in enumerate(parts)}
            parts = columns(name, cut)
        cut_after |= {column(name, k): part for k, part in enumerate(parts)}
    by = [name.data for name in op.by]
    aggregate = rel.AggregateOp(op.input, by, packed, bool(op.total))
    if packed.keys() == cut_after.keys():
        return [aggregate]
    return [aggregate, rel.ProjectOp(aggregate, {name: name for name in by}, cut_after)]


@dataclass(frozen=True)
class ExpandVectorsPass(ModulePass):
    """
    Spell vectors out as columns if the layout of a table stores them so.

        rel.table weight @w : <[o: 5, i: 2], v: vector<3xf32>> from ["w"] layout <columns 1 by 3>
        %a = rel.aggregate %s by [p, i] {x0 = pack(v, slot, 3)}
        %y = rel.aggregate total %j by [p, o] {v = sum(dot(x0, x1))}
    becomes
        rel.table weight @w : <[o: 5, i: 2], v_0: f32, v_1: f32, v_2: f32> from ["w"]
        %a = rel.aggregate %s by [p, i] {x0_0 = sum(if(eq(slot, 0), v, 0.0)), x0_1 = ...
        %y = rel.aggregate total %j by [p, o] {v = sum(add(mul(x0_0, x1_0), add(mul(x0_1, x1_1), ...

    All vectors of a module become numbers if one table has columns of numbers. Pivoted tables cut
    vectors of their size alone, into shorter vectors: there the operand is packed whole and cut by
    `slice`, and `dot` becomes a sum of dot products. Vectors meet only vectors of their size, so
    that one decision for a size suffices (`Cuts`). See
    docs/notes/layouts.md#packing-and-cutting-vectors.
    """

    name = "expand-vectors"
    requires = frozenset({"vectors packed in steps"})

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        cuts = Cuts.of_tables(table for table in op.ops if isinstance(table, rel.TableOp))
        if cuts.pivoted or cuts.others:
            expansion = Expansion(cuts)
            PatternRewriteWalker(
                GreedyRewritePatternApplier(
                    [ExpandTable(expansion), ExpandOperator(expansion, {})]
                ),
                apply_recursively=False,
            ).rewrite_module(op)
