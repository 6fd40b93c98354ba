"""
Packages beside each other, none of which edits anything of ours: an engine under other limits, an
architecture, a dialect with an op and the passes that lower it. Ordinary commands meet all of them.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from documents import DOCS, Document, shell
from models.decoders import decoder_tensors, write_tensors
from models.references import reference
from test_third_party_model import CONFIG, COUNT, PROMPT, SPEC, greedy

PAGES = ("adding_a_backend", "adding_a_model", "adding_an_op")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of the pages, installed together."""
    folder = tmp_path_factory.mktemp("site")
    for page in PAGES:
        document = Document(DOCS / f"{page}.md")
        document.install(folder)
    return folder


def generated(site: Path, model: Path, prompt: list[int], count: int) -> list[int]:
    """The tokens of a model that the ordinary commands load into the other engine."""
    url = f"narrow:///{model.name}.db"
    shell(f"sql-llm load {model} --db {url}", site)
    options = f"--token-ids {','.join(map(str, prompt))} --max-tokens {count} --format json"
    return json.loads(shell(f"sql-llm generate --db {url} {options}", site))["token_ids"]


def test_the_demo_has_the_reference_s_tokens(site: Path):
    """Through another engine and a foreign op; a soft cap leaves the order of logits."""
    expected = reference("demo")
    tokens = generated(
        site, DOCS.parent / "examples" / "demo", expected.prompt.tolist(), len(expected.greedy)
    )
    assert tokens == expected.greedy.tolist()
    with closing(sqlite3.connect(site / "demo.db")) as connection:
        program = connection.execute('SELECT statement FROM "tj.demo.program"').fetchall()
    assert len(program) > 20
    assert not any("TEMPORARY" in statement for (statement,) in program)


def test_another_architecture_has_numpy_s_tokens(site: Path):
    tensors = decoder_tensors(SPEC, seed=3)
    write_tensors(site / "orchid", tensors)
    (site / "orchid" / "config.json").write_text(json.dumps(CONFIG))
    assert generated(site, site / "orchid", PROMPT, COUNT) == greedy(SPEC, tensors)
