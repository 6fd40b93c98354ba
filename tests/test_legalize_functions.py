"""`legalize-functions`: expansions against numpy, interpreted and in SQLite without functions."""

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from execution import stream_tables
from samples import CONVERT, SAMPLES, assert_same_state, tensor_algebra
from xdsl.dialects.builtin import ModuleOp

from tensorjoin.backends.emit.program import emit_program
from tensorjoin.backends.sqlite import SQLITE
from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.rel.legalize_functions import LegalizeFunctionsPass
from tensorjoin.pipelines import statements
from tensorjoin.program import Program
from tensorjoin.targets import MATH_FUNCTIONS
from tensorjoin.testing.modules import applied, assert_same_meaning, lowered, run

ALL = tuple(sorted(MATH_FUNCTIONS))
LEGALIZE = LegalizeFunctionsPass(missing=ALL)
FORBIDDEN = frozenset(
    [
        "exp",
        "sqrt",
        "sin",
        "cos",
        "tan",
        "tanh",
        "pow",
        "power",
        "ln",
        "log",
        "log10",
        "log2",
        "floor",
        "ceil",
        "ceiling",
        "trunc",
        "radians",
        "pi",
    ]
)

Array = npt.NDArray[np.float64]


def projection(*values: str) -> str:
    """A module that computes expressions of x and y into columns v0, v1, ..."""
    columns = ", ".join(f"v{n} = {value}" for n, value in enumerate(values))
    types = ", ".join(f"v{n}: f64" for n in range(len(values)))
    return f"""
    rel.table input @t : <[p: ?], x: f64, y: f64>
    rel.table scratch @r : <[p: ?], {types}>
    func.func @forward() {{
      %t = rel.scan @t : !rel.relation<[p: ?], x: f64, y: f64>
      %r = rel.project %t [p] {{{columns}}}
      rel.insert %r into @r
      func.return
    }}
    """


def interpreted(module: ModuleOp, x: Array, y: Array) -> list[Array]:
    result = run(module, inputs={"t": {"p": np.arange(len(x)), "x": x, "y": y}}).outputs["r"]
    return [column[np.argsort(result["p"])] for name, column in result.items() if name != "p"]


def without_functions() -> sqlite3.Connection:
    """SQLite as a build without math functions."""

    def authorize(action: int, first: str | None, second: str | None, *_: Any) -> int:
        is_forbidden = action == sqlite3.SQLITE_FUNCTION and second in FORBIDDEN
        return sqlite3.SQLITE_DENY if is_forbidden else sqlite3.SQLITE_OK

    connection = sqlite3.connect(":memory:")
    connection.set_authorizer(authorize)
    return connection


def run_program(connection: sqlite3.Connection, program: Program) -> None:
    for step in program.procedures["forward"]:
        connection.execute(step.statement.sql, dict.fromkeys(step.statement.parameters, 0))


def in_sqlite(text: str, x: Array, y: Array) -> list[Array]:
    target = replace(SQLITE, profile=replace(SQLITE.profile, functions=frozenset()))
    module = lowered(text, target, statements())
    program = emit_program(module, target)
    connection = without_functions()
    for table in program.tables:
        connection.execute(table.create.sql)
    rows = zip(range(len(x)), x.tolist(), y.tolist(), strict=True)
    connection.executemany('INSERT INTO "t" VALUES (?, ?, ?)', rows)
    run_program(connection, program)
    found = connection.execute('SELECT * FROM "r" ORDER BY "p"').fetchall()
    connection.close()
    return [np.array(column) for column in list(zip(*found, strict=True))[1:]]


def computed(text: str, x: Array, y: Array | None = None) -> list[list[Array]]:
    """The columns, by the interpreter and by SQLite, after the functions are expanded."""
    y = np.zeros(len(x)) if y is None else y
    return [interpreted(applied(text, LEGALIZE), x, y), in_sqlite(text, x, y)]


GENERATOR = np.random.default_rng(0)
SMALL = np.concatenate([GENERATOR.standard_normal(50), [0.0, 1e-300, -1e-300, 1.0, -1.0]])


def test_exp():
    x = np.concatenate([SMALL, np.linspace(-700, 700, 301), GENERATOR.uniform(-700, 700, 200)])
    for (value,) in computed(projection("exp(x)"), x):
        np.testing.assert_allclose(value, np.exp(x), rtol=1e-13)


def test_exp_beyond_the_range_of_doubles():
    """Far out it stays at exp(-700) and exp(700): nothing is infinite in a relation."""
    x = np.array([-700.1, -745.0, -1e5, -1e300, 700.1, 745.0, 1e5, 1e300])
    for (value,) in computed(projection("exp(x)"), x):
        np.testing.assert_allclose(value, np.exp(np.clip(x, -700, 700)), rtol=1e-13)


def test_sqrt():
    exponents = GENERATOR.uniform(-300, 300, 200)
    powers = 10.0 ** np.arange(-300, 301, 7)
    edges = [0.0, 1e-300, 1e300, 9.9999999, 0.99999999, 99.999999999, 0.1, 1.0, 2.0, 4.0, 100.0]
    x = np.concatenate([10.0**exponents, powers, np.nextafter(powers, 0), edges])
    for (value,) in computed(projection("sqrt(x)"), x):
        np.testing.assert_allclose(value, np.sqrt(x), rtol=1e-13)


@pytest.mark.parametrize(("name", "function"), [("sin", np.sin), ("cos", np.cos)])
def test_sine_and_cosine(name: str, function: Any):
    multiples = np.arange(-40, 41) * np.pi / 4
    far = [1e5, -1e5, 99999.5, 63662 * np.pi / 2, 100000 * np.pi / 4]
    x = np.concatenate([SMALL, multiples, far, GENERATOR.uniform(-1e5, 1e5, 500)])
    for (value,) in computed(projection(f"{name}(x)"), x):
        np.testing.assert_allclose(value, function(x), rtol=1e-13, atol=1e-15)


def test_functions_of_functions():
    x, y = GENERATOR.standard_normal((2, 30))
    text = projection(
        "mul(exp(x), exp(y))",
        "exp(sin(exp(x)))",
        "add(sqrt(abs(x)), add(sqrt(abs(y)), sqrt(exp(sub(x, y)))))",
        "div(x, add(1.0, exp(neg(x))))",
        "sub(exp(x), exp(x))",
    )
    expected = [
        np.exp(x) * np.exp(y),
        np.exp(np.sin(np.exp(x))),
        np.sqrt(np.abs(x)) + np.sqrt(np.abs(y)) + np.sqrt(np.exp(x - y)),
        x / (1 + np.exp(-x)),
        np.zeros(30),
    ]
    for values in computed(text, x, y):
        for value, wanted in zip(values, expected, strict=True):
            np.testing.assert_allclose(value, wanted, rtol=1e-12)


def test_columns_that_are_called_as_the_steps():
    text = projection("mul(exp(exp0_x), exp(exp0_y))").replace(
        "x: f64, y: f64", "exp0_x: f64, exp0_y: f64"
    )
    x, y = GENERATOR.standard_normal((2, 9))
    result = run(
        applied(text, LEGALIZE), inputs={"t": {"p": np.arange(9), "exp0_x": x, "exp0_y": y}}
    ).outputs["r"]
    np.testing.assert_allclose(result["v0"], np.exp(x) * np.exp(y), rtol=1e-12)


@pytest.mark.parametrize("missing", [*((name,) for name in ALL), ALL])
@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_samples(sample: str, missing: tuple[str, ...]):
    assert_same_meaning(sample, CONVERT, LegalizeFunctionsPass(missing=missing))


def test_state():
    assert_same_state(CONVERT, LEGALIZE)


def test_llama(tmp_path: Path):
    module, weights = tensor_algebra(tmp_path)
    inputs = stream_tables([5, 3, 8, 1])
    assert_same_meaning(module, CONVERT, LEGALIZE, weights=weights, inputs=inputs)


@pytest.mark.parametrize("target", ["sqlite", "duckdb", "postgres"])
def test_what_exists_stays(target: str):
    module = applied(projection("exp(sqrt(sin(cos(x))))"))
    assert applied(module, LegalizeFunctionsPass(target)).is_structurally_equivalent(module)


def test_a_function_elsewhere_is_refused():
    text = projection("x").replace(
        "%r = rel.project", "%s = rel.select %t where lt(exp(x), y)\n%r = rel.project"
    )
    with pytest.raises(TensorjoinError, match="rel.select calls a function that is missing: exp"):
        applied(text, LegalizeFunctionsPass(missing=("exp",)))
