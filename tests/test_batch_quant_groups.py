"""`batch-quant-groups`, executed."""

import numpy as np
import pytest
from execution import matrix
from models.quantized_llama import dequantized, product

from tensorjoin.passes.rel.expand_vectors import ExpandVectorsPass
from tensorjoin.passes.rel.pack_in_two_levels import PackInTwoLevelsPass
from tensorjoin.passes.ten_to_rel.convert_ten_to_rel import ConvertTenToRelPass
from tensorjoin.testing.modules import applied, run

LOWERINGS = (
    (ConvertTenToRelPass(),),
    (ConvertTenToRelPass(), PackInTwoLevelsPass(target="sqlite"), ExpandVectorsPass()),
)
CONTRACT = """
func.func @forward(%x: tensor<?x70xf32>) -> tensor<?x7xf32> {
  %w = ten.weight @w from ["a", "b"] layout <LAYOUT> : tensor<7x70xf32>
  %y = ten.contract "pi,oi->po"(%x, %w) : (tensor<?x70xf32>, tensor<7x70xf32>) -> tensor<?x7xf32>
  func.return %y : tensor<?x7xf32>
}
"""
GATHER = """
func.func @forward(%ids: tensor<?xi32>) -> tensor<?x70xf32> {
  %w = ten.weight @w from ["a", "b"] layout <LAYOUT> : tensor<7x70xf32>
  %x = ten.gather "ti,p->pi" %w, %ids : tensor<7x70xf32>, tensor<?xi32> -> tensor<?x70xf32>
  func.return %x : tensor<?x70xf32>
}
"""


@pytest.mark.parametrize("lowering", LOWERINGS, ids=["vectors", "columns"])
@pytest.mark.parametrize(("size", "groups"), [(10, 7), (10, 2), (14, 2), (35, 2), (4, 18)])
@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("bits", [8, 4])
def test_several_groups_in_a_row(lowering: tuple, size: int, groups: int, lanes: int, bits: int):
    """Groups that do and do not divide the axis, and rows that hold all of them or a few."""
    rng = np.random.default_rng(3)
    weights = {n: rng.normal(size=(k, 70)).astype(np.float32) for n, k in (("a", 5), ("b", 2))}
    w = np.concatenate([weights["a"], weights["b"]])
    x = rng.normal(size=(3, 70)).astype(np.float32)
    x[1] = 0
    layout = f"lanes 1 by {size * groups} of {bits} bits in {lanes} groups {groups}"
    found = run(applied(CONTRACT.replace("LAYOUT", layout), *lowering), x, weights=weights)
    expected = product(x.astype(np.float64), w, bits, size)
    np.testing.assert_allclose(matrix(found.outputs["result0"]), expected, rtol=0, atol=1e-12)
    ids = np.array([6, 0, 3], dtype=np.int32)
    found = run(applied(GATHER.replace("LAYOUT", layout), *lowering), ids, weights=weights)
    expected = dequantized(w[ids], bits, size)
    np.testing.assert_allclose(matrix(found.outputs["result0"]), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("lowering", LOWERINGS, ids=["vectors", "columns"])
@pytest.mark.parametrize("groups", [1, 7])
@pytest.mark.parametrize(("indices", "shape"), [("pib,oi->po", "3x70x2"), ("bi,oi->o", "2x70")])
def test_a_sum_over_an_axis_more(lowering: tuple, groups: int, indices: str, shape: str):
    """The weight's own axis may be in one chunk, and there is still something to sum."""
    rng = np.random.default_rng(4)
    w = rng.normal(size=(7, 70)).astype(np.float32)
    x = rng.normal(size=tuple(map(int, shape.split("x")))).astype(np.float32)
    made = "3x7" if "p" in indices else "7"
    layout = f"lanes 1 by 70 of 8 bits in 2 groups {groups}".removesuffix(" groups 1")
    module = f"""
    func.func @forward(%x: tensor<{shape}xf32>) -> tensor<{made}xf32> {{
      %w = ten.weight @w from ["w"] layout <{layout}> : tensor<7x70xf32>
      %y = ten.contract "{indices}"(%x, %w)
        : (tensor<{shape}xf32>, tensor<7x70xf32>) -> tensor<{made}xf32>
      func.return %y : tensor<{made}xf32>
    }}
    """
    found = run(applied(module, *lowering), x, weights={"w": w}).outputs["result0"]
    rows = np.moveaxis(x, 1, -1).reshape(-1, 70) if "p" in indices else x
    products = product(rows.astype(np.float64), w, 8, 70 // groups)
    expected = products.reshape(-1, 2, 7).sum(axis=1)
    np.testing.assert_allclose(found["v"], expected.reshape(-1), rtol=0, atol=1e-12)
