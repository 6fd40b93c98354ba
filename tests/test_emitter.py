"""The emitter: what it refuses, and what holds of its text for every engine."""

import math
import re
from pathlib import Path

import pytest
import sqlglot
from execution import TARGETS
from sqlglot import exp

from tensorjoin.backends.emit.program import emit_program
from tensorjoin.backends.functions import double
from tensorjoin.dialects.expression import PACKS
from tensorjoin.errors import TensorjoinError
from tensorjoin.program import Program, Statement
from tensorjoin.testing.modules import parse

FILECHECKS = Path(__file__).parent / "filecheck" / "backends"


def program_of(text: str, target: str) -> Program:
    return emit_program(parse(text), TARGETS[target])


def statements(program: Program) -> list[Statement]:
    created = [table.create for table in program.tables]
    return created + [step.statement for steps in program.procedures.values() for step in steps]


def function(body: str) -> str:
    return f"""func.func @f() {{
      %x = sql.table @x : !rel.relation<[p: ?], v: f64, n: i32>
      {body}
      func.return
    }}"""


@pytest.mark.parametrize("target", TARGETS)
def test_the_programs_parse_in_their_dialect(target: str):
    text = (FILECHECKS / f"{target.removesuffix('_64k')}.mlir").read_text(encoding="utf-8")
    program = program_of(text, target)
    assert len(statements(program)) > 15
    for statement in statements(program):
        # sqlglot does not know WITHOUT ROWID, which SQLite has at the end.
        sql = statement.sql.removesuffix(" WITHOUT ROWID")
        (tree,) = sqlglot.parse(sql, dialect=TARGETS[target].spelling.dialect)
        assert isinstance(tree, exp.Create | exp.Insert | exp.Delete | exp.TruncateTable)
        unquoted = {n.name for n in tree.find_all(exp.Identifier) if not n.args["quoted"]}
        # sqlglot's own name for VALUES.
        assert unquoted <= {"_values"}


PARAMETERS = function(
    """%q = sql.select {p = add(a.p, ?third), v = mul(a.v, ?first float)} from %x as a
         where [eq(a.n, ?second), lt(a.p, ?third), gt(a.v, ?first float)]
         : !rel.relation<[p: ?], v: f64>
       sql.insert %q into @y"""
)


@pytest.mark.parametrize(
    ("target", "placeholders"),
    [
        ("sqlite", [":third", ":first", ":second", ":third", ":first"]),
        ("duckdb", ["$third", "$first", "$second", "$third", "$first"]),
        ("postgres", ["$1", "$2", "$3", "$1", "$2"]),
    ],
)
def test_parameters_are_in_the_order_of_their_first_use(target: str, placeholders: list[str]):
    (statement,) = statements(program_of(PARAMETERS, target))
    assert statement.parameters == ("third", "first", "second")
    assert re.findall(r"[:$]\w+", statement.sql) == placeholders


def test_each_statement_has_parameters_of_its_own():
    text = function(
        """%q = sql.select {p = a.p} from %x as a where [eq(a.p, ?b)] : !rel.relation<[p: ?]>
           sql.insert %q into @y
           %r = sql.select {p = a.p} from %x as a where [eq(a.p, ?a)] : !rel.relation<[p: ?]>
           sql.insert %r into @y"""
    )
    assert [s.parameters for s in statements(program_of(text, "postgres"))] == [("b",), ("a",)]


def test_tables_are_renamed():
    module = parse(
        """sql.create_table scratch @y : <[p: ?]>
        func.func @f() {
          %x = sql.table @x : !rel.relation<[p: ?]>
          sql.insert %x into @y
          sql.delete @y
          sql.truncate @y
          func.return
        }"""
    )
    program = emit_program(module, TARGETS["postgres"], lambda symbol: f"tj.{symbol}")
    assert program.tables[0].name == "tj.y"
    assert [re.findall(r'"(tj\.\w+)"', s.sql) for s in statements(program)] == [
        ["tj.y"],
        ["tj.y", "tj.x"],
        ["tj.y"],
        ["tj.y"],
    ]


@pytest.mark.parametrize("target", TARGETS)
def test_queries_that_read_each_other_in_a_long_chain(target: str):
    """Python's functions may call each other less deep."""
    links = "".join(
        f"%q{n} = sql.select {{v = mul(a.v, 2.0)}} from %{f'q{n - 1}' if n else 'x'} as a"
        " : !rel.relation<[], v: f64>\n"
        for n in range(1500)
    )
    (statement,) = statements(program_of(function(f"{links}\nsql.insert %q1499 into @y"), target))
    assert statement.sql.count("SELECT") == 1500


def test_loops_are_numbered():
    program = program_of(
        """func.func @f() {
          sql.for a to 2 {
            sql.delete @x
            sql.delete @y
          }
          sql.for a to 2 {
            sql.delete @z
          }
          sql.delete @w
          func.return
        }""",
        "duckdb",
    )
    loops = [step.loop for step in program.procedures["f"]]
    assert [loop and (loop.number, loop.counter, loop.count) for loop in loops] == [
        (0, "a", 2),
        (0, "a", 2),
        (1, "a", 2),
        None,
    ]


@pytest.mark.parametrize(
    ("body", "target", "message"),
    [
        ("sql.for a to 2 {\nsql.for b to 2 {\nsql.delete @x\n}\n}", "duckdb", "loop in a loop"),
        ("%r = rel.range k to 2\nrel.insert %r into @x", "duckdb", r"rel\.range has no form"),
        (
            "%q = sql.select {p = a.p, e = exponent10(a.v)} from %x as a"
            " : !rel.relation<[p: ?], e: i32>\nsql.insert %q into @y",
            "postgres",
            "exponent10 has no spelling in postgres",
        ),
        (
            "%q = sql.select {v = pack(a.v, a.n, 4)} from %x as a"
            " : !rel.relation<[], v: vector<4xf32>>\nsql.insert %q into @y",
            "sqlite",
            "pack has no spelling in sqlite",
        ),
    ],
)
def test_what_has_no_form_is_refused(body: str, target: str, message: str):
    with pytest.raises(TensorjoinError, match=message):
        program_of(function(body), target)


def test_infinities_have_no_literal():
    for value in (math.inf, -math.inf, math.nan):
        with pytest.raises(TensorjoinError, match="no literal"):
            double(value)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("neg(neg(a.v))", '- -"a"."v"'),
        ("sub(a.v, -1.0)", '"a"."v" - -1.0e0'),
        ("mul(add(a.v, 1.0), a.v)", '("a"."v" + 1.0e0) * "a"."v"'),
        ("add(mul(a.v, 2.0), a.v)", '"a"."v" * 2.0e0 + "a"."v"'),
        ("sub(a.v, sub(a.v, a.v))", '"a"."v" - ("a"."v" - "a"."v")'),
        ("sub(sub(a.v, a.v), a.v)", '"a"."v" - "a"."v" - "a"."v"'),
        ("div(a.v, div(a.v, 2.0))", '"a"."v" / ("a"."v" / 2.0e0)'),
        ("neg(add(a.v, 1.0))", '-("a"."v" + 1.0e0)'),
        ("eq(lt(a.v, 0.0), gt(a.v, 1.0))", '("a"."v" < 0.0e0) = ("a"."v" > 1.0e0)'),
        ("not(or(eq(a.n, 1), eq(a.n, 2)))", 'NOT ("a"."n" = 1 OR "a"."n" = 2)'),
        (
            "and(or(eq(a.n, 1), eq(a.n, 2)), not(eq(a.n, 3)))",
            '("a"."n" = 1 OR "a"."n" = 2) AND NOT "a"."n" = 3',
        ),
    ],
)
def test_parentheses(expression: str, text: str, target: str):
    type = "i1" if text[0] in "N(" and "=" in text else "f64"
    program = program_of(
        function(
            f"%q = sql.select {{c = {expression}}} from %x as a : !rel.relation<[], c: {type}>\n"
            "sql.insert %q into @y"
        ),
        target,
    )
    (statement,) = statements(program)
    assert f'SELECT {text} AS "c"' in statement.sql


def test_every_engine_spells_the_same_functions():
    """But those of vectors, and what takes the place of missing math functions."""
    of_vectors = {"dot", "element", "slice", "norm", "unit_half", *PACKS}
    optional = of_vectors | {"pow10", "exponent10"}
    known = {name: set(each.spelling.functions) - optional for name, each in TARGETS.items()}
    assert known == dict.fromkeys(TARGETS, known["sqlite"])


def test_a_table_lasts_as_it_says():
    """Whatever its kind: that is what the program says, and what its statement does."""
    module = parse(
        "sql.create_table state @kept : <[p: ?], v: f64> lifetime kept\n"
        "sql.create_table weight @w : <[p: 2], v: f64> lifetime temporary\n"
        "sql.create_table weight @x : <[p: 2], v: f64>"
    )
    for target in TARGETS.values():
        tables = emit_program(module, target).tables
        assert [table.is_temporary for table in tables] == [False, True, False]
        assert ["TEMPORARY" in table.create.sql for table in tables] == [False, True, False]
