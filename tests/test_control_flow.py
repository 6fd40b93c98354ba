"""If, Loop and Scan on real engines, where the standard's own cases do not go."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from onnx import parser

from tensorjoin.backends.database import Database
from tensorjoin.errors import UnsupportedError
from tensorjoin.runtime.onnx_model import OnnxModel

Array = npt.NDArray[Any]


def prepared(database: Database, graph: str, opset: int = 21) -> OnnxModel:
    header = f'<ir_version: 8, opset_import: ["": {opset}]>'
    return OnnxModel(parser.parse_model(f"{header}\n{graph}"), database)


def assert_outputs(model: OnnxModel, inputs: dict[str, Array], expected: list[npt.ArrayLike]):
    for found, wanted in zip(model.run(inputs).values(), expected, strict=True):
        assert found.shape == np.shape(wanted)
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


def floats(*numbers: float) -> Array:
    return np.array(numbers, np.float32)


BRANCHES = """
g (float[3] x) => (float[n] y) {{
  zero = Constant<value_float=0.0>()
  axes = Constant<value_ints=[0]>()
  largest = ReduceMax<keepdims=0>(x, axes)
  c = Greater(largest, zero)
  y = If(c) <
    then_branch = t () => (float[3] a) {{ a = Neg(x) }},
    else_branch = e () => (float[m] b) {{ b = {other} }}
  >
}}
"""


def test_a_choice_by_data(database: Database):
    model = prepared(database, BRANCHES.format(other="Mul(x, x)"))
    assert_outputs(model, {"x": floats(1, 2, -3)}, [[-1, -2, 3]])
    assert_outputs(model, {"x": floats(-1, -2, -3)}, [[1, 4, 9]])
    assert model.compiled is not None
    assert not model.compiled.constants


def test_a_choice_by_data_between_shapes(database: Database):
    model = prepared(database, BRANCHES.format(other="Concat<axis=0>(x, x)"))
    assert_outputs(model, {"x": floats(1, 2, -3)}, [[-1, -2, 3]])
    assert_outputs(model, {"x": floats(-1, -2, -3)}, [[-1, -2, -3, -1, -2, -3]])
    assert model.compiled is not None
    assert model.compiled.constants == {"x"}


def test_only_the_branch_to_be_taken_needs_a_decomposition(database: Database):
    model = prepared(database, BRANCHES.format(other="RandomNormalLike(x)"))
    assert_outputs(model, {"x": floats(1, 2, -3)}, [[-1, -2, 3]])
    with pytest.raises(UnsupportedError, match="RandomNormalLike"):
        model.run({"x": floats(-1, -2, -3)})


def test_graphs_see_what_is_around_them(database: Database):
    model = prepared(
        database,
        """
        g (bool c, bool d, float[3] x) => (float[3] y) {
          y = If(c) <
            then_branch = t () => (float[3] a) {
              q = Neg(x)
              a = If(d) <
                then_branch = t2 () => (float[3] a2) { a2 = Mul(q, x) },
                else_branch = e2 () => (float[3] b2) { b2 = Add(q, q) }
              >
            },
            else_branch = e () => (float[3] b) { b = Identity(x) }
          >
        }""",
    )
    yes, no, x = np.array(True), np.array(False), floats(1, 2, 3)
    assert_outputs(model, {"c": yes, "d": yes, "x": x}, [[-1, -4, -9]])
    assert_outputs(model, {"c": yes, "d": no, "x": x}, [[-2, -4, -6]])
    assert_outputs(model, {"c": no, "d": no, "x": x}, [x])


def test_a_loop_while_a_condition_holds(database: Database):
    model = prepared(
        database,
        """
        g (int64 most, float[2] x) => (float[2] y, float[k, 2] s) {
          start = Constant<value=bool {1}>()
          limit = Constant<value_float=20.0>()
          y, s = Loop(most, start, x) <
            body = b (int64 i, bool c, float[2] v) => (bool more, float[2] w, float[2] o) {
              w = Add(v, v)
              axes = Constant<value_ints=[0]>()
              largest = ReduceMax<keepdims=0>(w, axes)
              more = Less(largest, limit)
              o = Identity(v)
            }
          >
        }""",
    )
    x, many, none = floats(1, 3), np.array(50), np.array(0)
    assert_outputs(model, {"most": many, "x": x}, [[8, 24], [[1, 3], [2, 6], [4, 12]]])
    assert_outputs(model, {"most": none, "x": x}, [x, np.zeros((0, 2))])


COUNTED = """
g (float[2] x) => (float[k] y, int64[n] s) {{
  most = Constant<value_int={rounds}>()
  y, s = Loop(most, "", x) <
    body = b (int64 i, bool c, float[p] v) => (bool more, float[q] w, int64 o) {{
      w = {step}
      more = Identity(c)
      o = Mul(i, i)
    }}
  >
}}
"""


def test_a_state_that_grows(database: Database):
    model = prepared(database, COUNTED.format(rounds=3, step="Concat<axis=0>(v, x)"))
    assert_outputs(model, {"x": floats(1, 2)}, [[1, 2] * 4, [0, 1, 4]])


def test_many_rounds(database: Database):
    model = prepared(database, COUNTED.format(rounds=120, step="Sin(v)"))
    expected = floats(1, 2).astype(np.float64)
    for _ in range(120):
        expected = np.sin(expected)
    assert_outputs(model, {"x": floats(1, 2)}, [expected, np.arange(120) ** 2])


def test_too_many_rounds(database: Database):
    model = prepared(database, COUNTED.format(rounds=100_000, step="Sin(v)"))
    with pytest.raises(UnsupportedError, match="Loop: more than 400 rounds are not unrolled"):
        model.run({"x": floats(1, 2)})


def test_axes_and_directions_of_a_scan(database: Database):
    model = prepared(
        database,
        """
        g (float[2] h, float[2, 3] x, float[3] z) => (float[2] y, float[2, 3] s, float[3] r) {
          y, s, r = Scan(h, x, z) <
            num_scan_inputs = 2, scan_input_axes = [-1, 0], scan_input_directions = [1, 0],
            scan_output_axes = [1, 0], scan_output_directions = [0, 1],
            body = b (float[2] v, float[2] e, float q) => (float[2] w, float[2] o, float p) {
              w = Add(v, e)
              o = Mul(w, e)
              p = Neg(q)
            }
          >
        }""",
    )
    inputs = {"h": floats(1, 2), "x": np.arange(6, dtype=np.float32).reshape(2, 3)}
    expected: list[npt.ArrayLike] = [[4, 14], [[6, 4, 0], [35, 44, 42]], [-9, -8, -7]]
    assert_outputs(model, {**inputs, "z": floats(7, 8, 9)}, expected)


def test_a_scan_of_batches_with_lengths(database: Database):
    model = prepared(
        database,
        """
        g (int64[2] n, float[2, 2] h, float[2, 3, 2] x) => (float[2, 2] y, float[2, 3, 2] s) {
          y, s = Scan(n, h, x) <
            num_scan_inputs = 1, directions = [1],
            body = b (float[2] v, float[2] e) => (float[2] w, float[2] o) {
              w = Add(v, e)
              o = Identity(w)
            }
          >
        }""",
        opset=8,
    )
    x = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    inputs: dict[str, Array] = {"n": np.array([3, 2]), "h": np.ones((2, 2), np.float32), "x": x}
    outputs = [[[5, 6], [7, 9], [7, 10]], [[9, 10], [15, 17], [0, 0]]]
    assert_outputs(model, inputs, [[[7, 10], [15, 17]], outputs])
