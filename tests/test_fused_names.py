"""Names for weights that are made of several."""

import pytest

from tensorjoin.fused_names import fused_name


@pytest.mark.parametrize(
    ("names", "fused"),
    [
        (["attn.q_proj.weight", "attn.k_proj.weight"], "attn.q_proj_k_proj.weight"),
        (["mlp.{}.gate", "mlp.{}.up"], "mlp.{}.gate_up"),
        (["a", "b", "c"], "a_b_c"),
        (["lm_head.weight", "model.head.weight"], "lm_head_model.head.weight"),
        (["a.x", "a.x.x"], "a.x._x"),
    ],
)
def test_fused_name(names: list[str], fused: str):
    assert fused_name(names) == fused
