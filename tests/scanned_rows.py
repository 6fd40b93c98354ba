"""The rows of weights that a pass reads, as the engine's own profile or plan says; no time counts."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlglot
from sqlglot import exp

from tensorjoin.backends.database import Value
from tensorjoin.program import Statement, Step
from tensorjoin.runtime.catalog import column, table
from tensorjoin.runtime.executor import Call, Executor

Scanned = Iterator[tuple[str, float]]
"""A table, and the rows of it that a statement reads in one place."""
Node = Mapping[str, Any]


@dataclass
class ScanningExecutor(Executor):
    """Adds up what statements read of each table."""

    scanned: Counter[str] = field(default_factory=Counter[str], init=False)
    looked_at: Counter[str] = field(default_factory=Counter[str], init=False)
    """Where DuckDB, from 2.0 on, counts the rows that a scan looks at, these, nulls among them."""
    is_counting: bool = field(default=False, init=False)

    def execute(self, calls: Sequence[Call]) -> None:
        if not self.is_counting:
            return super().execute(calls)
        for step, values in calls:
            if not step.statement.sql.startswith("INSERT"):
                super().execute([(step, values)])
                continue
            for name, rows in COUNTERS[self.database.dialect](self, step, values):
                self.scanned[name] += rows

    def profile(self, explain: str, step: Step, values: Mapping[str, Value]) -> list[Any]:
        """The engine's answer to EXPLAIN, which may run the statement."""
        explained = Statement(f"{explain} {step.statement.sql}", step.statement.parameters)
        return self.database.query(explained, values)

    def rows(self, name: str, layer: int | None = None) -> int:
        """The rows of a table, or those of a layer; rows of nulls are not among them."""
        select = exp.select("*").from_(table(name))
        return self.count(select if layer is None else select.where(column("layer").eq(layer)))

    def count(self, select: exp.Select) -> int:
        """The rows of a query."""
        counted = exp.select(exp.Count(this=exp.Star())).from_(select.subquery("counted"))
        ((count,),) = self.database.query(self.database.statement(counted))
        return count


def duckdb_rows(executor: ScanningExecutor, step: Step, values: Mapping[str, Value]) -> Scanned:
    """What table scans hand on, filters that are pushed into them applied."""
    ((_, text),) = executor.profile("EXPLAIN (ANALYZE, FORMAT JSON)", step, values)
    for node in nodes(json.loads(text), "operator", "children"):
        name = node.get("extra_info", {}).get("Table", "")
        if name:
            # "catalog"."schema"."name" in new versions, and the name alone in older ones.
            name = exp.to_table(name, dialect="duckdb").name if '"' in name else name
            executor.looked_at[name] += node.get("rows_scanned", 0)
            yield name, handed_on(node)


def handed_on(node: Node) -> int:
    """The rows that an operator of DuckDB hands on, as its 2.x and its 1.x call them."""
    return node.get("intermediate_rows", node.get("operator_cardinality", 0))


def postgres_rows(executor: ScanningExecutor, step: Step, values: Mapping[str, Value]) -> Scanned:
    """What scans hand on, and what they looked at in vain."""
    ((answer,),) = executor.profile("EXPLAIN (ANALYZE, FORMAT JSON)", step, values)
    for node in nodes({"Plans": [each["Plan"] for each in answer]}, "Plans"):
        if "Relation Name" in node and "Scan" in node["Node Type"]:
            removed = sum(rows for key, rows in node.items() if key.startswith("Rows Removed"))
            yield node["Relation Name"], (node["Actual Rows"] + removed) * node["Actual Loops"]


def nodes(node: Node, *children: str) -> Iterator[Node]:
    """A node of a plan, and all below it."""
    yield node
    for name in children:
        for child in node.get(name, ()):
            yield from nodes(child, *children)


MADE = re.compile(r"(?:MATERIALIZE|CO-ROUTINE) (\w+)")
LOOP = re.compile(r"(SCAN|SEARCH) (\w+)(?: USING [\w ]*PRIMARY KEY \((.*)\))?")


def sqlite_rows(executor: ScanningExecutor, step: Step, values: Mapping[str, Value]) -> Scanned:
    """
    What the loops of a plan visit: each as often as those around it have rows. The driver has no
    counters, so that the rows of each loop are counted by queries.
    """
    plan = executor.profile("EXPLAIN QUERY PLAN", step, values)
    tree = sqlglot.parse_one(step.statement.sql, dialect="sqlite")
    named = {cte.alias: sources_of(cte.this) for cte in tree.find_all(exp.CTE)}
    stored = executor.database.tables()
    details = {number: detail for number, _, _, detail in plan}
    made = {name: MADE.match(detail) for name, detail in details.items()}
    apart = {match[1] for match in made.values() if match}
    for parent in dict.fromkeys(above for _, above, _, _ in plan):
        loops = [m for _, above, _, detail in plan if above == parent and (m := LOOP.match(detail))]
        aliases = {match[2] for match in loops}
        match = made.get(parent)
        # A query that is not made apart stands in the place of its reader.
        blocks = (
            [named.get(match[1], {})]
            if match
            else [sources_of(block) for block in inlined(tree, apart)]
        )
        (names,) = [names for names in blocks if names.keys() == aliases] or [{}]
        times = 1.0
        for loop in loops:
            name, keys = names.get(loop[2], ""), re.findall(r"(\w+)=\?", loop[3] or "")
            times *= found(executor, name, keys, values) if name in stored else 1.0
            yield name, times
    executor.database.execute(step.statement, values)


def found(
    executor: ScanningExecutor, name: str, keys: list[str], values: Mapping[str, Value]
) -> float:
    """The rows that a search by some keys finds, as a mean over the values of those keys."""
    layer = int(str(values["layer"])) if "layer" in keys and "layer" in values else None
    rows = executor.rows(name, layer)
    others = [column(key) for key in keys if layer is None or key != "layer"]
    if not others:
        return rows
    distinct = exp.select(*others).from_(table(name)).distinct()
    if layer is not None:
        distinct = distinct.where(column("layer").eq(layer))
    return rows / max(1, executor.count(distinct))


def inlined(tree: exp.Expression, apart: set[str]) -> Iterator[exp.Select]:
    """The query blocks of a statement but for those named, which are made apart."""
    for select in tree.find_all(exp.Select):
        cte = select.find_ancestor(exp.CTE)
        if cte is None or cte.alias not in apart:
            yield select


def sources_of(select: exp.Select) -> dict[str, str]:
    """The tables that a query block reads, by their aliases."""
    joins = [join.this for join in select.args.get("joins") or ()]
    origin = select.args.get("from_") or select.args.get("from")
    read = [origin.this, *joins] if origin else joins
    return {source.alias_or_name: source.name for source in read if isinstance(source, exp.Table)}


COUNTERS: Mapping[str, Callable[[ScanningExecutor, Step, Mapping[str, Value]], Scanned]] = {
    "duckdb": duckdb_rows,
    "postgres": postgres_rows,
    "sqlite": sqlite_rows,
}
