"""
SQL: query blocks and statements, one to one with a tree of sqlglot.

A query is a value; a statement that uses it holds it as a common table expression. Columns in
expressions carry the alias of their source: `a.v`.
"""

from xdsl.ir import Dialect

from tensorjoin.dialects.sql.queries import (
    RecurseOp,
    SelectOp,
    TableOp,
    UnionOp,
    ValuesOp,
    YieldOp,
    aliases_of,
)
from tensorjoin.dialects.sql.statements import (
    CreateTableOp,
    DeleteOp,
    ForOp,
    InsertOp,
    TruncateOp,
)

Sql = Dialect(
    "sql",
    [
        CreateTableOp,
        TableOp,
        ValuesOp,
        SelectOp,
        UnionOp,
        RecurseOp,
        YieldOp,
        InsertOp,
        DeleteOp,
        TruncateOp,
        ForOp,
    ],
)

__all__ = [
    "CreateTableOp",
    "DeleteOp",
    "ForOp",
    "InsertOp",
    "RecurseOp",
    "SelectOp",
    "Sql",
    "TableOp",
    "TruncateOp",
    "UnionOp",
    "ValuesOp",
    "YieldOp",
    "aliases_of",
]
