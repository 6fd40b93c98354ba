"""docs/adding_a_model.md does what it says, and its model generates what numpy computes."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from documents import DOCS, Document, shell
from models.decoders import Tensors, decoder_logits, decoder_tensors, write_tensors

from tensorjoin.frontends.decoder import QUERY_KEY_VALUE, AttentionKind, DecoderSpec

DOCUMENT = Document(DOCS / "adding_a_model.md")
CONFIG = {
    "architectures": ["OrchidForCausalLM"],
    "model_type": "orchid",
    "vocab_size": 32,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "max_position_embeddings": 64,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
SPEC = DecoderSpec(
    vocab_size=32,
    width=16,
    hidden=24,
    heads=2,
    kv_heads=1,
    head_dim=8,
    norm_epsilon=1e-5,
    tied_embeddings=True,
    layers=(AttentionKind((1.0, 0.1, 0.01, 0.001)),) * 2,
    biases=QUERY_KEY_VALUE,
    one_plus_gain=True,
)
PROMPT = [5, 17, 3, 22, 9]
COUNT = 12


@pytest.fixture(scope="module")
def tensors() -> Tensors:
    return decoder_tensors(SPEC, seed=3)


@pytest.fixture(scope="module")
def package(tensors: Tensors, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document's package as pip would install it, with a small model beside it."""
    folder = tmp_path_factory.mktemp("orchid")
    DOCUMENT.install(folder)
    write_tensors(folder / "small", tensors)
    (folder / "small" / "config.json").write_text(json.dumps(CONFIG))
    return folder


def greedy(spec: DecoderSpec, tensors: Tensors) -> list[int]:
    """The tokens of the highest logits, up to one that ends a text."""
    tokens = list(PROMPT)
    for _ in range(COUNT):
        logits = decoder_logits(spec, tensors, tokens)[-1]
        # Far enough apart for float32.
        assert np.diff(np.sort(logits)[-2:]) > 1e-3
        if (best := int(logits.argmax())) == CONFIG["eos_token_id"]:
            break
        tokens.append(best)
    return tokens[len(PROMPT) :]


def test_what_the_document_shows(package: Path):
    for command, output in DOCUMENT.sessions:
        assert shell(command, package).strip() == output.strip()


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_greedy_tokens(engine: str, package: Path, tensors: Tensors):
    expected = greedy(SPEC, tensors)
    assert len(expected) > 3
    url = f"{engine}:///tokens-{engine}.db"
    shell(f"sql-llm load small --db {url}", package)
    prompt = ",".join(map(str, PROMPT))
    options = f"--token-ids {prompt} --max-tokens {COUNT} --format json"
    printed = shell(f"sql-llm generate --db {url} {options}", package)
    assert json.loads(printed)["token_ids"] == expected


@pytest.mark.parametrize("change", [{"one_plus_gain": False}, {"biases": frozenset()}])
def test_both_points_matter(change: dict[str, object], tensors: Tensors):
    plain = {
        n: t for n, t in tensors.items() if change != {"biases": frozenset()} or "bias" not in n
    }
    changed = decoder_logits(replace(SPEC, **change), plain, PROMPT)
    assert np.abs(changed - decoder_logits(SPEC, tensors, PROMPT)).max() > 0.1


def test_the_transforms_that_the_document_shows():
    written: dict[str, object] = {}
    exec(DOCUMENT.files["transforms.py"], written)
    transforms = written["TRANSFORMS"]
    assert isinstance(transforms, dict)
    stored = np.arange(128 * 8.0).reshape(8, 128)
    made = [
        transforms[f"model.layers.{{}}.self_attn.{n}_proj.weight"].applied(stored) for n in "qkv"
    ]
    assert [part.shape for part in made] == [(64, 8), (32, 8), (32, 8)]
    np.testing.assert_array_equal(np.concatenate(made), stored.T)
