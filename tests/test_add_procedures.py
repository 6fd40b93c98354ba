"""`add-layerwise` and `add-generation`, executed: the same forward pass, and what chooses tokens."""

from typing import Any

import numpy as np
import pytest

from tensorjoin.errors import TensorjoinError
from tensorjoin.interface import Procedure
from tensorjoin.interpreter.machine import Machine
from tensorjoin.passes.rel.add_generation import AddGenerationPass
from tensorjoin.passes.rel.add_layerwise import AddLayerwisePass
from tensorjoin.testing.modules import applied

TEXT = """
rel.table input @x : <[p: ?, t: 4], v: f64>
rel.table input @batch : <[p: ?], token: i32, position: i32, stream: i32, emit: i32>
rel.table state @context : <[c: ?], stream: i32, position: i32>
rel.table state @visibility : <[stream: ?, source: ?], until: i32>
rel.table state @keys : <[c: ?, d: 2], v: f64>
rel.table output @logits : <[p: ?, t: 4], v: f64>
func.func @forward() {
  %x = rel.scan @x : !rel.relation<[p: ?, t: 4], v: f64>
  %y = rel.project %x [p, t] {v = mul(v, 2.0)}
  rel.insert %y into @logits
  func.return
}
"""
P, T = (index.ravel() for index in np.indices((2, 4)))
V = np.array([0.5, -1.0, 3.0, 3.0, 2.0, 0.0, 1.0, -4.0])
X = {"x": {"p": P, "t": T, "v": V}}


def test_layerwise_is_the_same_pass():
    module = applied(TEXT, AddLayerwisePass())
    before = Machine(inputs=X).run(applied(TEXT)).outputs["logits"]["v"]
    for procedure in (Procedure.FORWARD, Procedure.LAYERWISE):
        after = Machine(inputs=X).run(module, procedure).outputs["logits"]["v"]
        np.testing.assert_array_equal(after, before)


BATCH = {"p": [0, 1, 2], "token": [0] * 3, "position": [4, 0, 1], "stream": [7, 9, 9]}
"""A row of one stream, and two of another, the last of which has logits."""
LOGITS = {"p": np.repeat([0, 2], 4), "t": T, "v": V}
ONE, OTHER = {"stream": 7, "top_k": 4, "top_p": 1.0, "state": 5}, {"stream": 9, "state": 6}


def test_generation_leaves_the_pass():
    outputs = Machine(inputs=X).run(applied(TEXT, AddGenerationPass())).outputs
    np.testing.assert_array_equal(outputs["logits"]["v"], 2 * V)


def state_of(temperatures: tuple[float, float]) -> dict[str, Any]:
    """The state after two streams have said how they sample."""
    module = applied(TEXT, AddGenerationPass())
    state: dict[str, Any] = {}
    for own, temperature in zip((ONE, {**ONE, **OTHER}), temperatures, strict=True):
        parameters = {**own, "temperature": temperature}
        for procedure in (Procedure.OPEN_STREAM, Procedure.SAMPLE_BY, Procedure.SAMPLE_BY):
            Machine(state=state, parameters=parameters).run(module, procedure)
    return state


def sampled(state: dict[str, Any], *procedures: Procedure) -> dict[tuple[int, int], int]:
    """By stream and position, the token that follows."""
    module = applied(TEXT, AddGenerationPass())
    inputs = {"batch": {**BATCH, "emit": [1, 0, 1]}, "logits": LOGITS}
    found: dict[tuple[int, int], int] = {}
    for procedure in procedures:
        rows = Machine(inputs=inputs, state=state).run(module, procedure).outputs.get("sampled")
        if rows is not None:
            places = zip(rows["stream"].tolist(), rows["position"].tolist(), strict=True)
            found |= dict(zip(places, rows["token"].tolist(), strict=True))
    return found


def test_each_stream_has_the_first_of_its_most_likely():
    assert sampled(state_of((0.0, 0.0)), Procedure.GREEDY) == {(7, 4): 2, (9, 1): 0}


def test_streams_are_chosen_for_as_they_ask():
    """The second stream draws: its logits 2, 0, 1, -4, and the number after its seed."""
    state = state_of((0.0, 1.0))
    assert sampled(state, Procedure.GREEDY) == {(7, 4): 2}
    state_after = 6 * 48271 % 2147483647
    shares = np.sort(np.exp(V[4:]))[::-1].cumsum() / np.exp(V[4:]).sum()
    rank = int(np.searchsorted(shares, state_after / 2147483647))
    token = int(np.argsort(-V[4:])[rank])
    assert sampled(state, Procedure.DRAW, Procedure.SAMPLE) == {(9, 1): token}
    assert state["random"]["state"].tolist() == [5, 6, state_after]


def test_a_stream_that_closes_takes_its_rows_alone():
    state = state_of((0.0, 1.0))
    state["context"] = {"c": np.arange(3), "stream": np.array([9, 7, 9]), "position": np.arange(3)}
    rows = np.repeat(np.arange(3), 2)
    state["keys"] = {"c": rows, "d": np.tile([0, 1], 3), "v": rows * 1.0}
    module = applied(TEXT, AddGenerationPass())
    Machine(state=state, parameters={"stream": 9}).run(module, Procedure.CLOSE_STREAM)
    assert state["keys"]["c"].tolist() == [1, 1]
    assert state["context"]["c"].tolist() == [1]
    for name in ("visibility", "sampling", "random"):
        assert state[name]["stream"].tolist() == [7]


def test_state_of_no_stream_is_refused():
    lost = TEXT + "rel.table state @lost : <[layer: 2], v: f64>"
    with pytest.raises(TensorjoinError, match="the state lost is keyed by neither stream nor c"):
        applied(lost, AddGenerationPass())
