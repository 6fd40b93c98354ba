"""Operators of `nn` mean what their decompositions mean."""

from pathlib import Path

import numpy as np
import pytest
from execution import llama, stream_tables
from models.llama import CONFIGURATIONS
from models.references import reference

from tensorjoin.passes.nn.decompose import DecomposePass
from tensorjoin.testing.modules import assert_same_meaning, run


def decomposed(text: str, **options):
    """Checks that `decompose` keeps the meaning of a module, and leaves no `nn` in it."""
    module = assert_same_meaning(text, DecomposePass(), **options)
    assert not [op.name for op in module.walk() if op.dialect_name() == "nn"]
    return module


@pytest.mark.parametrize("encoding", ["", ", #ten.sparse"])
@pytest.mark.parametrize(
    "op",
    [
        *("silu %x", "gelu_tanh %x", "relu %x", "scale %x by -1.5 : f64"),
        *("add %x, %y", "mul %x, %y"),
    ],
)
@pytest.mark.parametrize("shape", ["?x4", "?", "2x3x4"])
def test_elementwise(op: str, shape: str, encoding: str):
    type = f"tensor<{shape}xf32{encoding}>"
    operands = ", ".join([type] * op.count("%"))
    decomposed(f"""
        func.func @f(%x: {type}, %y: {type}) -> {type} {{
          %r = nn.{op} : {operands} -> {type}
          func.return %r : {type}
        }}""")


def test_weights():
    decomposed("""
        func.func @f() -> (tensor<3x4xf32>, tensor<5xf32>) {
          %layer = arith.constant 1 : index
          %w = nn.weight @"layers.{}.w" at %layer of 2 : i64 : tensor<3x4xf32>
          %g = nn.weight @norm : tensor<5xf32>
          func.return %w, %g : tensor<3x4xf32>, tensor<5xf32>
        }""")


def test_weights_made_of_tensors():
    decomposed("""
        func.func @f() -> (tensor<3x4xf32>, tensor<5xf32>) {
          %layer = arith.constant 1 : index
          %w = nn.weight @"layers.{}.w" from <"layers.{}.vw" transposed rows 2 to 5 of 6>
              at %layer of 2 : i64 : tensor<3x4xf32>
          %g = nn.weight @norm from <"norm" plus one> : tensor<5xf32>
          func.return %w, %g : tensor<3x4xf32>, tensor<5xf32>
        }""")


def test_embedding():
    decomposed(
        """
        func.func @f(%t: tensor<7x4xf32>, %n: tensor<?xi32>) -> tensor<?x4xf32> {
          %r = nn.embedding %t, %n : tensor<7x4xf32>, tensor<?xi32> -> tensor<?x4xf32>
          func.return %r : tensor<?x4xf32>
        }""",
        rows=5,
    )


ROWS = np.ma.array(np.arange(20.0).reshape(5, 4), mask=np.repeat([[0], [1], [0], [1], [1]], 4, 1))


@pytest.mark.parametrize("encoding", ["", ", #ten.sparse"])
def test_linear_and_norm(encoding: str):
    generator = np.random.default_rng(1)
    decomposed(
        f"""
        func.func @f(%x: tensor<?x4xf32{encoding}>, %w: tensor<6x4xf32>, %g: tensor<4xf32>)
            -> (tensor<?x6xf32{encoding}>, tensor<?x4xf32{encoding}>) {{
          %0 = nn.linear %x, %w
              : tensor<?x4xf32{encoding}>, tensor<6x4xf32> -> tensor<?x6xf32{encoding}>
          %1 = nn.rms_norm %x, %g epsilon 0.1 : f64
              : tensor<?x4xf32{encoding}>, tensor<4xf32> -> tensor<?x4xf32{encoding}>
          func.return %0, %1 : tensor<?x6xf32{encoding}>, tensor<?x4xf32{encoding}>
        }}""",
        arguments=[
            ROWS if encoding else ROWS.data,
            generator.standard_normal((6, 4)),
            generator.standard_normal(4),
        ],
    )


@pytest.mark.parametrize("encoding", ["", ", #ten.sparse"])
def test_bias_and_norm_of_pieces(encoding: str):
    generator = np.random.default_rng(2)
    type = f"tensor<?x4xf32{encoding}>"
    decomposed(
        f"""
        func.func @f(%x: {type}, %b: tensor<4xf32>, %g: tensor<2xf32>) -> ({type}, {type}) {{
          %0 = nn.add_bias %x, %b : {type}, tensor<4xf32> -> {type}
          %1 = nn.rms_norm %x, %g epsilon 0.1 : f64 : {type}, tensor<2xf32> -> {type}
          func.return %0, %1 : {type}, {type}
        }}""",
        arguments=[
            ROWS if encoding else ROWS.data,
            generator.standard_normal(4),
            generator.standard_normal(2),
        ],
    )


@pytest.mark.parametrize("encoding", ["", ", #ten.sparse"])
def test_filter(encoding: str):
    decomposed(
        f"""
        func.func @f(%x: tensor<?x4xf32{encoding}>, %e: tensor<?xi32>)
            -> tensor<?x4xf32, #ten.sparse> {{
          %r = nn.filter %x, %e
              : tensor<?x4xf32{encoding}>, tensor<?xi32> -> tensor<?x4xf32, #ten.sparse>
          func.return %r : tensor<?x4xf32, #ten.sparse>
        }}""",
        arguments=[ROWS if encoding else ROWS.data, [0, 1, 2, 0, -1]],
    )


@pytest.mark.parametrize(("heads", "half"), [(1, 1), (3, 1), (1, 4), (2, 3)])
def test_rotary_and_rope(heads: int, half: int):
    width, frequencies = heads * 2 * half, [0.5**n for n in range(half)]
    rotations = f"tensor<?x2x2x{half}xf32>"
    generator = np.random.default_rng(1)
    decomposed(
        f"""
        func.func @f(%x: tensor<?x{width}xf32>, %p: tensor<?xi32>)
            -> (tensor<?x{width}xf32>, {rotations}) {{
          %r = nn.rotary %p, dense<{frequencies}> : tensor<{half}xf64>
              : tensor<?xi32> -> {rotations}
          %y = nn.rope %x, %r : tensor<?x{width}xf32>, {rotations} -> tensor<?x{width}xf32>
          func.return %y, %r : tensor<?x{width}xf32>, {rotations}
        }}""",
        arguments=[generator.standard_normal((4, width)), [0, 1, 7, 1000]],
    )


@pytest.mark.parametrize("window", ["", "window 1", "window 2"])
def test_causal_mask(window: str):
    decomposed(
        f"""
        func.func @f(%s: tensor<?xi32>, %p: tensor<?xi32>, %cs: tensor<?xi32>, %cp: tensor<?xi32>,
                     %u: tensor<?x?xi32, #ten.sparse>) -> tensor<?x?xi1, #ten.sparse> {{
          %m = nn.causal_mask batch(%s, %p) context(%cs, %cp) until %u {window}
              : tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>,
                tensor<?x?xi32, #ten.sparse> -> tensor<?x?xi1, #ten.sparse>
          func.return %m : tensor<?x?xi1, #ten.sparse>
        }}""",
        arguments=[
            [0, 1, 2, 1],
            [3, 2, 0, 5],
            [0, 0, 0, 0, 1, 1, 2, 3],
            [0, 1, 2, 3, 2, 3, 0, 0],
            np.ma.array([[9, 0, 0], [2, 9, 0], [0, 0, 0]], mask=[[0, 1, 1], [0, 0, 1], [1, 1, 0]]),
        ],
    )


ATTENTION = """
    func.func @f(%q: tensor<?xQxf32>, %k: tensor<?xKxf32>, %v: tensor<?xKxf32>,
                 %m: tensor<?x?xi1, #ten.sparse>) -> tensor<?xQxf32> {
      %layer = arith.constant 2 : index
      %y = nn.attention %q, %k, %v mask %m cache @CACHE heads HEADS kv_heads GROUPS scale 0.7 : f64
          : tensor<?xQxf32>, tensor<?xKxf32>, tensor<?xKxf32>, tensor<?x?xi1, #ten.sparse>
          -> tensor<?xQxf32>
      func.return %y : tensor<?xQxf32>
    }"""


@pytest.mark.parametrize("cache", ["cache", '"cache.{}" at %layer of 3 : i64'])
@pytest.mark.parametrize(("heads", "groups", "width"), [(1, 1, 3), (4, 2, 2), (3, 1, 4), (4, 4, 1)])
def test_attention_over_what_is_cached(cache: str, heads: int, groups: int, width: int):
    text = ATTENTION
    for name, value in (
        ("CACHE", cache),
        ("HEADS", heads),
        ("GROUPS", groups),
        ("Q", heads * width),
        ("K", groups * width),
    ):
        text = text.replace(name, str(value))
    generator = np.random.default_rng(heads)
    cached, rows = 4, 3
    visible = np.tri(rows, cached + rows, cached, np.bool_)
    visible[:, 1] = False
    prefix = "cache.2" if "{}" in cache else "cache"
    decomposed(
        text,
        arguments=[
            generator.standard_normal((rows, heads * width)),
            generator.standard_normal((rows, groups * width)),
            generator.standard_normal((rows, groups * width)),
            np.ma.array(visible, mask=~visible),
        ],
        state={
            f"{prefix}.keys": generator.standard_normal((cached, groups, width)),
            f"{prefix}.values": generator.standard_normal((cached, groups, width)),
        },
    )


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_models(name: str, tmp_path: Path):
    module, weights = llama(name, tmp_path)
    inputs = dict(stream_tables(reference(name).prompt))
    inputs["batch"] = {**inputs["batch"], "emit": np.arange(len(reference(name).prompt)) % 3}
    decomposed(module, weights=weights, inputs=inputs)


def test_a_model_token_by_token(tmp_path: Path):
    module, weights = llama("small", tmp_path)
    expected = reference("small")
    tensor_module = decomposed(module, weights=weights, inputs=stream_tables(expected.prompt))
    state: dict[str, object] = {}
    for end in range(1, len(expected.prompt) + 1):
        inputs = stream_tables(expected.prompt, end - 1, end)
        results = run(tensor_module, weights=weights, inputs=inputs, state=state)
        np.testing.assert_allclose(
            results.outputs["logits"][0], expected.logits[end - 1], atol=1e-4
        )
