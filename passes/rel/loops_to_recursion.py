"""A loop over relations -> one recursive relation, planned once for all rounds."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Block, Operation, SSAValue
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
from tensorjoin.passes.rel.analysis.rounds import (
    Numbering,
    are_apart,
    bound,
    has_form,
    inserted,
    is_of_floats,
    reads,
    selected,
)
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
        if not all(are_apart(numberings(op, table)) for table in tables):
            return
        given = [each for op in inserts if (each := inserted(op, counter))]
        made = [without(schema(each.input), counter) for each in inserts]
        if not (carried and count) or not all(map(is_of_floats, (*carried, *made))):
            return
        if any(counter in type.types for type in carried):
            return
        # The number of the round is a row of its own: without it, a round makes no rows.
        tagged = Tagged([*carried, *made, RelationType({}, {})], counter, count)
        first = rel.RangeOp(counter, 1)
        number = len(tagged.types) - 1
        starts = [tagged.encode(k, value) for k, value in enumerate(op.inputs)]
        start = tagged.union([*starts, tagged.encode(number, first.result)])
        start.append(tagged.of_round(start[-1], lit(0)))
        recursion = rel.RecurseOp(start[-1], [Round(op, tagged, rewriter).block()])
        finals = [tagged.decode(k, recursion.result, last=True) for k in range(len(carried))]
        # The rows of round 0 make those of round 1.
        round = call("sub", col(counter), lit(1))
        rows = [
            tagged.decode(k, recursion.result, numbered=[key_of(counter, count, each, round)])
            for k, each in enumerate(given, start=len(carried))
        ]
        writes = [rel.InsertOp(ops[-1], table) for ops, table in zip(rows, tables, strict=True)]
        ops = [first, *start, recursion, *chain(*rows), *writes, *chain(*finals)]
        rewriter.replace(op, ops, [ops[-1].results[0] for ops in finals])


def numberings(loop: rel.ForOp, table: str) -> Iterator[Numbering | None]:
    """By which numbers a round finds and inserts rows of a table."""
    counter = loop.counter.data
    for op in loop.body.block.ops:
        if isinstance(op, rel.InsertOp) and op.table.string_value() == table:
            yield inserted(op, counter)
        if isinstance(op, rel.ScanOp) and op.table.string_value() == table:
            yield from (selected(use.operation, counter) for use in op.result.uses)


def key_of(counter: str, rounds: int, by: Numbering, round: Attribute) -> AssignmentAttr:
    """The key `counter` of rows that a round inserts or finds."""
    return AssignmentAttr(counter, by.number(round), rounds * by.stride)


def without(type: RelationType, key: str) -> RelationType:
    extents = {name: extent for name, extent in type.extents.items() if name != key}
    return RelationType(extents, type.values, type.is_sparse)


@dataclass
class Round:
    """The body of a loop as that of a recursion: what it reads and makes is in one relation."""

    loop: rel.ForOp
    tagged: Tagged
    rewriter: PatternRewriter
    added: dict[tuple[str, Numbering], list[SSAValue]] = field(
        default_factory=dict[tuple[str, Numbering], list[SSAValue]]
    )
    """The rows that the round inserts into each table by each numbering, without the number."""

    def block(self) -> Block:
        """The body, taken out of the loop."""
        block, counter, tagged = self.loop.body.block, self.loop.counter.data, self.tagged
        last, ops = block.last_op, list(block.ops)
        assert isinstance(last, rel.YieldOp)
        state = block.insert_arg(tagged.type, 0)
        own = key_of(counter, tagged.rounds, Numbering(1, 0), col(counter))
        number = tagged.decode(len(tagged.types) - 1, state, numbered=[own])
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
        by = inserted(op, self.loop.counter.data)
        assert by is not None
        self.added.setdefault((op.table.string_value(), by), []).append(rows.result)
        self.rewriter.erase(op)
        self.rewriter.replace(made, rows)
        return rows.result

    def numbers(self, by: Numbering, current: SSAValue) -> list[Operation]:
        """The number by which a round finds rows, where it is not its own, which `current` has."""
        counter = self.loop.counter.data
        if by == Numbering(1, 0):
            return []
        key = key_of(counter, self.tagged.rounds, by, col(counter))
        return [rel.ProjectOp(current, [key], {})]

    def convert(self, op: Operation, current: SSAValue) -> None:
        """Have an operator take the number of the round from `current`."""
        counter = self.loop.counter.data
        match op:
            case rel.SelectOp() if (by := selected(op, counter)) is not None:
                number = self.numbers(by, current)
                join = rel.JoinOp([op.input, number[-1].results[0] if number else current])
                rows: list[Operation] = [*number, join]
                scan = op.input.owner
                table = scan.table.string_value() if isinstance(scan, rel.ScanOp) else ""
                if added := self.added.get((table, by)):
                    type = without(schema(op.result), counter)
                    keys = {key: key for key in type.extents}
                    old = rel.ProjectOp(join, keys, {name: col(name) for name in type.values})
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

    A recursion has one relation. So the relations that the loop carries (tag 0 here), the rows that
    it inserts (tag 1) and the number of the round (tag 2, one row) become one, in which `layer` is
    the round that reads a row:

        %y = rel.for layer to 3 carrying (%t) {
          %k = rel.project %x [layer = ?layer to 3, c = p] {v}
          rel.insert %k into @keys
          rel.yield %n
    becomes
        %y_1 = rel.project %t [tag = 0 to 3, k0 = p] {v}
        %y_2 = rel.project %y [tag = 2 to 3, k0 = 0] {v = 0.0}
        %y_5 = rel.recurse %y_4 {
          %2 = rel.project %1 [layer to 3] {}
          %x = rel.project %3 [p = k0] {v}
          %4 = rel.select %2 where lt(add(layer, 1), 3)
          %5 = rel.project %n [tag = 0 to 3, k0 = p] {v}
          %6 = rel.project %k [tag = 1 to 3, k0 = c] {v}
          %7 = rel.project %4 [tag = 2 to 3, k0 = 0] {v = 0.0}
          %10 = rel.project %9 [tag to 3, layer = add(layer, 1) to 4, k0] {v}
        %y_6 = rel.select %y_5 where eq(tag, 1)
        %y_7 = rel.project %y_6 [layer = sub(layer, 1) to 3, c = k0] {v}
        rel.insert %y_7 into @keys
        %y_8 = rel.select %y_5 where and(eq(tag, 0), eq(layer, 3))

    The number stands in a row of its own, as a round of a relation without rows has a number too;
    without that row a round makes no rows, and the recursion ends. Inserted rows reach their table
    after the recursion. See docs/notes/recursion.md.
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
