"""Give each stored relation, and each relation that a loop carries, a table."""

from dataclasses import dataclass, field
from itertools import count

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.rewriter import InsertPoint, Rewriter

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import ParameterAttr, call, col, lit
from tensorjoin.dialects.rel import AssignmentAttr, RelationType, TableKind, schema


@dataclass
class Scratch:
    """The scratch tables so far. In a loop, a table has a column for the round."""

    taken: set[str]
    tables: list[rel.TableOp] = field(default_factory=list[rel.TableOp])

    def allocate(self, type: RelationType, keys: list[str], loop: rel.ForOp | None, extra: int):
        """A table for relations of `type`, keyed in the order `keys`: its name and its schema."""
        extents = {name: type.extents[name] for name in keys}
        if loop is not None:
            extents = {loop.counter.data: loop.count.value.data + extra, **extents}
        name = next(name for n in count() if (name := f"scratch{n}") not in self.taken)
        self.taken.add(name)
        table_type = RelationType(extents, type.values, type.is_sparse)
        self.tables.append(rel.TableOp(name, TableKind.SCRATCH, table_type))
        return name, table_type


def store(
    relation: SSAValue, table: str, type: RelationType, loop: rel.ForOp | None, round: Attribute
) -> list[Operation]:
    """Insert a relation into its table, as the rows of a round."""
    ops: list[Operation] = []
    if list(type.extents) != list(schema(relation).extents):
        keys = [
            AssignmentAttr(name, round, extent)
            if loop is not None and name == loop.counter.data
            else AssignmentAttr(name, col(name))
            for name, extent in type.extents.items()
        ]
        ops.append(rel.ProjectOp(relation, keys, {name: col(name) for name in type.values}))
        relation = ops[0].results[0]
    return [*ops, rel.InsertOp(relation, table)]


def load(
    table: str, type: RelationType, like: RelationType, loop: rel.ForOp | None, round: Attribute
) -> list[Operation]:
    """Read the rows of a round back as a relation of type `like`."""
    ops: list[Operation] = [rel.ScanOp(table, type)]
    if loop is not None:
        ops.append(rel.SelectOp(ops[-1], call("eq", col(loop.counter.data), round)))
    if list(type.extents) != list(like.extents):
        keys = {name: name for name in like.extents}
        ops.append(rel.ProjectOp(ops[-1], keys, {name: col(name) for name in like.values}))
    return ops


def join_keys_first(value: SSAValue) -> list[str]:
    """The keys, those by which a join finds rows before those that it leaves free."""
    names = list(schema(value).extents)
    for use in value.uses:
        renamed, op = {name: name for name in names}, use.operation
        while isinstance(op, rel.ProjectOp | rel.SelectOp) and op.results[0].has_one_use():
            if isinstance(op, rel.ProjectOp):
                new = {
                    e.column.data: n
                    for n, e in rel.expressions(op.keys).items()
                    if isinstance(e, type(col("")))
                }
                renamed = {name: new.get(last, "") for name, last in renamed.items()}
            op = next(iter(op.results[0].uses)).operation
        if isinstance(op, rel.JoinOp):
            on = {name.data for name in op.on}
            return sorted(names, key=lambda name: renamed[name] not in on)
    return names


@dataclass
class StoreMaterialized(RewritePattern):
    """rel.materialize %x -> insert x into @scratch; scan @scratch"""

    scratch: Scratch

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.MaterializeOp, rewriter: PatternRewriter, /):
        loop = parent if isinstance(parent := op.parent_op(), rel.ForOp) else None
        round = ParameterAttr(loop.counter.data) if loop is not None else lit(0)
        like = schema(op.result)
        name, type = self.scratch.allocate(like, join_keys_first(op.result), loop, 0)
        write = store(op.input, name, type, loop, round)
        read = load(name, type, like, loop, round)
        rewriter.replace(op, [*write, *read], [read[-1].results[0]])


@dataclass
class StoreCarried(RewritePattern):
    """rel.for carrying (%x) -> round l reads the rows l of @scratch and inserts the rows l + 1"""

    scratch: Scratch

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.ForOp, rewriter: PatternRewriter, /):
        if not op.inputs:
            return
        block, last = op.body.block, op.body.block.last_op
        assert isinstance(last, rel.YieldOp)
        counter = ParameterAttr(op.counter.data)
        after: list[SSAValue] = []
        for initial, argument, final in zip(op.inputs, list(block.args), last.inputs, strict=True):
            like = schema(initial)
            name, type = self.scratch.allocate(like, list(like.extents), op, 1)
            rewriter.insert(store(initial, name, type, op, lit(0)), InsertPoint.before(op))
            read = load(name, type, like, op, counter)
            rewriter.insert(read, InsertPoint.at_start(block))
            rewriter.replace_all_uses_with(argument, read[-1].results[0])
            block.erase_arg(argument)
            write = store(final, name, type, op, call("add", counter, lit(1)))
            rewriter.insert(write, InsertPoint.before(last))
            final_read = load(name, type, like, op, lit(op.count.value.data))
            rewriter.insert(final_read, InsertPoint.after(op))
            after.append(final_read[-1].results[0])
        rewriter.replace(last, rel.YieldOp())
        body = op.body.detach_block(0)
        rewriter.replace(op, rel.ForOp(op.counter.data, op.count.value.data, [], [body]), after)


@dataclass(frozen=True)
class AllocateScratchPass(ModulePass):
    """Turn stored and carried relations into inserts into scratch tables and scans of them."""

    name = "allocate-scratch"
    requires = frozenset({"relations to store"})
    establishes = frozenset({"scratch tables"})

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        scratch = Scratch({t.sym_name.data for t in op.ops if isinstance(t, rel.TableOp)})
        PatternRewriteWalker(
            GreedyRewritePatternApplier([StoreMaterialized(scratch), StoreCarried(scratch)])
        ).rewrite_module(op)
        Rewriter.insert_op(scratch.tables, InsertPoint.at_start(op.body.block))
