"""The canonicalization of `rel`, executed."""

from pathlib import Path

import numpy as np
import pytest
from execution import stream_tables
from samples import CONVERT, LAYOUTS, SAMPLES, assert_same_state, laid_out, tensor_algebra
from xdsl.dialects.builtin import ModuleOp
from xdsl.transforms.canonicalize import CanonicalizePass

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import DEEPEST, depth
from tensorjoin.passes.rel.push_projections import PushProjectionsPass
from tensorjoin.testing.modules import applied, assert_same_meaning, run

CANONICALIZE = CanonicalizePass()


def projections(module: ModuleOp) -> list[rel.ProjectOp]:
    return [op for op in module.walk() if isinstance(op, rel.ProjectOp)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_samples(sample: str, layout: str):
    assert_same_meaning(sample, *laid_out(layout), CONVERT, CANONICALIZE)
    assert_same_meaning(sample, *laid_out(layout), CONVERT, PushProjectionsPass(), CANONICALIZE)


def test_state():
    assert_same_state(CONVERT, CANONICALIZE)


def test_llama(tmp_path: Path):
    module, weights = tensor_algebra(tmp_path)
    before = applied(module, CONVERT)
    after = assert_same_meaning(
        module, CONVERT, CANONICALIZE, weights=weights, inputs=stream_tables([5, 3, 8, 1])
    )
    assert len(projections(after)) < len(projections(before))


def chained(*steps: str) -> str:
    """Projections of x and y, one after the other, into @r."""
    lines = [f"%r{n + 1} = rel.project %r{n} {step}" for n, step in enumerate(steps)]
    return "\n".join(
        [
            "func.func @forward() {",
            "%r0 = rel.scan @t : !rel.relation<[p: ?, i: 6], x: f64, y: f64>",
            *lines,
            f"rel.insert %r{len(steps)} into @r",
            "func.return",
            "}",
        ]
    )


@pytest.mark.parametrize(
    ("steps", "left"),
    [
        (["[p, i] {x, y}"], 0),
        (["[p, i] {x = y, y = x}", "[p, i] {x = y, y = x}"], 0),
        (["[p, i] {x = y, y = x}"], 1),
        (["[i, p] {x, y}"], 1),
        (["[p, i] {y, x}"], 1),
        (["[p, i] {a = add(x, y)}", "[p, i] {v = mul(a, 2.0)}"], 1),
        (["[p, i] {a = add(x, y)}", "[p, i] {v = mul(a, a)}"], 2),
        (["[p, j = sub(5, i) to 6] {x}", "[p, k = idiv(j, 2) to 3, l = mod(j, 2) to 2] {x}"], 2),
        (
            [
                "[p, j = idiv(i, 2) to 3, k = mod(i, 2) to 2] {x}",
                "[q = p, i = add(mul(j, 2), k) to 6] {x}",
            ],
            1,
        ),
        (["[p, j = i] {x}", "[k = j, p] {x}", "[p, i = k] {z = x}"], 1),
    ],
)
def test_projections_of_projections(steps: list[str], left: int):
    module = applied(chained(*steps))
    after = applied(module, CANONICALIZE)
    assert len(projections(after)) == left
    grid = np.indices((2, 6)).reshape(2, -1)
    x, y = np.random.default_rng(0).standard_normal((2, 12))
    tables = {"t": {"p": grid[0], "i": grid[1], "x": x, "y": y}}
    first, second = (run(m, inputs=tables).outputs["r"] for m in (module, after))
    assert list(first) == list(second)
    for name, column in first.items():
        np.testing.assert_allclose(second[name], column)


def test_the_schema_stays():
    module = applied(
        chained("[p, j = idiv(i, 2) to 3] {x}", "[q = p, j] {x}", "[q, k = j] {v = x}")
    )
    types = [op.result.type for op in projections(module)]
    (merged,) = projections(applied(module, CANONICALIZE))
    assert merged.result.type == types[-1]


def test_expressions_stay_shallow():
    steps = ["[p, i] {x = add(x, 1.0), y}"] * (3 * DEEPEST)
    merged = applied(chained(*steps), CANONICALIZE)
    depths = [depth(e) for op in projections(merged) for e in rel.expressions(op.values).values()]
    assert max(depths) <= DEEPEST
    assert len(projections(merged)) < 10
