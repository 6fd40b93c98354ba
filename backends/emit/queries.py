"""How the queries of one statement read each other."""

from collections.abc import Sequence

from xdsl.ir import Block, Operation, SSAValue

from tensorjoin.dialects import sql


def sources_of(owner: Operation | Block) -> Sequence[SSAValue]:
    """The queries that a query reads; of a recursion, what its rounds read from outside."""
    match owner:
        case sql.SelectOp() | sql.UnionOp():
            return owner.sources
        case sql.RecurseOp():
            read = (value for each in owner.body.walk() for value in each.operands)
            outside = [value for value in read if block_of(value) is not owner.body.block]
            return list(dict.fromkeys([owner.source, *outside]))
        case _:
            return ()


def block_of(value: SSAValue) -> Block | None:
    return value.owner if isinstance(value.owner, Block) else value.owner.parent


def in_order(query: SSAValue) -> list[SSAValue]:
    """The queries that a query reads, each after those that it reads itself."""
    ordered: dict[SSAValue, None] = {}
    # A stack of its own: an unrolled loop is a chain deeper than Python calls functions.
    waiting = [query]
    while waiting:
        owner = waiting[-1].owner
        missing = [source for source in reversed(sources_of(owner)) if source not in ordered]
        if missing:
            waiting += missing
        else:
            ordered[waiting.pop()] = None
    return list(ordered)


def joined(query: SSAValue) -> set[SSAValue]:
    """The computed queries that are joined with others."""
    return {
        source
        for value in in_order(query)
        if isinstance(owner := value.owner, sql.SelectOp) and len(owner.sources) > 1
        for source in owner.sources
        if isinstance(source.owner, sql.SelectOp)
    }


def uses_of(query: SSAValue) -> dict[SSAValue, int]:
    """How often each query is read within one statement."""
    uses: dict[SSAValue, int] = {}
    for value in in_order(query):
        for source in sources_of(value.owner):
            uses[source] = uses.get(source, 0) + 1
    return uses
