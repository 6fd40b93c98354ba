"""Reshapes and slices that do nothing, or follow each other."""

from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from tensorjoin.dialects import ten
from tensorjoin.dialects.ten import tensor


class ReshapeOfReshape(RewritePattern):
    """reshape(reshape(x)) -> reshape(x)"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.ReshapeOp, rewriter: PatternRewriter, /):
        if isinstance(inner := op.input.owner, ten.ReshapeOp):
            rewriter.replace(op, ten.ReshapeOp(inner.input, tensor(op.result)))


class SameShape(RewritePattern):
    """reshape or slice of x to the type of x -> x"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.ReshapeOp | ten.SliceOp, rewriter: PatternRewriter, /):
        if op.input.type == op.result.type:
            rewriter.replace(op, [], [op.input])


class SliceOfSlice(RewritePattern):
    """slice(slice(x) from 8) from 2, of one axis -> slice(x) from 10"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.SliceOp, rewriter: PatternRewriter, /):
        if isinstance(inner := op.input.owner, ten.SliceOp) and inner.axis == op.axis:
            offset = inner.offset.value.data + op.offset.value.data
            rewriter.replace(
                op, ten.SliceOp(inner.input, op.axis.value.data, offset, tensor(op.result))
            )
