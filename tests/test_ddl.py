"""What an engine spells in its own way: tables, literal rows, emptying a table, parameters."""

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
import pytest
from sqlglot import exp
from xdsl.ir import Attribute

from tensorjoin.backend import find_target
from tensorjoin.backends.database import Database
from tensorjoin.backends.emit.program import emit_program
from tensorjoin.backends.functions import FUNCTIONS
from tensorjoin.backends.spelling import Spelling, TableDefinition
from tensorjoin.testing.engines import execute
from tensorjoin.testing.modules import parse

MODULE = """
sql.create_table weight @w : <[o: 4, i: 3], v: f64>
sql.create_table scratch @y : <[k: 3], v: f64>
func.func @f() {
  %r = sql.values [0, 1.5, 1, 2.5, 2, 3.5] : !rel.relation<[k: 3], v: f64>
  %s = sql.select {k = a.k, v = mul(a.v, ?scale float)} from %r as a : !rel.relation<[k: 3], v: f64>
  sql.delete @y
  sql.insert %s into @y
  func.return
}
"""


class Unions(Spelling):
    """Literal rows as an engine writes them that has no VALUES."""

    def literal_rows(
        self, name: str, columns: Sequence[str], rows: Sequence[Sequence[exp.Expr]]
    ) -> exp.CTE:
        cte = super().literal_rows(name, columns, rows)
        cte.args["alias"].set("columns", None)
        selects = [
            exp.select(*(exp.alias_(e, c, quoted=True) for e, c in zip(row, columns, strict=True)))
            for row in rows
        ]
        union: exp.Expr = selects[0]
        for select in selects[1:]:
            union = exp.Union(this=union, expression=select, distinct=False)
        cte.set("this", union)
        return cte


class Merging(Unions):
    """As an engine writes that keeps tables ordered, and deletes no rows."""

    def empty_table(self, name: str) -> exp.Expr:
        return self.truncate_table(name)

    def type(self, type: Attribute) -> exp.DataType:
        built = super().type(type)
        built.set("nullable", False)
        return built

    def parameter(self, name: str, number: int, type: exp.DataType) -> exp.Expr:
        return exp.Var(this=f"{{{name}: {type.sql(self.dialect)}}}")


def ordered(table: TableDefinition) -> list[exp.Expr]:
    engine = exp.EngineProperty(this=exp.Var(this="MergeTree"))
    keys = exp.Tuple(expressions=[exp.to_identifier(key, quoted=True) for key in table.keys])
    return [engine, exp.Order(expressions=[keys])]


def test_an_engine_with_ordered_tables():
    spelling = Merging("clickhouse", FUNCTIONS, primary_keys=False, table_properties=ordered)
    target = replace(find_target("sqlite"), load_spelling=lambda: spelling)
    program = emit_program(parse(MODULE), target)
    weight, scratch = (" ".join(table.create.sql.split()) for table in program.tables)
    assert weight.startswith(
        'CREATE TABLE "w" ("o" Int32 NOT NULL, "i" Int32 NOT NULL, "v" Float64'
    )
    assert weight.endswith('ENGINE=MergeTree ORDER BY ("o", "i")')
    assert scratch.startswith('CREATE TEMPORARY TABLE "y" ("k"')
    assert scratch.endswith('ENGINE=MergeTree ORDER BY ("k")')
    emptied, inserted = (step.statement.sql for step in program.procedures["f"])
    assert emptied == 'TRUNCATE TABLE "y"'
    assert 'WITH "t0" AS (SELECT 0 AS "k", 1.5e0 AS "v" UNION ALL SELECT 1' in inserted
    assert "{scale: Float64}" in inserted


@pytest.mark.parametrize("rows", [1, 2, 40])
def test_rows_as_a_union(database: Database, rows: int):
    """Where VALUES is spelt so, the rows are the same."""
    spelling = database.target.spelling
    known = {field.name: getattr(spelling, field.name) for field in fields(Spelling)}
    database.target = replace(database.target, load_spelling=lambda: Unions(**known))
    numbers = ", ".join(f"{k}, {k * 0.5}" for k in range(rows))
    module = parse(f"""
    sql.create_table scratch @y : <[k: {rows}], v: f64>
    func.func @f() {{
      %r = sql.values [{numbers}] : !rel.relation<[k: {rows}], v: f64>
      sql.insert %r into @y
      func.return
    }}""")
    assert "UNION ALL" in emit_program(module, database.target).sql() or rows == 1
    found = execute(database, module, {})["y"]
    order = np.argsort(found["k"])
    np.testing.assert_array_equal(found["v"][order], np.arange(rows) * 0.5)
