"""A loop over relations becomes one recursive relation, which an engine plans once for all rounds."""

from dataclasses import dataclass, field
from itertools import chain

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.rewriter import InsertPoint

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import CallAttr, ParameterAttr, call, col, lit
from tensorjoin.dialects.rel import AssignmentAttr, RelationType, schema
from tensorjoin.passes.relational.tagged import Tagged
from tensorjoin.targets import target_profile


def bound(expression: Attribute, counter: str) -> Attribute:
    """The expression with the column `counter` in place of the parameter."""
    match expression:
        case ParameterAttr() if expression.parameter.data == counter:
            return col(counter)
        case CallAttr():
            arguments = (bound(argument, counter) for argument in expression.arguments)
            return CallAttr(expression.function.data, *arguments)
        case _:
            return expression


def is_of_round(op: Operation, counter: str) -> bool:
    """Whether an operator selects the rows whose key `counter` is the number of the round."""
    of_round = call("eq", col(counter), ParameterAttr(counter))
    return isinstance(op, rel.SelectOp) and op.condition == of_round


def has_form(op: Operation, counter: str, filled: set[str]) -> bool:
    """Whether a recursion has a form for an operator of a round that fills some tables."""
    match op:
        case rel.InsertOp():
            # The rows of a round carry its number, and are found by it.
            made = op.input.owner
            keys = rel.expressions(made.keys) if isinstance(made, rel.ProjectOp) else {}
            return keys.get(counter) == ParameterAttr(counter)
        case rel.ScanOp() if op.table.string_value() in filled:
            return all(is_of_round(use.operation, counter) for use in op.result.uses)
        case rel.ProjectOp() if counter in schema(op.input).types:
            return not reads(op, counter)
        case rel.ProjectOp():
            return True
        case _:
            return not op.regions and (is_of_round(op, counter) or not reads(op, counter))


def reads(op: Operation, counter: str) -> bool:
    """Whether an operator reads the parameter `counter`."""
    return any(bound(e, counter) != e for e in rel.all_expressions(op))


class LoopToRecursion(RewritePattern):
    """rel.for carrying (%x) {... insert %k into @t ...} -> rel.recurse (%x and the rows of @t)"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.ForOp, rewriter: PatternRewriter, /):
        counter, count = op.counter.data, op.count.value.data
        carried = [schema(value) for value in op.inputs]
        inserts = [each for each in op.body.block.ops if isinstance(each, rel.InsertOp)]
        inserted = [schema(each.input) for each in inserts]
        tables = [each.table.string_value() for each in inserts]
        if not carried or any(len(type.values) != 1 for type in (*carried, *inserted)):
            return
        if any(counter in type.types for type in carried):
            return
        if not all(has_form(each, counter, set(tables)) for each in op.body.block.ops):
            return
        # The number of the round is a row of its own: without it, a round makes no rows.
        round = RelationType({counter: count}, {})
        tagged = Tagged([*carried, *inserted, round], counter, count)
        first = rel.RangeOp(counter, 1)
        starts = [tagged.encode(k, value, lit(0)) for k, value in enumerate(op.inputs)]
        starts.append(tagged.encode(len(tagged.types) - 1, first.result, col(counter)))
        start = rel.UnionOp([ops[-1] for ops in starts], tagged.type)
        recursion = rel.RecurseOp(start, [Round(op, tagged, rewriter).block()])
        finals = [tagged.decode(k, recursion.result, count) for k in range(len(carried))]
        rows = [
            tagged.decode(k, recursion.result) for k in range(len(carried), len(tagged.types) - 1)
        ]
        writes = [rel.InsertOp(ops[-1], table) for ops, table in zip(rows, tables, strict=True)]
        ops = [first, *chain(*starts), start, recursion, *chain(*rows), *writes, *chain(*finals)]
        rewriter.replace(op, ops, [ops[-1].results[0] for ops in finals])


@dataclass
class Round:
    """The body of a loop as that of a recursion: what it reads and makes is in one relation."""

    loop: rel.ForOp
    tagged: Tagged
    rewriter: PatternRewriter
    inserted: list[rel.InsertOp] = field(default_factory=list[rel.InsertOp])
    """The insertions so far, each of rows that have the number of the round."""

    def block(self) -> Block:
        """The body, taken out of the loop."""
        block, counter, tagged = self.loop.body.block, self.loop.counter.data, self.tagged
        last, ops = block.last_op, list(block.ops)
        assert isinstance(last, rel.YieldOp)
        state = block.insert_arg(tagged.type, 0)
        number = tagged.decode(len(tagged.types) - 1, state)
        starts = [tagged.decode(k, state) for k in range(len(block.args) - 1)]
        self.rewriter.insert([*number, *chain(*starts)], InsertPoint.at_start(block))
        for argument, start in zip(list(block.args)[1:], starts, strict=True):
            argument.replace_all_uses_with(start[-1].results[0])
            block.erase_arg(argument)
        current = number[-1].results[0]
        for op in ops:
            self.convert(op, current)
        next_round = call("add", col(counter), lit(1))
        made: list[list[Operation]] = []
        for value in last.inputs:
            numbered = rel.JoinOp([value, current])
            made.append([numbered, *tagged.encode(len(made), numbered.result, next_round)])
        for insertion in self.inserted:
            made.append(tagged.encode(len(made), insertion.input, col(counter)))
            self.rewriter.erase(insertion)
        is_left = call("lt", next_round, lit(self.loop.count.value.data))
        left = rel.SelectOp(current, is_left)
        made.append([left, *tagged.encode(len(made), left.result, next_round)])
        union = rel.UnionOp([ops[-1] for ops in made], tagged.type)
        self.rewriter.replace(last, [*chain(*made), union, rel.YieldOp(union)])
        return self.loop.body.detach_block(0)

    def convert(self, op: Operation, current: SSAValue) -> None:
        """Have an operator take the number of the round from `current`."""
        counter = self.loop.counter.data
        match op:
            case rel.InsertOp():
                self.inserted.append(op)
            case rel.SelectOp() if is_of_round(op, counter):
                rows = rel.JoinOp([op.input, current])
                added = [
                    each.input
                    for each in self.inserted
                    if isinstance(scan := op.input.owner, rel.ScanOp) and each.table == scan.table
                ]
                union = [rel.UnionOp([rows, *added], schema(rows.result))] if added else []
                self.rewriter.replace(op, [rows, *union])
            case rel.ProjectOp() if reads(op, counter):
                numbered = rel.JoinOp([op.input, current])
                keys = [
                    AssignmentAttr(a.target.data, bound(a.expression, counter), a.extent.data)
                    for a in op.keys
                ]
                values = {n: bound(e, counter) for n, e in rel.expressions(op.values).items()}
                self.rewriter.replace(op, [numbered, rel.ProjectOp(numbered, keys, values)])
            case _:
                pass


@dataclass(frozen=True)
class LoopsToRecursionPass(ModulePass):
    """
    Have one statement run all rounds of a loop, where the engine has such recursions: it is planned
    once, and its operators set up once.
    """

    name = "loops-to-recursion"

    target: str = "duckdb"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if target_profile(self.target).recurses:
            PatternRewriteWalker(LoopToRecursion()).rewrite_module(op)
