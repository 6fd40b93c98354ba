"""Decide which relations are computed once and stored."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from tensorjoin.context import profile_of
from tensorjoin.dialects import rel
from tensorjoin.dialects.rel import schema
from tensorjoin.passes.rel.analysis.estimates import DYNAMIC, estimated_rows
from tensorjoin.targets import TargetProfile

COSTLY = (rel.JoinOp, rel.AggregateOp, rel.WindowOp, rel.UnionOp, rel.RecurseOp)
CHEAP = (rel.ProjectOp, rel.SelectOp)


def is_costly(value: SSAValue) -> bool:
    """Whether a relation takes an operator that is no mere projection, and that only it needs."""
    owner = value.owner
    if isinstance(owner, CHEAP):
        source = owner.operands[0]
        return source.has_one_use() and is_costly(source)
    return isinstance(owner, COSTLY)


def feeds_join(value: SSAValue) -> bool:
    """Whether a join or an aggregate reads the relation, through projections or directly."""
    return any(
        isinstance(use.operation, COSTLY)
        or (isinstance(use.operation, CHEAP) and feeds_join(use.operation.results[0]))
        for use in value.uses
    )


def is_fanned_out(value: SSAValue, times: int) -> bool:
    """
    Whether a join reads each row of the relation more than so many times, and would compute it each
    time.
    """
    stored = projected(value)
    return any(
        isinstance(join := use.operation, rel.JoinOp)
        and estimated_rows(join.result, DYNAMIC) > times * estimated_rows(stored, DYNAMIC)
        for use in stored.uses
    )


def projected(value: SSAValue) -> SSAValue:
    """What projections beside it make of a relation, as long as nothing else reads it."""
    block = value.owner.parent
    while value.has_one_use():
        (use,) = value.uses
        if not isinstance(use.operation, rel.ProjectOp) or use.operation.parent is not block:
            break
        value = use.operation.result
    return value


@dataclass
class Statements:
    """Which statements would compute each relation, were nothing stored but `stored`."""

    profile: TargetProfile
    stored: set[SSAValue] = field(default_factory=set[SSAValue])
    users: dict[SSAValue, set[Operation]] = field(default_factory=dict[SSAValue, set[Operation]])

    def of(self, value: SSAValue) -> set[Operation]:
        """The statements that compute `value`; its users must have been visited."""
        statements: set[Operation] = set()
        for use in value.uses:
            if not use.operation.results or isinstance(use.operation, rel.ForOp):
                statements.add(use.operation)
            else:
                for result in use.operation.results:
                    stored = result in self.stored
                    statements |= {use.operation} if stored else self.users.get(result, set())
        return statements

    def visit(self, block: Block) -> None:
        """Last first, so that what is stored further down no longer counts against its inputs."""
        # Each statement may be planned anew: see docs/notes/planning.md#storing-every-aggregate.
        every = not self.profile.statements_are_costly
        times = self.profile.thresholds.recomputed_rows
        for op in reversed(list(block.ops)):
            for region in reversed(op.regions):
                for inner in region.blocks:
                    self.visit(inner)
            if isinstance(op, rel.ForOp) or len(op.results) != 1:
                continue
            value = op.results[0]
            self.users[value] = self.of(value)
            crosses_loop = any(use.operation.parent is not block for use in value.uses)
            shared = len(self.users[value]) > 1 or crosses_loop
            looked_up = isinstance(op, rel.AggregateOp) or not value.has_one_use()
            grouped = every and looked_up and feeds_join(value)
            repeated = every and isinstance(op, rel.JoinOp) and is_fanned_out(value, times)
            if is_costly(value) and (shared or grouped or repeated) or self.is_overwritten(op):
                stored = projected(value)
                # A table has columns; what has none is one row, or none.
                if schema(stored).types:
                    self.stored.add(stored)

    def is_overwritten(self, op: Operation) -> bool:
        """Whether a scan is used by a statement after one that changes its table."""
        if not isinstance(op, rel.ScanOp):
            return False
        changes: set[Operation] = set()
        later = op.next_op
        while later is not None:
            if later in self.users[op.result] and changes:
                return True
            if isinstance(later, rel.InsertOp | rel.DeleteOp) and later.table == op.table:
                changes.add(later)
            later = later.next_op
        return False


def materialize(values: Iterable[SSAValue]) -> None:
    for value in values:
        stored = rel.MaterializeOp(value)
        assert isinstance(value.owner, Operation)
        Rewriter.insert_op(stored, InsertPoint.after(value.owner))
        value.replace_uses_with_if(stored.result, lambda use, op=stored: use.operation is not op)


@dataclass(frozen=True)
class MaterializePass(ModulePass):
    """
    Store a relation that several statements would compute again, that a loop would compute in each
    round, or that must be read before its table changes; where statements are cheap, also each
    aggregate, and each relation read twice, that a join reads, so that the join finds it by key,
    and each join whose rows a larger join would compute many times.
    """

    name = "materialize"
    establishes = frozenset({"relations to store"})

    target: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        profile = profile_of(ctx, self.target)
        for function in op.ops:
            for region in function.regions:
                for block in region.blocks:
                    statements = Statements(profile)
                    statements.visit(block)
                    materialize(statements.stored)
