"""Layers in a pattern of several: one loop, on every engine what numpy computes."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from execution import TARGETS, stream_tables
from models.decoders import decoder_logits, decoder_tensors, write_tensors
from scanned_rows import ScanningExecutor
from test_decoder import GLOBAL, LOCAL, PLAIN, TOKENS, TOLERANCE, loaded, logits_of
from test_weights_read_once import LAYERS, excess
from xdsl.dialects import scf

from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database
from tensorjoin.dialects import rel
from tensorjoin.forms import FORWARD, LAYERWISE
from tensorjoin.frontends.decoder import QUERY_KEY_VALUE, DecoderSpec, build_decoder
from tensorjoin.language_model_program import compile_language_model
from tensorjoin.passes.nn.decompose import DecomposePass
from tensorjoin.passes.nn.roll_layers import RollLayersPass
from tensorjoin.passes.rel.loops_to_recursion import LoopsToRecursionPass
from tensorjoin.passes.rel.push_projections import PushProjectionsPass
from tensorjoin.passes.ten.fuse_contractions import FuseContractionsPass
from tensorjoin.passes.ten.hoist_factors import HoistFactorsPass
from tensorjoin.passes.ten_to_rel.convert_ten_to_rel import ConvertTenToRelPass
from tensorjoin.pipelines import Layout
from tensorjoin.program import Program
from tensorjoin.runtime.session import Session
from tensorjoin.runtime.stream import Stream
from tensorjoin.testing.modules import applied, assert_same_meaning

PATTERN = (LOCAL, LOCAL, LOCAL, GLOBAL)


def patterned(layers: int, **fields: object) -> DecoderSpec:
    """A model of so many layers, in the pattern local, local, local, global."""
    kinds = tuple(PATTERN[layer % len(PATTERN)] for layer in range(layers))
    return replace(PLAIN, layers=kinds, **fields)


def loop_of(spec: DecoderSpec) -> tuple[int, int]:
    """How many loops the layers become, and how many layers its rounds run in all."""
    module = applied(build_decoder(spec), RollLayersPass())
    loops = [op for op in module.walk() if isinstance(op, scf.ForOp)]
    return len(loops), sum("o_proj" in str(op) for op in module.walk() if op.name == "nn.weight")


@pytest.mark.parametrize(
    ("layers", "in_loop", "after"), [(8, 4, 0), (12, 4, 0), (13, 4, 1), (14, 4, 2)]
)
def test_one_loop(layers: int, in_loop: int, after: int):
    assert loop_of(patterned(layers)) == (1, in_loop + after)


@pytest.mark.parametrize("target", ["duckdb", "sqlite", "postgres"])
def test_statements_do_not_grow(target: str):
    def compiled(layers: int) -> Program:
        return compile_language_model(build_decoder(patterned(layers)), TARGETS[target], "model")

    four, twelve = (len(compiled(layers).sql()) for layers in (4, 12))
    assert twelve <= 1.6 * four


def test_one_table_for_each_weight():
    module = build_decoder(patterned(12))
    program = compile_language_model(module, TARGETS["sqlite"], "model")
    layered = [table for table in program.tables if "layer" in table.keys and table.sources]
    assert [table.keys["layer"] for table in layered] == [12] * 4
    assert all("{}" in source for table in layered for source in table.sources)
    # The gains of norms are stored with the weights that read them, in all layers of the pattern.
    assert sum(table.gain is not None for table in layered) == 2


def test_passes_keep_the_meaning():
    """The rounds of a pattern, as a loop and as a recursion."""
    spec = patterned(8, biases=QUERY_KEY_VALUE, head_norms=True)
    weights, inputs = decoder_tensors(spec), stream_tables(TOKENS)
    passes = (
        RollLayersPass(),
        DecomposePass(),
        FuseContractionsPass(),
        HoistFactorsPass("duckdb"),
        ConvertTenToRelPass(),
        PushProjectionsPass(),
        LoopsToRecursionPass("duckdb"),
    )
    module = build_decoder(spec)
    for count in range(1, len(passes) + 1):
        after = assert_same_meaning(module, *passes[:count], weights=weights, inputs=inputs)
        loops = [op for op in after.walk() if isinstance(op, scf.ForOp | rel.ForOp)]
        assert len(loops) == (count < len(passes))


@pytest.mark.parametrize(("layout", "form"), [("auto", 0), ("auto", -1), ("rows", 0)])
def test_on_engines(
    layout: Layout, form: int, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """In each form that an engine has, of three batches, which are longer than the windows."""
    forms = [FORWARD, LAYERWISE] if database.target.profile.recurses else [FORWARD]
    if len(forms) == 1 and form:
        pytest.skip("this engine has one form")
    spec = patterned(12)
    tensors = decoder_tensors(spec)
    write_tensors(tmp_path / "model", tensors)
    expected = decoder_logits(spec, tensors, TOKENS)
    model = loaded(database, spec, tmp_path / "model", monkeypatch, layout)
    found = logits_of(database, model, forms[form])
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


def test_more_layers_than_a_pattern(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Those after the last whole pattern have statements and tables of their own."""
    spec = patterned(10, one_plus_gain=True, norm_places="after", activation="gelu_tanh")
    tensors = decoder_tensors(spec)
    write_tensors(tmp_path / "model", tensors)
    expected = decoder_logits(spec, tensors, TOKENS)
    model = loaded(database, spec, tmp_path / "model", monkeypatch)
    np.testing.assert_allclose(logits_of(database, model), expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_each_weight_is_read_once(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """In the form with statements for each layer, a layer's statement reads that layer alone."""
    sizes = {"width": 128, "hidden": 384, "vocab_size": 3000, "heads": 8, "kv_heads": 4}
    spec = patterned(LAYERS, tied_embeddings=True, **sizes)
    write_tensors(tmp_path / "model", decoder_tensors(spec))
    with closing(connect(f"{engine}:///{tmp_path}/test.db", create=True)) as database:
        model = loaded(database, spec, tmp_path / "model", monkeypatch, name="m")
        stream = Stream(Session(database, model, ScanningExecutor))
        with stream.session.step():
            stream.forward([3, 4, 5])
        form = LAYERWISE if database.target.profile.recurses else FORWARD
        assert not excess(stream, form)
