"""The work of a stored statement, counted from its text and the sizes of the tables it reads."""

from collections.abc import Iterator, Mapping
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


def is_recursion(tree: exp.Expr) -> bool:
    """Whether a statement runs in rounds, each over the rows of the one before."""
    return any(clause.args.get("recursive") for clause in tree.find_all(exp.With))


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


def statement_work(
    tree: exp.Expr, sizes: Mapping[str, TableSize], written: float, rounds: int = 1
) -> Work:
    """
    The work of one call that writes so many rows; where it is a recursion, of so many rounds.

    A query block has as many rows as the largest of its sources: each weight meets one row.
    """
    found = list(blocks(tree))
    repeated = {table.name for b in found if b.is_repeated for table in b.tree.find_all(exp.Table)}
    read = [
        (rounds if name in repeated else 1, sizes[name]) for name in sources(tree) if name in sizes
    ]
    known = dict(sizes)
    works = [
        Work(
            statements=1,
            columns=sum(1 for _ in tree.find_all(exp.Column)),
            read=sum(times * size.rows for times, size in read),
            written=written,
            bytes=sum(times * size.rows * size.row_bytes for times, size in read),
        )
    ]
    for block in found:
        read_here = [known[t.name] for t in block.tree.find_all(exp.Table) if t.name in known]
        rows = max((size.rows for size in read_here), default=0.0)
        known[block.name] = TableSize(rows, 0, 0)
        vector = max((size.vector for size in read_here), default=0)
        work = block_work(block.tree, rows, vector, len(read_here))
        works.append(work.times(rounds if block.is_repeated else 1))
    return total(works)


@dataclass(frozen=True)
class Block:
    """A query block without those that it names, and whether each round of a recursion runs it."""

    name: str
    tree: exp.Expr
    is_repeated: bool


def blocks(tree: exp.Expr) -> Iterator[Block]:
    """The query blocks of a statement, each after those that it reads."""
    if isinstance(tree, exp.Insert):
        # sqlglot keeps the clause with the statement, or with its query.
        for clause in tree.find_all(exp.With):
            if clause.find_ancestor(exp.With) is None:
                yield from named_blocks(clause, False)
        yield Block("", without_names(tree.expression), False)


def named_blocks(clause: exp.With, is_repeated: bool) -> Iterator[Block]:
    """The blocks that a WITH names; the first rows of a recursion stand for its own within it."""
    for cte in clause.expressions:
        query = cte.this
        is_recursive = clause.args.get("recursive") and isinstance(query, exp.Union)
        if is_recursive:
            yield Block(cte.alias, without_names(query.this), False)
        for inner in query.find_all(exp.With):
            if inner.find_ancestor(exp.With) is clause:
                yield from named_blocks(inner, is_repeated or bool(is_recursive))
        body = query.expression if is_recursive else query
        yield Block(cte.alias, without_names(body), is_repeated or bool(is_recursive))


def without_names(query: exp.Expr) -> exp.Expr:
    """A query without its WITH."""
    bare = query.copy()
    for clause in list(bare.find_all(exp.With)):
        clause.pop()
    return bare


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
