"""`split-sums`, executed."""

import numpy as np
import pytest
from samples import CONVERT, SAMPLES, laid_out

from tensorjoin.backend import find_target
from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import columns_of
from tensorjoin.passes.rel.expand_vectors import ExpandVectorsPass
from tensorjoin.passes.rel.split_sums import SplitSumsPass
from tensorjoin.testing.modules import assert_same_meaning

SPLIT = SplitSumsPass(target="sqlite")
CARRIED = find_target("sqlite").profile.thresholds.carried_columns


@pytest.mark.parametrize("chunk", [4, 10, 64])
@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_samples(sample: str, chunk: int):
    assert_same_meaning(sample, *laid_out("columns", chunk), CONVERT, ExpandVectorsPass(), SPLIT)


COLUMNS = f"<[o: 4, i: 3], {', '.join(f'{name}: f64' for name in 'abcdefghk')}>"
SUM = """
rel.table input @x : COLUMNS
rel.table scratch @y : <[o: 4], a: f64, w: f64>
func.func @forward() {
  %x = rel.scan @x : !rel.relationCOLUMNS
  %y = rel.aggregate %x by [o] {
    a = sum(add(add(add(a, b), add(c, d)), add(add(e, f), add(g, add(h, k))))), w = max(WIDE)
  }
  rel.insert %y into @y
  func.return
}
"""


@pytest.mark.parametrize(("wide", "splits"), [("mul(b, c)", True), ("mul(a, b)", False)])
def test_a_sum_by_the_name_of_a_column(wide: str, splits: bool):
    """What is computed before may be called as the sum is, unless another value reads that name."""
    rng = np.random.default_rng(0)
    index = np.indices((4, 3)).reshape(2, -1)
    columns = {name: rng.normal(size=12) for name in "abcdefghk"}
    inputs = {"x": {"o": index[0], "i": index[1], **columns}}
    split = assert_same_meaning(
        SUM.replace("WIDE", wide).replace("COLUMNS", COLUMNS), SPLIT, inputs=inputs
    )
    sums = [op for op in split.walk() if isinstance(op, rel.AggregateOp)]
    reads = {c for op in sums for e in rel.expressions(op.values).values() for c in columns_of(e)}
    assert (len(reads) <= CARRIED) == splits
