"""The work of a stored statement, counted from its text and the sizes of the tables it reads."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from tensorjoin.cost import Work, total

DOT_PRODUCTS = frozenset({"list_dot_product", "array_inner_product", "inner_product"})


@dataclass(frozen=True)
class TableSize:
    """What one call of a statement finds in a table."""

    rows: float
    row_bytes: int
    vector: int
    """Elements of the longest vector in a row; 0 if there is none."""


def target(tree: exp.Expr) -> str:
    """The table that a statement fills or empties; empty where it does neither."""
    if isinstance(tree, exp.Insert | exp.Delete | exp.TruncateTable):
        table = tree.find(exp.Table)
        return "" if table is None else table.name
    return ""


def sources(tree: exp.Expr) -> list[str]:
    """The stored tables that a statement reads, once for each time."""
    if not isinstance(tree, exp.Insert):
        return []
    inner = {cte.alias for cte in tree.find_all(exp.CTE)}
    tables = [*tree.expression.find_all(exp.Table)]
    tables += [table for cte in tree.find_all(exp.With) for table in cte.find_all(exp.Table)]
    # A function in the place of a table has no name.
    names = [table.name for table in tables if table.name]
    return list(dict.fromkeys(name for name in names if name not in inner))


def statement_work(tree: exp.Expr, sizes: Mapping[str, TableSize], written: float) -> Work:
    """
    The work of one call that writes so many rows.

    A query block has as many rows as the largest of its sources: each weight meets one row.
    """
    read = [sizes[name] for name in sources(tree) if name in sizes]
    known = dict(sizes)
    works = [
        Work(
            statements=1,
            columns=sum(1 for _ in tree.find_all(exp.Column)),
            read=sum(size.rows for size in read),
            written=written,
            bytes=sum(size.rows * size.row_bytes for size in read),
        )
    ]
    for name, block in blocks(tree):
        found = [known[t.name] for t in block.find_all(exp.Table) if t.name in known]
        rows = max((size.rows for size in found), default=0.0)
        known[name] = TableSize(rows, 0, 0)
        works.append(block_work(block, rows, max((s.vector for s in found), default=0), len(found)))
    return total(works)


def blocks(tree: exp.Expr) -> list[tuple[str, exp.Expr]]:
    """The query blocks of a statement by their names, each after those that it reads."""
    if not isinstance(tree, exp.Insert):
        return []
    named = [(cte.alias, cte.this) for cte in tree.find_all(exp.CTE)]
    main = tree.expression.copy()
    for clause in list(main.find_all(exp.With)):
        clause.pop()
    return [*named, ("", main)]


def block_work(block: exp.Expr, rows: float, vector: int, sources: int) -> Work:
    """The work of one block over so many rows."""
    columns = sum(1 for _ in block.find_all(exp.Column))
    dots = sum(1 for f in block.find_all(exp.Func) if f.name.lower() in DOT_PRODUCTS)
    return Work(
        joined=rows if sources > 1 else 0,
        grouped=rows if block.find(exp.Group) else 0,
        carried=rows * columns if block.find(exp.Group) and not dots else 0,
        products=rows * sum(1 for _ in block.find_all(exp.Mul)),
        dot_products=rows * dots * vector,
        packed=rows if block.find(exp.ArrayAgg) else 0,
        choices=rows * sum(1 for _ in block.find_all(exp.Case)),
    )
