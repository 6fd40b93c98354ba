"""Which columns need no type for what they hold to be floats."""

from contextlib import closing
from pathlib import Path

import pytest
from execution import TARGETS

from tensorjoin.api import compile
from tensorjoin.backends.connect import connect
from tensorjoin.backends.emit.certain_floats import certain_floats
from tensorjoin.backends.emit.program import emit_program
from tensorjoin.program import Statement
from tensorjoin.testing.modules import parse

DEMO = Path(__file__).parents[1] / "examples" / "demo"


def module(expression: str):
    return parse(
        f"""
        sql.create_table input @x : <[p: ?], v: f64, n: i32>
        sql.create_table scratch @y : <[p: ?], v: f64>
        func.func @f() {{
          %x = sql.table @x : !rel.relation<[p: ?], v: f64, n: i32>
          %i = sql.values [0, 1] : !rel.relation<[p: 1], v: f64>
          %f = sql.values [0, 1.0] : !rel.relation<[p: 1], v: f64>
          %q = sql.select {{p = a.p, v = {expression}}} from %x as a, %i as i, %f as f
            : !rel.relation<[p: ?], v: f64>
          sql.insert %q into @y
          func.return
        }}"""
    )


@pytest.mark.parametrize(
    "expression", ["a.v", "mul(a.v, i.v)", "sum(if(eq(a.n, 1), a.v, 0.0))", "to_float(a.n)", "f.v"]
)
def test_floats_stay_floats(expression: str):
    assert certain_floats(module(expression))["y"] == {"v"}


@pytest.mark.parametrize(
    "expression",
    ["i.v", "pow(a.v, 0.0)", "if(eq(a.n, 1), a.v, i.v)", "sum(i.v)", "neg(i.v)", "?t float"],
)
def test_what_may_be_an_integer_keeps_its_type(expression: str):
    assert certain_floats(module(expression))["y"] == set()


def test_tables_that_no_statement_fills_keep_their_types():
    text = "sql.create_table scratch @y : <[p: ?], v: f64>"
    assert "y" not in certain_floats(parse(text))


def test_one_insertion_of_an_integer_is_enough():
    both = parse(
        """
        sql.create_table scratch @y : <[p: ?], v: f64>
        func.func @f() {
          %i = sql.values [0, 1] : !rel.relation<[p: 1], v: f64>
          %f = sql.values [0, 1.0] : !rel.relation<[p: 1], v: f64>
          sql.insert %f into @y
          sql.insert %i into @y
          func.return
        }"""
    )
    assert certain_floats(both)["y"] == set()


def test_an_integer_is_divided_as_a_float(tmp_path: Path):
    """A power of 0 is the integer 1 to SQLite, whose 1 / 2 is 0."""
    program = emit_program(
        parse(
            """
            sql.create_table scratch @one : <[p: 1], v: f64>
            sql.create_table scratch @half : <[p: 1], v: f64>
            func.func @f() {
              %x = sql.values [0, 5.0] : !rel.relation<[p: 1], v: f64>
              %one = sql.select {p = a.p, v = pow(a.v, 0.0)} from %x as a
                : !rel.relation<[p: 1], v: f64>
              sql.insert %one into @one
              %stored = sql.table @one : !rel.relation<[p: 1], v: f64>
              %half = sql.select {p = a.p, v = div(a.v, add(a.v, a.v))} from %stored as a
                : !rel.relation<[p: 1], v: f64>
              sql.insert %half into @half
              func.return
            }"""
        ),
        TARGETS["sqlite"],
    )
    with closing(connect(f"sqlite:///{tmp_path}/test.db", create=True)) as database:
        for table in program.tables:
            database.execute(table.create)
        for step in program.procedures["f"]:
            database.execute(step.statement)
        assert database.query(Statement('SELECT "v" FROM "half"')) == [(0.5,)]


def test_no_product_of_a_language_model_converts_what_it_reads():
    """Weights in chunks, and what is packed to be multiplied with them, and cached keys."""
    tables = compile(DEMO, "sqlite").tables
    wide = [table for table in tables if len(table.values) > 1 and table.chunks]
    assert len(wide) > 4
    wide += [table for table in tables if len(table.values) > 8]
    assert not [table.name for table in wide if "REAL" in table.create.sql]
