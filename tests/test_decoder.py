"""Each field of a DecoderSpec does on the engines what transformers' formula does in numpy."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from models.decoders import decoder_logits, decoder_tensors, write_tensors

from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database
from tensorjoin.frontends.decoder import (
    QUERY_KEY_VALUE,
    AttentionKind,
    DecoderSpec,
    TensorNames,
    build_decoder,
)
from tensorjoin.frontends.model import ModelOnDisk
from tensorjoin.interface import Procedure
from tensorjoin.pipelines import Layout
from tensorjoin.runtime import load
from tensorjoin.runtime.catalog import StoredModel
from tensorjoin.runtime.session import Session
from tensorjoin.runtime.stream import Stream

TOLERANCE = 1e-4
TOKENS = [5, 17, 3, 3, 22, 9, 14, 1, 8, 30, 2]


def frequencies(base: float) -> tuple[float, ...]:
    return tuple(base ** (-n / 4) for n in range(4))


GLOBAL, LOCAL = AttentionKind(frequencies(1e4)), AttentionKind(frequencies(100.0), window=4)
PLAIN = DecoderSpec(
    vocab_size=32,
    width=16,
    hidden=24,
    heads=4,
    kv_heads=2,
    head_dim=8,
    norm_epsilon=1e-5,
    tied_embeddings=False,
    layers=(GLOBAL, GLOBAL),
)
FOUR_NORMS = TensorNames(norm_before_mlp="model.layers.{}.pre_feedforward_layernorm")
FIELDS = {
    "plain": PLAIN,
    "tied": replace(PLAIN, tied_embeddings=True),
    "qkv biases": replace(PLAIN, biases=QUERY_KEY_VALUE),
    "other biases": replace(PLAIN, biases=frozenset({"output", "gate", "up", "down"})),
    "norms of heads": replace(PLAIN, head_norms=True),
    "norms after": replace(PLAIN, norm_places="after"),
    "norms before and after": replace(PLAIN, norm_places="before and after", names=FOUR_NORMS),
    "gains of one plus w": replace(PLAIN, one_plus_gain=True),
    "gelu": replace(PLAIN, activation="gelu_tanh"),
    "relu without a gate": replace(PLAIN, activation="relu", gated=False),
    "scaled embedding": replace(PLAIN, embedding_scale=4.0, tied_embeddings=True),
    "scaled attention": replace(PLAIN, attention_scale=0.21),
    "windows": replace(PLAIN, layers=(replace(GLOBAL, window=3),) * 2),
    "two kinds of layers": replace(PLAIN, layers=(LOCAL, GLOBAL)),
}
QWEN_3_LIKE = replace(PLAIN, head_norms=True, biases=frozenset({"query", "output"}))
GEMMA_3_LIKE = replace(
    FIELDS["norms before and after"],
    head_norms=True,
    one_plus_gain=True,
    activation="gelu_tanh",
    embedding_scale=4.0,
    attention_scale=0.3,
    tied_embeddings=True,
    layers=(LOCAL, LOCAL, GLOBAL),
)


def loaded(
    database: Database,
    spec: DecoderSpec,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    layout: Layout = "auto",
    name: str = "model",
) -> StoredModel:
    """A model of the tensors in a folder, in the database."""
    model = ModelOnDisk(
        folder, "Test", lambda: build_decoder(spec), spec.vocab_size, 64, len(spec.layers), 1, (2,)
    )
    monkeypatch.setattr(load, "read_model", lambda directory: model)
    return load.load_model(database, folder, name, layout=layout)


def logits_of(
    database: Database, model: StoredModel, form: Procedure = Procedure.FORWARD
) -> np.ndarray:
    """The logits after each of TOKENS, which come in three batches."""
    session = Session(database, model)
    stream = Stream(session)
    rows: list[np.ndarray] = []
    for batch in (TOKENS[:6], TOKENS[6:7], TOKENS[7:]):
        with session.step():
            stream.forward(batch, emit_all=True, form=form)
            rows.append(session.logits())
    return np.concatenate(rows)


def check(
    database: Database, spec: DecoderSpec, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensors = decoder_tensors(spec)
    write_tensors(folder, tensors)
    expected = decoder_logits(spec, tensors, TOKENS)
    found = logits_of(database, loaded(database, spec, folder, monkeypatch))
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
@pytest.mark.parametrize("field", FIELDS)
def test_each_field(field: str, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    database = connect(f"{engine}:///{tmp_path}/test.db", create=True)
    try:
        check(database, FIELDS[field], tmp_path / "model", monkeypatch)
    finally:
        database.close()


@pytest.mark.parametrize("spec", [QWEN_3_LIKE, GEMMA_3_LIKE], ids=["qwen 3", "gemma 3"])
def test_fields_together(
    spec: DecoderSpec, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    check(database, spec, tmp_path / "model", monkeypatch)


def test_each_field_changes_the_logits():
    """Else the others would show nothing."""
    tensors = decoder_tensors(replace(GEMMA_3_LIKE, biases=QUERY_KEY_VALUE, tied_embeddings=False))
    plain = decoder_logits(GEMMA_3_LIKE, tensors, TOKENS)
    changes = [
        {"activation": "silu"},
        {"embedding_scale": 1.0},
        {"attention_scale": None},
        {"head_norms": False},
        {"layers": (LOCAL, LOCAL, LOCAL)},
        {"layers": (LOCAL, LOCAL, replace(GLOBAL, window=4))},
        {"gated": False},
        {"one_plus_gain": False},
        {"norm_places": "after"},
    ]
    for change in changes:
        other = decoder_logits(replace(GEMMA_3_LIKE, **change), tensors, TOKENS)
        assert np.abs(other - plain).max() > 100 * TOLERANCE, change
