"""rank and running_sum as windows."""

from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from tensorjoin.dialects import rel, ten
from tensorjoin.dialects.expression import call, col, lit
from tensorjoin.passes.ten_to_rel.values import Emitter, as_tensor, axis_names


class ConvertRank(RewritePattern):
    """ten.rank %x axis 1 -> window(x) per [a] by [v, b] {rank = row_number()}"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.RankOp, rewriter: PatternRewriter, /):
        out = Emitter()
        names = axis_names(op.result)
        along = names[op.axis.value.data]
        rows = out.rows(op.input, names)
        others = [name for name in names if name != along]
        order = {"v": op.descending is not None, along: False}
        ranked = out.emit(rel.WindowOp(rows, others, order, {"rank": call("row_number")}))
        place = call("sub", col("rank"), lit(1))
        result = out.emit(rel.ProjectOp(ranked, {name: name for name in names}, {"v": place}))
        rewriter.replace(op, [*out.ops, as_tensor(result, ten.tensor(op.result))])


class ConvertRunningSum(RewritePattern):
    """ten.running_sum %x axis 1 -> window(x) per [a] by [b] {total = running_sum(v)}"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.RunningSumOp, rewriter: PatternRewriter, /):
        out = Emitter()
        names = axis_names(op.result)
        along = names[op.axis.value.data]
        rows = out.rows(op.input, names)
        others = [name for name in names if name != along]
        total = {"total": call("running_sum", col("v"))}
        summed = out.emit(rel.WindowOp(rows, others, {along: False}, total))
        keys = {name: name for name in names}
        type = ten.tensor(op.result)
        result = out.integral(out.emit(rel.ProjectOp(summed, keys, {"v": col("total")})), type)
        rewriter.replace(op, [*out.ops, as_tensor(result, type)])
