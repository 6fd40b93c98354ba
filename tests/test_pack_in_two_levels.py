"""`pack-in-two-levels`, executed."""

import numpy as np
import pytest
from samples import CONVERT, SAMPLES, laid_out

from tensorjoin.dialects import rel
from tensorjoin.passes.rel.expand_vectors import ExpandVectorsPass
from tensorjoin.passes.rel.pack_in_two_levels import PackInTwoLevelsPass
from tensorjoin.testing.modules import assert_same_meaning
from tensorjoin.tiling import LEAST_STEPPED, comparisons, step_size

STEPS = PackInTwoLevelsPass(target="sqlite")


@pytest.mark.parametrize("chunk", [10, 64])
@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_samples(sample: str, chunk: int):
    assert_same_meaning(sample, *laid_out("columns", chunk), CONVERT, STEPS, ExpandVectorsPass())


# 47 elements are in steps of 6, the last of which has 5; the second group lacks most.
MODULE = """
rel.table input @x : <[p: 2, i: 47], v: TYPE>
rel.table scratch @y : <[p: 2, k: 47], x: VECTOR, AGGREGATES>
func.func @forward() {
  %x = rel.scan @x : !rel.relation<[p: 2, i: 47], v: TYPE>
  %y = rel.aggregate %x by [p] {x = pack(v, i, 47), CALLS}
  %k = rel.range k to 47
  %j = rel.join %y, %k on []
  %e = rel.project %j [p, k] {x = element(x, k), NAMES}
  rel.insert %e into @y
  func.return
}
"""


def packed(type: str, vector: str, calls: dict[str, str]) -> str:
    columns = ", ".join(
        f"{name}: {'i64' if 'count' in call else type}" for name, call in calls.items()
    )
    named = ", ".join(f"{name} = {call}" for name, call in calls.items())
    text = MODULE.replace("TYPE", type).replace("VECTOR", vector)
    return (
        text.replace("AGGREGATES", columns)
        .replace("CALLS", named)
        .replace("NAMES", ", ".join(calls))
    )


@pytest.mark.parametrize(
    ("type", "vector", "calls", "steps"),
    [
        ("f64", "f32", {"s": "sum(v)", "m": "max(v)", "l": "min(mul(v, v))"}, True),
        ("i64", "i64", {"m": "max(v)"}, True),
        # The rows of a group are not the sum of those of its parts' rows.
        ("f64", "f32", {"n": "count(v)"}, False),
    ],
)
def test_what_goes_with_a_vector(type: str, vector: str, calls: dict[str, str], steps: bool):
    rng = np.random.default_rng(0)
    p, i = np.repeat([0, 1], [47, 9]), np.concatenate([np.arange(47), np.arange(9)])
    values = rng.integers(-99, 99, 56) if type == "i64" else rng.normal(size=56)
    inputs = {"x": {"p": p, "i": i, "v": values}}
    module = assert_same_meaning(packed(type, vector, calls), STEPS, inputs=inputs)
    aggregates = [op for op in module.walk() if isinstance(op, rel.AggregateOp)]
    assert len(aggregates) == (2 if steps else 1)


def test_fewest_comparisons():
    for size in (LEAST_STEPPED, 172, 288, 1536):
        step = step_size(size)
        assert comparisons(size) == step + size / step < size / 2
    assert comparisons(LEAST_STEPPED - 1) == LEAST_STEPPED - 1
