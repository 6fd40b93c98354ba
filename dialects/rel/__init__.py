"""
Relational algebra over keyed relations.

A relation's type is its schema: `!rel.relation<[p: ?, i: 64], v: f64>` has one row for each
position p and index i < 64, zeros included (`sparse` says that rows may be absent), so that a
relation can stand for a tensor. Joins are natural: columns of one name are equated.
"""

from collections.abc import Iterator
from typing import cast

from xdsl.dialects.builtin import ArrayAttr
from xdsl.ir import Attribute, Dialect, Operation

from tensorjoin.dialects.expression import CallAttr, ColumnRefAttr, LiteralAttr, ParameterAttr
from tensorjoin.dialects.layout import LayoutAttr
from tensorjoin.dialects.rel.algebra import (
    JoinOp,
    ProjectOp,
    RangeOp,
    SelectOp,
    UnionOp,
    ValuesOp,
    shared_keys,
)
from tensorjoin.dialects.rel.groups import AggregateOp, WindowOp
from tensorjoin.dialects.rel.loops import ForOp, RecurseOp, YieldOp, verify_recursion
from tensorjoin.dialects.rel.relations import (
    AssignmentAttr,
    ColumnAttr,
    KeyAttr,
    RelationType,
    assignments,
    expressions,
    parse_assignment,
    parse_assignments,
    parse_names,
    print_assignment,
    print_assignments,
    print_names,
    schema,
)
from tensorjoin.dialects.rel.storage import (
    DeleteOp,
    InsertOp,
    Lifetime,
    LifetimeAttr,
    MaterializeOp,
    ScanOp,
    TableKind,
    TableKindAttr,
    TableOp,
    lifetime_of,
    verify_is_of_keys,
)


def all_expressions(op: Operation) -> Iterator[Attribute]:
    """Every expression that an op computes or tests."""
    if isinstance(op, SelectOp):
        yield op.condition
    for attribute in op.properties.values():
        if isinstance(attribute, ArrayAttr):
            items = cast(ArrayAttr[Attribute], attribute)
            yield from (a.expression for a in items if isinstance(a, AssignmentAttr))


Rel = Dialect(
    "rel",
    [
        TableOp,
        ScanOp,
        RangeOp,
        ValuesOp,
        SelectOp,
        ProjectOp,
        JoinOp,
        AggregateOp,
        WindowOp,
        UnionOp,
        MaterializeOp,
        InsertOp,
        DeleteOp,
        ForOp,
        RecurseOp,
        YieldOp,
    ],
    [
        KeyAttr,
        ColumnAttr,
        RelationType,
        AssignmentAttr,
        TableKindAttr,
        LifetimeAttr,
        LayoutAttr,
        ColumnRefAttr,
        ParameterAttr,
        LiteralAttr,
        CallAttr,
    ],
)


__all__ = [
    "AggregateOp",
    "AssignmentAttr",
    "ColumnAttr",
    "DeleteOp",
    "ForOp",
    "InsertOp",
    "JoinOp",
    "KeyAttr",
    "Lifetime",
    "LifetimeAttr",
    "MaterializeOp",
    "ProjectOp",
    "RangeOp",
    "RecurseOp",
    "Rel",
    "RelationType",
    "ScanOp",
    "SelectOp",
    "TableKind",
    "TableKindAttr",
    "TableOp",
    "UnionOp",
    "ValuesOp",
    "WindowOp",
    "YieldOp",
    "all_expressions",
    "assignments",
    "expressions",
    "lifetime_of",
    "parse_assignment",
    "parse_assignments",
    "parse_names",
    "print_assignment",
    "print_assignments",
    "print_names",
    "schema",
    "shared_keys",
    "verify_is_of_keys",
    "verify_recursion",
]
