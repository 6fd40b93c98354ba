"""A loop over relations -> one recursive relation, planned once for all rounds."""

from dataclasses import dataclass, field
from itertools import chain

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.rewriter import InsertPoint

from tensorjoin.context import profile_of
from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import call, col, lit
from tensorjoin.dialects.rel import AssignmentAttr, RelationType, schema
from tensorjoin.passes.rel.analysis.rounds import bound, has_form, is_of_floats, is_of_round, reads
from tensorjoin.passes.rel.patterns.tagged import Tagged


class LoopToRecursion(RewritePattern):
    """rel.for carrying (%x) {... insert %k into @t ...} -> rel.recurse (%x and the rows of @t)"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.ForOp, rewriter: PatternRewriter, /):
        counter, count = op.counter.data, op.count.value.data
        carried = [schema(value) for value in op.inputs]
        inserts = [each for each in op.body.block.ops if isinstance(each, rel.InsertOp)]
        tables = [each.table.string_value() for each in inserts]
        if not all(has_form(each, counter, set(tables)) for each in op.body.block.ops):
            return
        inserted = [without(schema(each.input), counter) for each in inserts]
        if not (carried and count) or not all(map(is_of_floats, (*carried, *inserted))):
            return
        if any(counter in type.types for type in carried):
            return
        # The number of the round is a row of its own: without it, a round makes no rows.
        tagged = Tagged([*carried, *inserted, RelationType({}, {})], counter, count)
        first = rel.RangeOp(counter, 1)
        number = len(tagged.types) - 1
        starts = [tagged.encode(k, value) for k, value in enumerate(op.inputs)]
        start = tagged.union([*starts, tagged.encode(number, first.result)])
        start.append(tagged.of_round(start[-1], lit(0)))
        recursion = rel.RecurseOp(start[-1], [Round(op, tagged, rewriter).block()])
        finals = [tagged.decode(k, recursion.result, last=True) for k in range(len(carried))]
        # The rows of round 0 make those of round 1.
        of_round = {counter: call("sub", col(counter), lit(1))}
        rows = [
            tagged.decode(k, recursion.result, numbered=of_round)
            for k in range(len(carried), number)
        ]
        writes = [rel.InsertOp(ops[-1], table) for ops, table in zip(rows, tables, strict=True)]
        ops = [first, *start, recursion, *chain(*rows), *writes, *chain(*finals)]
        rewriter.replace(op, ops, [ops[-1].results[0] for ops in finals])


def without(type: RelationType, key: str) -> RelationType:
    extents = {name: extent for name, extent in type.extents.items() if name != key}
    return RelationType(extents, type.values, type.is_sparse)


@dataclass
class Round:
    """The body of a loop as that of a recursion: what it reads and makes is in one relation."""

    loop: rel.ForOp
    tagged: Tagged
    rewriter: PatternRewriter
    inserted: dict[str, list[SSAValue]] = field(default_factory=dict[str, list[SSAValue]])
    """The rows that the round inserts into each table, without its number."""

    def block(self) -> Block:
        """The body, taken out of the loop."""
        block, counter, tagged = self.loop.body.block, self.loop.counter.data, self.tagged
        last, ops = block.last_op, list(block.ops)
        assert isinstance(last, rel.YieldOp)
        state = block.insert_arg(tagged.type, 0)
        number = tagged.decode(len(tagged.types) - 1, state, numbered={counter: col(counter)})
        starts = [tagged.decode(k, state) for k in range(len(block.args) - 1)]
        self.rewriter.insert([*number, *chain(*starts)], InsertPoint.at_start(block))
        for argument, start in zip(list(block.args)[1:], starts, strict=True):
            argument.replace_all_uses_with(start[-1].results[0])
            block.erase_arg(argument)
        current = number[-1].results[0]
        made = list(last.inputs)
        numbering = {op.input.owner for op in ops if isinstance(op, rel.InsertOp)}
        for op in ops:
            if isinstance(op, rel.InsertOp):
                made.append(self.insert(op))
            elif op not in numbering:
                self.convert(op, current)
        next_round = call("add", col(counter), lit(1))
        is_left = call("lt", next_round, lit(self.loop.count.value.data))
        left = rel.SelectOp(current, is_left)
        union = tagged.union([tagged.encode(k, v) for k, v in enumerate([*made, left.result])])
        numbered = rel.JoinOp([union[-1], current])
        result = tagged.of_round(numbered, next_round)
        self.rewriter.replace(last, [left, *union, numbered, result, rel.YieldOp(result)])
        return self.loop.body.detach_block(0)

    def insert(self, op: rel.InsertOp) -> SSAValue:
        """Take an insertion out; what it inserts, without the number of the round."""
        made = op.input.owner
        assert isinstance(made, rel.ProjectOp)
        keys = [key for key in made.keys if key.target.data != self.loop.counter.data]
        rows = rel.ProjectOp(made.input, keys, rel.expressions(made.values))
        self.inserted.setdefault(op.table.string_value(), []).append(rows.result)
        self.rewriter.erase(op)
        self.rewriter.replace(made, rows)
        return rows.result

    def convert(self, op: Operation, current: SSAValue) -> None:
        """Have an operator take the number of the round from `current`."""
        counter = self.loop.counter.data
        match op:
            case rel.SelectOp() if is_of_round(op, counter):
                rows: list[Operation] = [rel.JoinOp([op.input, current])]
                scan = op.input.owner
                table = scan.table.string_value() if isinstance(scan, rel.ScanOp) else ""
                if added := self.inserted.get(table):
                    type = without(schema(op.result), counter)
                    keys = {key: key for key in type.extents}
                    old = rel.ProjectOp(rows[0], keys, {name: col(name) for name in type.values})
                    rows += [old, rel.UnionOp([old, *added], type)]
                self.rewriter.replace(op, rows)
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
    once, and its operators set up once. The functions called `keep` keep their loops, whose
    statements run on several threads.
    """

    name = "loops-to-recursion"

    target: str = ""
    keep: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if not profile_of(ctx, self.target).recurses:
            return
        for function in op.ops:
            if isinstance(function, FuncOp) and function.sym_name.data != self.keep:
                PatternRewriteWalker(LoopToRecursion()).rewrite_region(function.body)
