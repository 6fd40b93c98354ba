"""`add-layerwise` and `add-generation`, executed: the same forward pass, and what chooses tokens."""

import numpy as np
from execution import applied

from tensorjoin.interface import Procedure
from tensorjoin.interpreter.machine import Machine
from tensorjoin.passes.rel.add_generation import AddGenerationPass
from tensorjoin.passes.rel.add_layerwise import AddLayerwisePass

TEXT = """
rel.table input @x : <[p: ?, t: 4], v: f64>
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


def test_generation_leaves_the_pass_and_chooses_the_first_of_the_most_likely():
    module = applied(TEXT, AddGenerationPass())
    outputs = Machine(inputs=X).run(module).outputs
    np.testing.assert_array_equal(outputs["logits"]["v"], 2 * V)
    logits = {"logits": {"p": P, "t": T, "v": V}}
    sampled = Machine(inputs=logits).run(module, Procedure.GREEDY).outputs["sampled"]
    assert sampled["token"].tolist() == V.reshape(2, 4).argmax(axis=1).tolist()
