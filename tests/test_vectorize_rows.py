"""A program for every row of a table does what the program for one example did to each."""

import numpy as np

from tensorjoin.passes.rel.pivot_outputs import PivotOutputsPass
from tensorjoin.passes.rel.vectorize_rows import VectorizeRowsPass
from tensorjoin.passes.ten.tile_inputs import TileInputsPass
from tensorjoin.passes.ten_to_rel.convert_ten_to_rel import ConvertTenToRelPass
from tensorjoin.testing.modules import applied, run

MODEL = """
func.func @forward() {
  %x = ten.input @input.x ["a", "i"] "v" : tensor<1x70xf64>
  %w = ten.weight @w from ["w"] layout <arrays 1 by 35> : tensor<4x70xf32>
  %y = ten.contract "ai,oi->ao"(%x, %w) : (tensor<1x70xf64>, tensor<4x70xf32>) -> tensor<1x4xf64>
  %c = ten.constant dense<[[3.0, 1.0]]> : tensor<1x2xf64> : tensor<1x2xf64>
  %z = ten.concat %y, %c axis 1 : (tensor<1x4xf64>, tensor<1x2xf64>) -> tensor<1x6xf64>
  %r = ten.rank descending %z axis 1 : tensor<1x6xf64> -> tensor<1x6xi64>
  %t = ten.running_sum %z axis 1 : tensor<1x6xf64> -> tensor<1x6xf64>
  ten.output %r to @output.r ["a", "b"] : tensor<1x6xi64>
  ten.output %t to @output.t ["a", "b"] : tensor<1x6xf64>
  func.return
}
"""
CHANCE = np.random.default_rng(0)
X = CHANCE.standard_normal((5, 70))
WEIGHTS = {"w": CHANCE.standard_normal((4, 70))}
KEYS = {
    "row": np.repeat(np.arange(5), 70) * 3,
    "a": np.zeros(350, np.int64),
    "i": np.tile(np.arange(70), 5),
}


def one_by_one() -> dict[str, np.ndarray]:
    """What the program before the pass gives for each example."""
    module = applied(MODEL, ConvertTenToRelPass())
    found: dict[str, list[np.ndarray]] = {"output.r": [], "output.t": []}
    for x in X:
        outputs = run(module, weights=WEIGHTS, inputs={"input.x": {"v": x[None]}}).outputs
        for name, rows in outputs.items():
            found[name].append(rows["v"][np.argsort(rows["b"])])
    return {name: np.array(rows) for name, rows in found.items()}


def test_every_row() -> None:
    module = applied(MODEL, ConvertTenToRelPass(), VectorizeRowsPass())
    outputs = run(module, weights=WEIGHTS, inputs={"input.x": {**KEYS, "v": X.reshape(-1)}}).outputs
    for name, expected in one_by_one().items():
        order = np.lexsort([outputs[name]["b"], outputs[name]["row"]])
        assert outputs[name]["row"][order].tolist() == (np.repeat(np.arange(5), 6) * 3).tolist()
        np.testing.assert_allclose(outputs[name]["v"][order], expected.reshape(-1))


def test_outputs_as_columns() -> None:
    passes = (ConvertTenToRelPass(), VectorizeRowsPass(), PivotOutputsPass())
    module = applied(MODEL, *passes)
    inputs = {"input.x": {**KEYS, "v": X.reshape(-1)}}
    result = run(module, weights=WEIGHTS, inputs=inputs).outputs["result"]
    order = np.argsort(result["row"])
    for name, expected in one_by_one().items():
        for place in range(6):
            column = result[f"{name.removeprefix('output.')}_{place}"]
            np.testing.assert_allclose(column[order], expected[:, place])


def test_chunks_of_a_wide_table() -> None:
    """The chunked input is the same tensor: two vectors of 35 elements."""
    tile = TileInputsPass(tables=("input.x",), target="duckdb")
    module = applied(MODEL, tile, ConvertTenToRelPass())
    chunks = {"a": np.zeros(2, np.int64), "i": np.arange(2), "v": X[0].reshape(2, 35)}
    outputs = run(module, weights=WEIGHTS, inputs={"input.x": chunks}).outputs
    np.testing.assert_allclose(
        outputs["output.t"]["v"][np.argsort(outputs["output.t"]["b"])],
        one_by_one()["output.t"][0],
    )
