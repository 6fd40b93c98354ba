"""A map of a map -> one map."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.rewriter import InsertPoint

from tensorjoin.dialects import ten
from tensorjoin.dialects.ten import parse_indices, tensor


def occurrences(body: Block, argument: SSAValue) -> int:
    """How often an argument stands in the expression that a map's body is when written out."""
    counts = {argument: 1}
    for op in body.ops:
        count = sum(counts.get(operand, 0) for operand in op.operands)
        if isinstance(op, ten.YieldOp):
            return count
        counts |= dict.fromkeys(op.results, count)
    return 0


class MergeInputs(RewritePattern):
    """ten.map "pi,pi->pi" (%x, %x) {^bb0(%a, %b)} -> ten.map "pi->pi" (%x) {^bb0(%a)}"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.MapOp, rewriter: PatternRewriter, /):
        labels, result = parse_indices(op.indices.data)
        named = list(zip(op.inputs, labels, strict=True))
        if len(unique := list(dict.fromkeys(named))) == len(named):
            return
        body = rewriter.move_region_contents_to_new_regions(op.body)
        for place, argument in reversed(list(enumerate(body.block.args))):
            if (first := named.index(named[place])) < place:
                argument.replace_all_uses_with(body.block.args[first])
                body.block.erase_arg(argument)
        indices = f"{','.join(letters for _, letters in unique)}->{result}"
        inputs = [value for value, _ in unique]
        rewriter.replace(op, ten.MapOp(indices, inputs, tensor(op.result), body))


class FuseProducer(RewritePattern):
    """ten.map "pi,i->pi" (ten.map "pi,p->pi" (%x, %s), %g) -> ten.map "pi,p,i->pi" (%x, %s, %g)"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.MapOp, rewriter: PatternRewriter, /):
        labels, result = parse_indices(op.indices.data)
        for place, letters in enumerate(labels):
            producer = op.inputs[place].owner
            if (
                isinstance(producer, ten.MapOp)
                and producer.parent is op.parent
                and producer.result.has_one_use()
                and set(letters) == set(result)
                and occurrences(op.body.block, op.body.block.args[place]) <= 1
            ):
                return self.fuse(op, place, producer, rewriter)

    def fuse(
        self, op: ten.MapOp, place: int, producer: ten.MapOp, rewriter: PatternRewriter
    ) -> None:
        """Splice the inputs and the body of the producer in where its result was."""
        labels, result = parse_indices(op.indices.data)
        producer_labels, producer_result = parse_indices(producer.indices.data)
        renaming = str.maketrans(producer_result, labels[place])
        labels[place : place + 1] = [letters.translate(renaming) for letters in producer_labels]
        inputs = [*op.inputs[:place], *producer.inputs, *op.inputs[place + 1 :]]

        body = rewriter.move_region_contents_to_new_regions(op.body)
        argument = body.block.args[place]
        spliced = [
            body.block.insert_arg(old.type, place + k)
            for k, old in enumerate(producer.body.block.args)
        ]
        start = body.block.first_op
        assert start is not None
        rewriter.inline_block(producer.body.block, InsertPoint.before(start), spliced)
        value = start.prev_op
        assert isinstance(value, ten.YieldOp)
        argument.replace_all_uses_with(value.value)
        body.block.erase_arg(argument)
        rewriter.erase(value)

        fused = ten.MapOp(f"{','.join(labels)}->{result}", inputs, tensor(op.result), body)
        rewriter.replace(op, fused)
        rewriter.erase(producer)


@dataclass(frozen=True)
class FuseElementwisePass(ModulePass):
    """
    Fuse maps that feed maps, where no scalar is then computed more often than before.

    A map stays apart if its result has another use or stands twice in the expression of its user,
    and if it is smaller than its user: the inverse root of a norm, one number for each row, would
    be computed again for each element of the row.
    """

    name = "fuse-elementwise"
    requires = frozenset({"hoisted factors"})

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        PatternRewriteWalker(
            GreedyRewritePatternApplier([MergeInputs(), FuseProducer()])
        ).rewrite_module(op)
