"""docs/adding_an_op.md does what it says: its op is folded, lowered, and capped logits come out."""

from pathlib import Path

import numpy as np
import pytest
from documents import DOCS, Document, shell
from models.references import reference

DOCUMENT = Document(DOCS / "adding_an_op.md")
DEMO = DOCS.parent / "examples" / "demo"
CAP = 30.0


@pytest.fixture
def package(tmp_path: Path) -> Path:
    DOCUMENT.install(tmp_path)
    (tmp_path / "small").symlink_to(DEMO)
    return tmp_path


def test_what_the_document_shows(package: Path):
    for command, output in DOCUMENT.sessions:
        assert shell(command, package).strip() == output.strip()


def test_its_test(package: Path):
    assert "1 passed" in shell("python -m pytest -q test_soft_cap.py", package)


def test_a_wrong_meaning_fails_its_test(package: Path):
    source = (package / "soft_cap.py").read_text()
    (package / "soft_cap.py").write_text(source.replace("cap * np.tanh", "2 * cap * np.tanh"))
    assert "1 failed" in shell("python -m pytest -q test_soft_cap.py || true", package)


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_logits_are_those_of_the_reference_capped(engine: str, package: Path):
    expected = reference("demo")
    url, prompt = f"{engine}:///demo.db", ",".join(str(token) for token in expected.prompt)
    shell(f"sql-llm load small --db {url}", package)
    shell(f"sql-llm logits --db {url} --token-ids {prompt} --output logits.npy", package)
    capped = CAP * np.tanh(expected.logits / CAP)
    np.testing.assert_allclose(np.load(package / "logits.npy"), capped, rtol=0, atol=1e-4)
