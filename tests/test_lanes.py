"""Quantised weights in lanes: the arithmetic, the bounds, and whole models against numpy."""

import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from execution import TARGETS, matrix
from models.quantized_llama import dequantized, logits, product
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from tensorjoin.testing.modules import applied, lowered, run

sys.path.append(str(Path(__file__).parents[1] / "examples"))
from corpus import stories  # noqa: E402

from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database
from tensorjoin.backends.sqlite import SQLITE_64K
from tensorjoin.dialects import ten
from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.llama_config import read_llama_config
from tensorjoin.lanes import (
    DOUBLE_BITS,
    INTEGER_BITS,
    bias,
    lane_bits,
    lanes_refusal,
    most_lanes,
    pack_lanes,
    quantize,
)
from tensorjoin.passes.rel.expand_vectors import ExpandVectorsPass
from tensorjoin.passes.ten.pack_lanes import PackLanesPass
from tensorjoin.passes.ten.quantize_weights import QuantizeWeightsPass
from tensorjoin.passes.ten_to_rel.convert_ten_to_rel import ConvertTenToRelPass
from tensorjoin.pipelines import Layout, quantization, relational, statements, tensor_algebra
from tensorjoin.runtime.load import load_model
from tensorjoin.runtime.session import Session
from tensorjoin.runtime.stream import Stream
from tensorjoin.tiling import chunk_size

DEMO = Path(__file__).parents[1] / "examples" / "demo"
TEXT = (440, 17, 92, 260, 5, 301, 77, 77, 12, 499, 3, 250)
LOWERINGS = ((ConvertTenToRelPass(),), (ConvertTenToRelPass(), ExpandVectorsPass()))

CONTRACT = """
func.func @forward(%x: tensor<?x10xf32>) -> tensor<?x7xf32> {
  %w = ten.weight @w from ["a", "b"] : tensor<7x10xf32>
  %y = ten.contract "pi,oi->po"(%x, %w) : (tensor<?x10xf32>, tensor<7x10xf32>) -> tensor<?x7xf32>
  func.return %y : tensor<?x7xf32>
}
"""


@pytest.mark.parametrize("number_bits", [INTEGER_BITS, DOUBLE_BITS])
@pytest.mark.parametrize(("bits", "size"), [(8, 64), (8, 65), (8, 32), (4, 32), (2, 1), (3, 7)])
def test_the_largest_sums_come_apart(bits: int, size: int, number_bits: int):
    """Every lane at its extreme, of either sign: no lane borrows from its neighbour for good."""
    lanes, width = most_lanes(size, bits, number_bits), lane_bits(size, bits)
    top = 2 ** (bits - 1) - 1
    rng = np.random.default_rng(0)
    for signs in [np.ones(lanes), -np.ones(lanes), *rng.choice([-1, 1], (6, lanes))]:
        rows = np.repeat((signs * top).astype(np.int64)[:, None], size, axis=1)
        packed = pack_lanes(rows, width, lanes)
        # Python's integers do not overflow.
        total = sum(int(p) * 127 for p in packed[0])
        if number_bits == DOUBLE_BITS:
            assert sum(float(p) * 127.0 for p in packed[0]) == total
        shifted = total + bias(width, lanes)
        assert max(abs(total), abs(shifted)) < 2**number_bits
        *low, last = (shifted >> width * k for k in range(lanes))
        found = [digit % 2**width - 2 ** (width - 1) for digit in low]
        assert [*found, last] == [int(s) * top * 127 * size for s in signs]
    assert lanes_refusal(size, bits, lanes + 1, number_bits)


@pytest.mark.parametrize(
    ("size", "bits", "number_bits", "lanes"),
    [(64, 8, INTEGER_BITS, 3), (32, 4, INTEGER_BITS, 4), (64, 8, DOUBLE_BITS, 2)],
)
def test_the_last_lane_needs_no_bit_for_its_sign(
    size: int, bits: int, number_bits: int, lanes: int
):
    """Four lanes of 16 bits hold 32 products of 7 and 127: 28448 (2^48 + ...) is below 2^63."""
    assert most_lanes(size, bits, number_bits) == lanes


@pytest.mark.parametrize(("bits", "inputs"), [(8, 576), (4, 576), (4, 1536)])
def test_lanes_come_apart_once(bits: int, inputs: int):
    """However many groups a row has: no lane is taken apart for the row of another."""
    text = CONTRACT.replace("x10x", f"x{inputs}x")
    stages = (tensor_algebra(), relational(SQLITE_64K.profile, bits=bits), statements())
    module = lowered(text, SQLITE_64K, *stages)
    assert "lane" in str(module)
    assert "part0" not in str(module)


def test_quantization_is_that_of_the_definition():
    w = np.random.default_rng(1).normal(size=(5, 3, 8)).astype(np.float32)
    w[0, 0] = 0
    integers, scales = quantize(w, 4)
    assert np.abs(integers).max() == 7
    assert not integers[0, 0].any()
    assert (np.abs(integers * scales[..., None] - w) <= scales[..., None] / 2 + 1e-6).all()


@pytest.mark.parametrize(("bits", "size", "lanes"), [(9, 8, 1), (1, 8, 1), (8, 64, 4), (8, 8, 0)])
def test_what_does_not_fit_is_refused(bits: int, size: int, lanes: int):
    assert lanes_refusal(size, bits, lanes)


GATHER = """
func.func @forward(%ids: tensor<?xi32>) -> tensor<?x10xf32> {
  %w = ten.weight @w from ["a", "b"] layout <LAYOUT> : tensor<7x10xf32>
  %x = ten.gather "ti,p->pi" %w, %ids : tensor<7x10xf32>, tensor<?xi32> -> tensor<?x10xf32>
  func.return %x : tensor<?x10xf32>
}
"""


@pytest.mark.parametrize("lowering", LOWERINGS, ids=["vectors", "columns"])
@pytest.mark.parametrize("group", [4, 5, 10, 64])
@pytest.mark.parametrize("lanes", [1, 2, 3])
@pytest.mark.parametrize("bits", [8, 4])
def test_products_and_rows(lowering: tuple, group: int, lanes: int, bits: int):
    """Groups and lanes that do and do not divide the weight, which comes in two parts."""
    rng = np.random.default_rng(2)
    weights = {n: rng.normal(size=(k, 10)).astype(np.float32) for n, k in (("a", 5), ("b", 2))}
    w = np.concatenate([weights["a"], weights["b"]])
    x = rng.normal(size=(3, 10)).astype(np.float32)
    x[1] = 0
    passes = (QuantizeWeightsPass(bits, group), PackLanesPass(lanes), *lowering)
    size = chunk_size(10, group)
    found = run(applied(CONTRACT, *passes), x, weights=weights).outputs["result0"]
    expected = product(x.astype(np.float64), w, bits, size)
    np.testing.assert_allclose(matrix(found), expected, rtol=0, atol=1e-12)
    ids = np.array([6, 0, 3], dtype=np.int32)
    gather = GATHER.replace("LAYOUT", f"lanes 1 by {size} of {bits} bits in {lanes}")
    found = run(applied(gather, *lowering), ids, weights=weights).outputs["result0"]
    np.testing.assert_allclose(matrix(found), dequantized(w[ids], bits, size), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("bits", "lanes"), [(8, 2), (4, 3), (4, None)])
@pytest.mark.parametrize("group", [4, 5, 10])
def test_products_and_rows_of_doubles(group: int, bits: int, lanes: int | None):
    rng = np.random.default_rng(2)
    weights = {n: rng.normal(size=(k, 10)).astype(np.float32) for n, k in (("a", 5), ("b", 2))}
    w = np.concatenate([weights["a"], weights["b"]])
    x = rng.normal(size=(3, 10)).astype(np.float32)
    packing = (QuantizeWeightsPass(bits, group), PackLanesPass(lanes, doubles=True))
    found = run(applied(CONTRACT, *packing, *LOWERINGS[0]), x, weights=weights)
    expected = product(x.astype(np.float64), w, bits, chunk_size(10, group))
    np.testing.assert_allclose(matrix(found.outputs["result0"]), expected, rtol=0, atol=1e-12)
    ids, size = np.array([6, 0, 3], dtype=np.int32), chunk_size(10, group)
    gather = GATHER.replace("LAYOUT", f"doubles 1 by {size} of {bits} bits in {lanes or 2}")
    found = run(applied(gather, *LOWERINGS[0]), ids, weights=weights).outputs["result0"]
    np.testing.assert_allclose(matrix(found), dequantized(w[ids], bits, size), rtol=0, atol=1e-12)


def test_the_smallest_weights_stay_in_range():
    """Their scale is rounded so far that their quotients are not."""
    tiny = np.full((1, 4), 190 * 2.0**-149, dtype=np.float32)
    integers, _ = quantize(tiny, 8)
    assert np.abs(integers).max() <= 127


def test_groups_in_a_row_have_no_doubles():
    module = """
    func.func @forward() {
      %w = ten.weight @w from ["w"] layout <lanes 1 by 8 of 8 bits in 1 groups 2> : tensor<3x8xf32>
      func.return
    }
    """
    with pytest.raises(TensorjoinError, match="@w: rows of several groups"):
        applied(module, PackLanesPass(doubles=True))


def test_doubles_are_no_columns():
    """Nor are they where a table beside them is stored in columns."""
    module = """
    rel.table weight @u : <[o: 3, i: 1], v: vector<4xf32>> from ["u"] layout <columns 1 by 4>
    rel.table weight @w : <[o: 2, i: 1], v: vector<8xf64>, s: vector<2xf32>> from ["w"]
      layout <doubles 1 by 8 of 8 bits in 2>
    """
    with pytest.raises(TensorjoinError, match="weights in doubles are arrays"):
        applied(module, ExpandVectorsPass())


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("layout", ["auto", "rows", "arrays", "columns", "pivoted"])
def test_all_layouts_beside_quantised_weights(layout: Layout, bits: int):
    """On DuckDB, which has all of them."""
    with closing(connect("duckdb:///:memory:", create=True)) as database:
        model = load_model(database, DEMO, "m", layout=layout, bits=bits)
        session = Session(database, model)
        Stream(session).forward(list(TEXT), emit_all=True)
        found = session.logits()
    config, weights = read_llama_config(DEMO), load_file(DEMO / "model.safetensors")
    group = {8: 64, 4: 32}[bits]
    cached = np.float64 if layout == "rows" else np.float32
    np.testing.assert_allclose(
        found, logits(config, weights, TEXT, bits, group, cached), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize(("target", "storage"), [("duckdb", "doubles"), ("sqlite", "lanes")])
def test_numbers_are_doubles_where_vectors_may_hold_them(target: str, storage: str):
    packed = applied(CONTRACT, *quantization(TARGETS[target].profile, 4))
    (weight,) = (op for op in packed.walk() if isinstance(op, ten.WeightOp))
    assert weight.layout is not None
    assert weight.layout.storage.data == storage


def demo_logits(database: Database, bits: int | None, tokens: list[int]) -> np.ndarray:
    model = load_model(database, DEMO, f"bits{bits}", bits=bits)
    session = Session(database, model)
    Stream(session).forward(tokens, emit_all=True)
    return session.logits()


@pytest.mark.parametrize(("bits", "group"), [(8, 64), (4, 32)])
def test_a_model_is_that_of_numpy(database: Database, bits: int, group: int):
    config, weights = read_llama_config(DEMO), load_file(DEMO / "model.safetensors")
    # SQLite's floats are all double.
    cached = np.float64 if database.dialect == "sqlite" else np.float32
    expected = logits(config, weights, TEXT, bits, group, cached)
    found = demo_logits(database, bits, list(TEXT))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_bits_that_are_no_layout(database: Database):
    with pytest.raises(TensorjoinError, match="3 bits"):
        load_model(database, DEMO, bits=3)


@pytest.mark.parametrize(
    ("bits", "group", "most"), [(16, 4056, 1.01), (8, 64, 1.01), (4, 32, 1.10)]
)
def test_perplexity_of_the_demo_model(bits: int, group: int, most: float):
    """By the model of numpy, which that of the engines is: stories that it was not trained on."""
    config, weights = read_llama_config(DEMO), load_file(DEMO / "model.safetensors")
    tokenizer = Tokenizer.from_file(str(DEMO / "tokenizer.json"))
    losses: dict[int | None, list[float]] = {None: [], bits: []}
    for story in stories(12, seed=987654321):
        tokens = [config.bos_token_id or 0, *tokenizer.encode(story).ids][:200]
        for kind, found in losses.items():
            scores = logits(config, weights, tokens, kind, group, np.float32)[:-1]
            top = scores.max(axis=1)
            total = top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
            found += list(total - scores[np.arange(len(scores)), tokens[1:]])
    exact, rounded = (float(np.exp(np.mean(found))) for found in losses.values())
    print(f"perplexity {exact:.4f}, with {bits} bits {rounded:.4f}: {rounded / exact:.4f} times")
    assert rounded / exact <= most
