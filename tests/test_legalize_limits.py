"""`legalize-limits`: interpreted, and run on the engines whose limits it keeps."""

from pathlib import Path

import numpy as np
import pytest
from execution import TARGETS, stream_tables
from samples import CONVERT, SAMPLES, assert_same_state, tensor_algebra

from tensorjoin.backends.database import Database
from tensorjoin.backends.emit.program import emit_program
from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import depth
from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.rel.legalize_limits import LegalizeLimitsPass
from tensorjoin.passes.stages.lower_to_sql import LowerToSqlPass
from tensorjoin.program import Statement
from tensorjoin.testing.modules import applied, assert_same_meaning, run


@pytest.mark.parametrize("limit", [2, 3, 5, 12])
@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_samples(sample: str, limit: int):
    split = assert_same_meaning(sample, CONVERT, LegalizeLimitsPass(max_depth=limit))
    for op in split.walk():
        if isinstance(op, rel.ProjectOp):
            assert all(depth(e) <= limit for e in rel.expressions(op.values).values())


def test_state():
    assert_same_state(CONVERT, LegalizeLimitsPass(max_depth=2))


def test_llama(tmp_path: Path):
    module, weights = tensor_algebra(tmp_path)
    inputs = stream_tables([5, 3, 8, 1])
    limits = LegalizeLimitsPass(max_depth=2)
    assert_same_meaning(module, CONVERT, limits, weights=weights, inputs=inputs)


def chain(count: int, step: str) -> str:
    """A map of `count` steps, each from %v{n} to %v{n + 1}."""
    steps = "\n".join(step.format(n=n, m=n + 1, c=(n % 7) / 8) for n in range(count))
    return f"""
    func.func @forward(%x: tensor<?xf32>) -> tensor<?xf32> {{
      %r = ten.map "p->p"(%x) : (tensor<?xf32>) -> tensor<?xf32> {{
      ^bb0(%v0: f32):
        {steps}
        ten.yield %v{count} : f32
      }}
      func.return %r : tensor<?xf32>
    }}
    """


NESTED = chain(
    2500,
    "%c{n} = arith.constant {c} : f32\n%s{n} = arith.subf %c{n}, %v{n} : f32\n"
    "%v{m} = math.absf %s{n} : f32",
)
"""|c - |c - |c - x|||, 5000 deep."""
TERMS = chain(
    3000,
    "%c{n} = arith.constant {c} : f32\n%p{n} = arith.mulf %v0, %c{n} : f32\n"
    "%v{m} = arith.addf %v{n}, %p{n} : f32",
)
"""A sum of 3000 products."""
DOUBLED = chain(
    60,
    "%c{n} = arith.constant 0.5 : f32\n%p{n} = arith.mulf %v{n}, %c{n} : f32\n"
    "%s{n} = arith.mulf %v{n}, %p{n} : f32\n%v{m} = arith.subf %p{n}, %s{n} : f32",
)
"""Each step is used three times by the next."""

X = np.array([0.25, -0.5, 0.75])


def nested(x: np.ndarray) -> np.ndarray:
    for n in range(2500):
        x = np.abs((n % 7) / 8 - x)
    return x


def terms(x: np.ndarray) -> np.ndarray:
    return x + x * sum((n % 7) / 8 for n in range(3000))


def doubled(x: np.ndarray) -> np.ndarray:
    for _ in range(60):
        x = 0.5 * x - x * (0.5 * x)
    return x


PROGRAMS = pytest.mark.parametrize(
    ("text", "function"),
    [(NESTED, nested), (TERMS, terms), (DOUBLED, doubled)],
    ids=["nested", "terms", "doubled"],
)


@PROGRAMS
def test_deep_maps_run(database: Database, text: str, function):
    profile = database.target
    program = emit_program(applied(text, LowerToSqlPass(profile.name)), profile)
    for table in program.tables:
        database.execute(table.create)
    database.insert("arg0", {"p": np.arange(3), "v": X.astype(np.float32)})
    for step in program.procedures["forward"]:
        database.execute(step.statement)
    rows = database.query(Statement('SELECT "v" FROM "result0" ORDER BY 1'))
    np.testing.assert_allclose([v for (v,) in rows], np.sort(function(X)), rtol=1e-6)


@PROGRAMS
def test_deep_maps_mean_the_same(text: str, function):
    split = applied(text, CONVERT, LegalizeLimitsPass("sqlite"))
    result = run(split, X).outputs["result0"]["v"]
    np.testing.assert_allclose(result, function(X), rtol=1e-6)


def wide(columns: int) -> str:
    names = ", ".join(f"c{n}: f32" for n in range(columns))
    return f"rel.table input @t : <[p: ?], {names}>"


@pytest.mark.parametrize("target", ["sqlite", "postgres"])
def test_a_table_wider_than_the_target_allows(target: str):
    most = TARGETS[target].profile.max_columns
    applied(wide(most - 1), LegalizeLimitsPass(target))
    with pytest.raises(TensorjoinError) as refused:
        applied(wide(most), LegalizeLimitsPass(target))
    assert str(refused.value) == (
        f"rel.table has {most + 1} columns and {target} at most {most}:"
        " choose smaller chunks, by tile-weights{chunk=...}"
    )


def test_a_join_wider_than_the_target_allows():
    half = TARGETS["sqlite"].profile.max_columns // 2
    left, right = (", ".join(f"{side}{n}: f32" for n in range(half)) for side in "xy")
    text = f"""
    func.func @forward() {{
      %x = rel.scan @x : !rel.relation<[p: ?], {left}>
      %y = rel.scan @y : !rel.relation<[p: ?], {right}>
      %j = rel.join %x, %y on [p]
      func.return
    }}
    """
    with pytest.raises(TensorjoinError, match="rel.join has 2001 columns"):
        applied(text, LegalizeLimitsPass("sqlite"))


def test_parameters_of_projections_and_selections_count():
    count = TARGETS["sqlite"].profile.max_parameters
    conditions = "\n".join(f"%s{n} = rel.select %x where eq(p, ?a{n})" for n in range(count // 100))
    text = f"""
    func.func @forward() {{
      %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
      {conditions}
      func.return
    }}
    """
    assert applied(text, LegalizeLimitsPass("sqlite"))


def test_a_depth_that_is_no_depth():
    with pytest.raises(TensorjoinError, match="at least 2"):
        applied(wide(2), LegalizeLimitsPass(max_depth=1))
