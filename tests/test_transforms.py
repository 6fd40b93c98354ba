"""Weights made of stored tensors are what numpy makes of them, however small the pieces read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from execution import stream_tables
from models.decoders import Tensors, decoder_logits, decoder_tensors, write_tensors
from test_decoder import GLOBAL, PLAIN, TOKENS, TOLERANCE, loaded, logits_of

from tensorjoin import transforms
from tensorjoin.backends.database import Database
from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.decoder import QUERY_KEY_VALUE, DecoderSpec, build_decoder
from tensorjoin.frontends.model import ModelOnDisk
from tensorjoin.passes.nn.decompose import DecomposePass
from tensorjoin.passes.nn.roll_layers import RollLayersPass
from tensorjoin.passes.ten.fuse_contractions import FuseContractionsPass
from tensorjoin.passes.ten.hoist_factors import HoistFactorsPass
from tensorjoin.testing.modules import assert_same_meaning
from tensorjoin.transforms import Transform, TransformedTensors

STORED = np.arange(24 * 5, dtype=np.float32).reshape(24, 5) / 8


@dataclass(frozen=True)
class Arrays:
    """Tensors in memory, and the most elements that were read at a time."""

    entries: Mapping[str, np.ndarray]
    most: list[int]

    def read_rows(self, name: str, start: int, stop: int, /) -> np.ndarray:
        rows = self.entries[name][start:stop]
        self.most.append(rows.size)
        return rows


CASES = {
    "plus one": (Transform("t.{}", plus_one=True), STORED, STORED + 1),
    "rows": (Transform("t.{}", rows=(8, 16, 24)), STORED, STORED[8:16]),
    "transposed": (Transform("t.{}", transposed=True), STORED, STORED.T),
    "halves": (
        Transform("t.{}", grid=(4, 3, 2), axes=(0, 2, 1)),
        STORED,
        np.concatenate([h[part::2] for h in np.split(STORED, 4) for part in (0, 1)]),
    ),
    "all": (
        Transform("t.{}", True, (2, 3, 4), (1, 0, 2), (8, 16, 24), True),
        STORED.T,
        np.concatenate([STORED[4:8], STORED[16:20]]) + 1,
    ),
    "a vector": (
        Transform("t.{}", rows=(1, 3, 24), plus_one=True),
        STORED[:, 0],
        STORED[1:3, 0] + 1,
    ),
}


@pytest.mark.parametrize("piece_bytes", [1, 100, 1 << 24])
@pytest.mark.parametrize("case", CASES)
def test_rows(case: str, piece_bytes: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(transforms, "PIECE_BYTES", piece_bytes)
    transform, stored, expected = CASES[case]
    assert transform.refusal(expected.shape) is None
    assert transform.stored_shape(expected.shape) == stored.shape
    np.testing.assert_array_equal(transform.applied(stored), expected)
    tensors = Arrays({"t.3": stored}, [])
    made = TransformedTensors(tensors, {"w.{}": transform}, 3)
    assert made.entries["w.3"].shape == expected.shape
    for start in range(len(expected)):
        for stop in range(start + 1, len(expected) + 1):
            rows = made.read_rows("w.3", start, stop)
            assert rows.dtype == np.float32
            np.testing.assert_array_equal(rows, expected[start:stop])
    if transform.transposed or transform.grid:
        row = stored[:1].size
        assert max(tensors.most) <= max(row, piece_bytes // 4)


@pytest.mark.parametrize(
    ("transform", "shape", "reason"),
    [
        (Transform("t", transposed=True), (4,), "a weight of 1 axes is no transposed matrix"),
        (Transform("t", rows=(2, 6, 5)), (4, 2), "rows 2 to 6 of 5 are not the 4 of the weight"),
        (Transform("t", rows=(0, 3, 5)), (4, 2), "rows 0 to 3 of 5 are not the 4 of the weight"),
        (Transform("t", grid=(2, 2), axes=(0, 2)), (4, 2), "no order of the axes of the grid"),
        (Transform("t", grid=(2, 3), axes=(1, 0)), (4, 2), "does not hold 4 rows"),
    ],
)
def test_refusals(transform: Transform, shape: tuple[int, ...], reason: str):
    assert reason in (transform.refusal(shape) or "")


PROJECTIONS = {"q": "query", "k": "key", "v": "value"}


def fused(spec: DecoderSpec, kind: str) -> tuple[DecoderSpec, Tensors, Tensors]:
    """
    A spec whose queries, keys and values are one stored tensor, the tensors stored, and those that
    they stand for: one after the other, as Phi-3 has them, or transposed as well, as GPT-2 has
    them, or for each head together, as GPT-NeoX has them, or in pairs, as Llama was released.
    """
    plain = decoder_tensors(spec)
    stored, made = dict(plain), {}
    rows = {"q": spec.heads * spec.head_dim, "k": spec.kv_heads * spec.head_dim}
    rows["v"] = rows["k"]
    for number in range(len(spec.layers)):
        at = f"model.layers.{number}.self_attn"
        for end in ("weight", "bias"):
            parts = [stored.pop(f"{at}.{n}_proj.{end}") for n in "qkv"]
            whole = np.concatenate(parts)
            if kind == "heads":
                whole = np.stack([p.reshape(spec.heads, spec.head_dim, -1) for p in parts], 1)
                whole = whole.reshape(3 * rows["q"], *parts[0].shape[1:])
            if kind == "pairs":
                # [heads, halves, pairs] to [heads, pairs, halves]
                whole = whole.reshape(-1, 2, spec.head_dim // 2, *whole.shape[1:])
                whole = whole.swapaxes(1, 2).reshape(-1, *whole.shape[3:])
            if kind == "transposed" and end == "weight":
                whole = np.ascontiguousarray(whole.T)
            stored[f"{at}.qkv.{end}"] = whole
    total, start = sum(rows.values()), 0
    grids = {
        "heads": ((spec.heads, 3, spec.head_dim), (1, 0, 2)),
        "pairs": ((total // spec.head_dim, spec.head_dim // 2, 2), (0, 2, 1)),
    }
    grid, axes = grids.get(kind, ((), ()))
    for name in "qkv":
        taken = (start, start + rows[name], total)
        start += rows[name]
        for end in ("weight", "bias"):
            at = "model.layers.{}.self_attn"
            transposed = kind == "transposed" and end == "weight"
            made[f"{at}.{name}_proj.{end}"] = Transform(
                f"{at}.qkv.{end}", transposed, grid, axes, taken
            )
    return replace(spec, transforms=made), stored, plain


@pytest.mark.parametrize("kind", ["one after the other", "transposed", "heads", "pairs"])
def test_fused_projections(
    kind: str, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    kv_heads = PLAIN.heads if kind == "heads" else PLAIN.kv_heads
    spec = replace(PLAIN, biases=QUERY_KEY_VALUE, kv_heads=kv_heads, one_plus_gain=True)
    spec, stored, plain = fused(spec, kind)
    write_tensors(tmp_path / "model", stored)
    found = logits_of(database, loaded(database, spec, tmp_path / "model", monkeypatch))
    expected = decoder_logits(spec, plain, TOKENS)
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("kind", ["transposed", "heads"])
def test_passes_keep_what_weights_are_made_of(kind: str):
    spec = replace(PLAIN, biases=QUERY_KEY_VALUE, kv_heads=PLAIN.heads, one_plus_gain=True)
    spec, stored, _ = fused(spec, kind)
    passes = (RollLayersPass(), DecomposePass(), FuseContractionsPass(), HoistFactorsPass())
    module = build_decoder(spec)
    for count in range(len(passes) + 1):
        inputs = stream_tables(TOKENS)
        assert_same_meaning(module, *passes[:count], weights=stored, inputs=inputs)


def test_one_tensor_has_one_shape(tmp_path: Path):
    taken = {
        f"model.layers.{{}}.self_attn.{name}_proj.weight": Transform(
            "qkv.{}", rows=(0, rows, total)
        )
        for name, rows, total in (("q", 32, 64), ("k", 16, 63))
    }
    spec = replace(PLAIN, layers=(GLOBAL,), transforms=taken)
    model = ModelOnDisk(tmp_path, "Test", lambda: build_decoder(spec), 32, 64, 1, 1, (2,))
    with pytest.raises(
        TensorjoinError, match=r"'qkv.0' is read as if it had the shapes \[64, 16\]"
    ):
        _ = model.weights
