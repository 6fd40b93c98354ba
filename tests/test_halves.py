"""Weights of 16 bits: the arithmetic, and whole models on pgvector against numpy."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from execution import matrix
from models.llama import write_checkpoint
from models.quantized_llama import dequantized, logits, product
from safetensors.numpy import load_file, save_file

from tensorjoin import pipelines
from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database
from tensorjoin.backends.emit.program import emit_program
from tensorjoin.backends.postgres import PGVECTOR
from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.llama_config import read_llama_config
from tensorjoin.language_model_program import compile_language_model
from tensorjoin.layouts import longest_half
from tensorjoin.passes.rel.expand_vectors import ExpandVectorsPass
from tensorjoin.passes.stages.lower_to_sql import LowerToSqlPass
from tensorjoin.passes.ten.interleave_weights import InterleaveWeightsPass
from tensorjoin.passes.ten.quantize_weights import QuantizeWeightsPass
from tensorjoin.passes.ten_to_rel.convert_ten_to_rel import ConvertTenToRelPass
from tensorjoin.pipelines import Layout
from tensorjoin.program import Statement
from tensorjoin.runtime import load
from tensorjoin.runtime.load import load_model
from tensorjoin.runtime.session import Session
from tensorjoin.runtime.stream import Stream
from tensorjoin.testing.engines import execute
from tensorjoin.testing.modules import applied, run
from tensorjoin.tiling import chunk_size
from tensorjoin.tools.sql_llm import main

DEMO = Path(__file__).parents[1] / "examples" / "demo"
TEXT = (440, 17, 92, 260, 5, 301, 77, 77, 12, 499, 3, 250)
LOWERINGS = ((ConvertTenToRelPass(),), (ConvertTenToRelPass(), ExpandVectorsPass()))
MODEL = "one-layer"

CONTRACT = """
func.func @forward(%x: tensor<?x10xf32>) -> tensor<?x7xf32> {
  %w = ten.weight @w from ["a", "b"] : tensor<7x10xf32>
  %y = ten.contract "pi,oi->po"(%x, %w) : (tensor<?x10xf32>, tensor<7x10xf32>) -> tensor<?x7xf32>
  func.return %y : tensor<?x7xf32>
}
"""

LOOKED_UP = """
func.func @forward(%ids: tensor<?xi32>) -> (tensor<?x10xf32>, tensor<?x7xf32>) {
  %w = ten.weight @w from ["a", "b"] : tensor<7x10xf32>
  %x = ten.gather "ti,p->pi" %w, %ids : tensor<7x10xf32>, tensor<?xi32> -> tensor<?x10xf32>
  %y = ten.contract "pi,oi->po"(%x, %w) : (tensor<?x10xf32>, tensor<7x10xf32>) -> tensor<?x7xf32>
  func.return %x, %y : tensor<?x10xf32>, tensor<?x7xf32>
}
"""

GATED = """
func.func @forward(%x: tensor<?x10xf32>) -> tensor<?x3xf32> {
  %w = ten.weight @w from ["a", "b"] : tensor<6x10xf32>
  %y = ten.contract "pi,oi->po"(%x, %w) : (tensor<?x10xf32>, tensor<6x10xf32>) -> tensor<?x6xf32>
  %a = ten.slice %y axis 1 from 0 : tensor<?x6xf32> -> tensor<?x3xf32>
  %b = ten.slice %y axis 1 from 3 : tensor<?x6xf32> -> tensor<?x3xf32>
  %m = ten.map "po,po->po"(%a, %b) : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32> {
  ^bb0(%c: f32, %d: f32):
    %e = arith.mulf %c, %d : f32
    ten.yield %e : f32
  }
  func.return %m : tensor<?x3xf32>
}
"""


def operands(outputs: Sequence[int]) -> tuple[dict[str, npt.NDArray], npt.NDArray]:
    """Two parts of a weight with so many outputs each, and activations with a row of zeros."""
    rng = np.random.default_rng(2)
    parts = {
        name: rng.normal(size=(count, 10)).astype(np.float32)
        for name, count in zip("ab", outputs, strict=True)
    }
    x = rng.normal(size=(3, 10)).astype(np.float32)
    x[1] = 0
    return parts, x


@pytest.mark.parametrize("lowering", LOWERINGS, ids=["converted", "expanded"])
@pytest.mark.parametrize("group", [4, 5, 10, 64])
def test_products_and_rows(lowering: tuple, group: int):
    """Chunks that do and do not divide the weight, which comes in two parts."""
    weights, x = operands((5, 2))
    w = np.concatenate([weights["a"], weights["b"]])
    passes = (QuantizeWeightsPass(16, group), *lowering)
    size = chunk_size(10, group)
    found = run(applied(CONTRACT, *passes), x, weights=weights).outputs["result0"]
    expected = product(x.astype(np.float64), w, 16, size)
    np.testing.assert_allclose(matrix(found), expected, rtol=0, atol=1e-12)
    ids = np.array([6, 0, 3], dtype=np.int32)
    outputs = run(applied(LOOKED_UP, *passes), ids, weights=weights).outputs
    rows = dequantized(w[ids], 16, size)
    np.testing.assert_array_equal(matrix(outputs["result0"]), rows)
    expected = product(rows, w, 16, size)
    np.testing.assert_allclose(matrix(outputs["result1"]), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("group", [4, 10])
def test_parts_beside_each_other(group: int):
    weights, x = operands((3, 3))
    passes = (QuantizeWeightsPass(16, group), InterleaveWeightsPass("pgvector"))
    module = applied(GATED, *passes)
    assert "parts 2" in str(module)
    found = run(applied(module, *LOWERINGS[1]), x, weights=weights).outputs["result0"]
    a, b = (product(x.astype(np.float64), w, 16, chunk_size(10, group)) for w in weights.values())
    np.testing.assert_allclose(matrix(found), a * b, rtol=0, atol=1e-12)


def test_rows_that_a_page_does_not_hold_are_not_interleaved():
    """8160 bytes hold two vectors of 2028 elements of 16 bits beside their keys."""
    for inputs, is_interleaved in ((2028, True), (2029, False)):
        text = GATED.replace("x10x", f"x{inputs}x")
        passes = (QuantizeWeightsPass(16, 4056), InterleaveWeightsPass("pgvector"))
        assert ("parts 2" in str(applied(text, *passes))) == is_interleaved


def test_a_chunk_is_what_a_page_holds(pgvector: Database):
    size = longest_half(PGVECTOR.profile)
    text = f"""
    sql.create_table weight @w : <[o: 3, i: 1], v: vector<{size}xf16>> from ["w"]
    func.func @f() {{
      func.return
    }}"""
    values = np.random.default_rng(0).standard_normal((3, size)).astype(np.float16)
    (table,) = emit_program(applied(text), PGVECTOR).tables
    pgvector.execute(table.create)
    pgvector.insert("w", {"o": np.arange(3), "i": np.zeros(3, np.int64), "v": values})
    ((pages, beside),) = pgvector.query(
        Statement(
            "SELECT pg_relation_size(oid) / 8192, pg_relation_size(reltoastrelid)"
            " FROM pg_class WHERE relname = 'w'"
        )
    )
    assert (pages, beside) == (3, 0)


@pytest.mark.parametrize("group", [4, 10])
def test_products_of_any_magnitude(group: int, pgvector: Database):
    """Half precision ends at 65504 and at 6e-8; activations do not."""
    weights, _ = operands((5, 2))
    w = np.concatenate([weights["a"], weights["b"]])
    x = np.random.default_rng(3).normal(size=(5, 10)).astype(np.float32)
    x *= np.array([1e-35, 1e-6, 0, 1e6, 1e30], np.float32)[:, None]
    pgvector.target = PGVECTOR
    lowering = (QuantizeWeightsPass(16, group), ConvertTenToRelPass(), LowerToSqlPass("pgvector"))
    size = chunk_size(10, group)
    chunks = -(-10 // size)
    padded = np.pad(w, ((0, 0), (0, chunks * size - 10))).astype(np.float16)
    places = np.indices((7, chunks)).reshape(2, -1)
    rows, columns = np.indices(x.shape).reshape(2, -1)
    tables = {
        "arg0": {"p": rows, "i": columns, "v": x.reshape(-1)},
        "w": {"o": places[0], "i": places[1], "v": padded.reshape(-1, size)},
    }
    found = matrix(execute(pgvector, applied(CONTRACT, *lowering), tables)["result0"])
    expected = product(x.astype(np.float64), w, 16, size)
    scale = np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True) * np.linalg.norm(w, axis=1)
    assert (np.abs(found - expected) <= 1e-6 * scale).all()


@pytest.mark.parametrize("longest", [4056, 24])
def test_a_model_is_that_of_numpy(
    longest: int, pgvector: Database, monkeypatch: pytest.MonkeyPatch
):
    """
    Whole rows, and rows in several chunks. The engine sums in float32: where that rounds an
    activation to the next of its 16 bits, all that follows differs by some 1e-4, as it does for
    few tokens that stand alone, and for most later ones of a text.
    """
    monkeypatch.setattr(pipelines, "longest_half", lambda profile: longest)
    # Each length has a program of its own.
    monkeypatch.setattr(load, "compile_language_model", compile_language_model)
    config, weights = read_llama_config(DEMO), load_file(DEMO / "model.safetensors")
    session = Session(pgvector, load_model(pgvector, DEMO, bits=16))
    differences: list[float] = []
    for token in range(0, config.vocab_size, 16):
        Stream(session).forward([token])
        expected = logits(config, weights, [token], 16, longest, np.float32)
        differences.append(np.abs(session.logits() - expected).max() / np.abs(expected).max())
    assert np.median(differences) <= 1e-6
    assert max(differences) <= 1e-3
    Stream(session).forward(list(TEXT), emit_all=True)
    expected = logits(config, weights, TEXT, 16, longest, np.float32)
    exact = logits(config, weights, TEXT, None, longest, np.float32)
    assert np.abs(session.logits() - expected).mean() <= np.abs(expected - exact).mean() / 2


def test_weights_are_of_16_bits(pgvector: Database):
    """Those that are summed over; gains, and keys and values, are not."""
    load_model(pgvector, DEMO, "demo", bits=16)
    columns = pgvector.query(
        Statement(
            "SELECT relname::text, format_type(atttypid, atttypmod) FROM pg_attribute"
            " JOIN pg_class ON pg_class.oid = attrelid"
            " WHERE atttypid IN ('vector'::regtype, 'halfvec'::regtype) ORDER BY 1, attnum"
        )
    )
    assert columns == [
        ("tj.demo.down_proj", "halfvec(172)"),
        ("tj.demo.embed_tokens", "halfvec(64)"),
        ("tj.demo.gate_proj_up_proj", "halfvec(64)"),
        ("tj.demo.gate_proj_up_proj", "halfvec(64)"),
        ("tj.demo.o_proj", "halfvec(64)"),
        ("tj.demo.q_proj_k_proj_v_proj", "halfvec(64)"),
        ("tj.demo.q_proj_k_proj_v_proj", "halfvec(64)"),
    ]


@pytest.mark.parametrize("layout", ["rows", "columns", "arrays", "pivoted"])
def test_what_else_a_model_has_lies_as_asked(layout: Layout, pgvector: Database):
    config, weights = read_llama_config(DEMO), load_file(DEMO / "model.safetensors")
    session = Session(pgvector, load_model(pgvector, DEMO, layout=layout, bits=16))
    Stream(session).forward([TEXT[0]])
    expected = logits(config, weights, TEXT[:1], 16, 4056, np.float32)
    np.testing.assert_allclose(session.logits(), expected, rtol=0, atol=1e-5)


def test_a_target_without_them(database_url: str, capsys: pytest.CaptureFixture[str]):
    assert main(["load", str(DEMO), "--db", database_url, "--bits", "16"]) == 1
    message = r"sql-llm: \w+ has no vectors of 16 bits: choose 8 or 4\n"
    assert re.fullmatch(message, capsys.readouterr().err)


def test_an_old_pgvector(pgvector: Database):
    """Before 0.7 it has vectors of float32 alone."""
    pgvector.execute(Statement("ALTER TYPE halfvec RENAME TO something"))
    with pytest.raises(TensorjoinError, match="pgvector has no vectors of 16 bits"):
        load_model(pgvector, DEMO, bits=16)
    assert load_model(pgvector, DEMO).manifest.target == "pgvector"


@pytest.mark.parametrize(("weight", "gain"), [(1e5, 1.0), (-np.inf, 1.0), (5e4, 2.0)])
def test_a_weight_that_16_bits_do_not_hold(
    weight: float,
    gain: float,
    pgvector_url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    """The gain of a norm is multiplied into the weights that read its result."""
    model = write_checkpoint(tmp_path / MODEL, MODEL)
    tensors = load_file(model / "model.safetensors")
    tensors["model.layers.0.mlp.up_proj.weight"][3, 5] = weight
    tensors["model.layers.0.post_attention_layernorm.weight"][5] = gain
    save_file(tensors, model / "model.safetensors")
    assert main(["load", str(model), "--db", pgvector_url, "--bits", "16"]) == 1
    output = capsys.readouterr().err.strip().splitlines()[-1]
    assert "model.layers.0.mlp.up_proj.weight" in output
    assert f"a weight of {abs(weight * gain):g}, and 16 bits hold no more than 65504" in output
    database = connect(pgvector_url, create=False)
    try:
        assert not database.tables()
    finally:
        database.close()
