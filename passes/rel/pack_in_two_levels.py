"""
Vectors packed of many elements -> packed of shorter vectors, where each element is a column.

See docs/notes/rows.md#packing-a-whole-row.
"""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, VectorType
from xdsl.ir import Attribute
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.utils.hints import isa

from tensorjoin.context import profile_of
from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import PACKS, CallAttr, call, col, columns_of, lit
from tensorjoin.dialects.rel import AssignmentAttr, schema
from tensorjoin.tiling import LEAST_STEPPED, step_size

STEP = "step"
COMBINED = frozenset({"sum", "max", "min"})
"""Aggregates of a group that are the same of its parts."""


@dataclass
class PackInTwoLevels(RewritePattern):
    """
    aggregate %x by [p] {v = pack(a, slot, 288)} -> aggregate %x by [p, step] {v = pack(a, slot mod
    16, 16)}, aggregate by [p] {v = pack(v, step, 288)}

    Of n elements, each is looked at by the columns of a step, and each step by n columns.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.AggregateOp, rewriter: PatternRewriter, /):
        calls = {n: e for n, e in rel.expressions(op.values).items() if isinstance(e, CallAttr)}
        packs = {n: e for n, e in calls.items() if e.function.data in PACKS}
        others = {n: e for n, e in calls.items() if n not in packs}
        if any(e.function.data not in COMBINED for e in others.values()):
            return
        if len(calls) < len(op.values) or len({e.arguments.data[1:] for e in packs.values()}) != 1:
            return
        source, types = schema(op.input), schema(op.result).values
        (vector, *_) = (types[name] for name in packs)
        if not isa(vector, VectorType) or (size := vector.get_shape()[0]) < LEAST_STEPPED:
            return
        if STEP in source.types or any(
            isinstance(source.types.get(name), VectorType)
            for e in packs.values()
            for name in columns_of(e)
        ):
            return
        self.rewrite(op, packs, others, size, rewriter)

    def rewrite(
        self,
        op: rel.AggregateOp,
        packs: dict[str, CallAttr],
        others: dict[str, CallAttr],
        size: int,
        rewriter: PatternRewriter,
    ) -> None:
        source, length = schema(op.input), step_size(size)
        slot = next(iter(packs.values())).arguments.data[1]
        by = [name.data for name in op.by]
        steps = AssignmentAttr(STEP, call("idiv", slot, lit(length)), -(-size // length))
        keys = [AssignmentAttr(key, col(key), extent) for key, extent in source.extents.items()]
        stepped = rel.ProjectOp(op.input, [*keys, steps], {n: col(n) for n in source.values})
        place = call("mod", slot, lit(length))
        short: dict[str, Attribute] = {
            name: call(e.function.data, e.arguments.data[0], place, lit(length))
            for name, e in packs.items()
        }
        parts = rel.AggregateOp(stepped, [*by, STEP], {**short, **others})
        whole: dict[str, Attribute] = {
            name: call(e.function.data, col(name), col(STEP), lit(size))
            for name, e in packs.items()
        }
        combined = {name: call(e.function.data, col(name)) for name, e in others.items()}
        values = {name: {**whole, **combined}[name] for name in rel.expressions(op.values)}
        rewriter.replace(
            op, [stepped, parts, rel.AggregateOp(parts, by, values, op.total is not None)]
        )


@dataclass(frozen=True)
class PackInTwoLevelsPass(ModulePass):
    """
    Pack long vectors in two steps on targets that have none: there, each element of one is a column
    that looks at every row.
    """

    name = "pack-in-two-levels"
    establishes = frozenset({"vectors packed in steps"})

    target: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if not profile_of(ctx, self.target).vectors:
            PatternRewriteWalker(PackInTwoLevels(), apply_recursively=False).rewrite_module(op)
