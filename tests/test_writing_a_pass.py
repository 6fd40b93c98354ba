"""docs/writing_a_pass.md does what it says: its code, its test, and its commands are run."""

import re
from pathlib import Path

import pytest
from documents import DOCS, Document, shell

from tensorjoin.testing.modules import run

DOCUMENT = Document(DOCS / "writing_a_pass.md")
FILES = DOCUMENT.files


@pytest.fixture
def package(tmp_path: Path) -> Path:
    DOCUMENT.install(tmp_path)
    return tmp_path


def test_the_pass_has_thirty_lines():
    assert len(FILES["merge_selects.py"].splitlines()) <= 30


def test_its_filecheck_test(package: Path):
    (command,) = re.findall(r"^// RUN: (.*)$", FILES["merge_selects.mlir"], re.MULTILINE)
    shell(command.replace("%s", "merge_selects.mlir"), package)


def test_what_the_document_shows(package: Path):
    assert "--merge-selects" in shell("sql-opt --help", package)
    for command, output in DOCUMENT.sessions:
        assert shell(command, package).strip() == output.strip()


def test_the_last_remark(package: Path):
    (options,) = re.findall(r"To see the SQL, add `(.*)`", DOCUMENT.text)
    sql = shell(f"sql-opt merge_selects.mlir --merge-selects {options}", package)
    assert sql.count("SELECT") == 1
    assert sql.count(" AND ") == 2


def test_the_pass_keeps_the_rows(package: Path):
    text = FILES["merge_selects.mlir"]
    after = shell("sql-opt merge_selects.mlir --merge-selects --canonicalize", package)
    x = {"x": {"p": [0, 1, 2, 3], "v": [0.5, 0.5, -1.0, 2.0]}}
    for row, kept in ((1, [1]), (2, [])):
        for module in (text, after):
            outputs = run(module, inputs=x, parameters={"row": row}).outputs
            assert outputs["y"]["p"].tolist() == kept


def test_the_readme_shows_the_same_pass():
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    assert f"```python\n{FILES['merge_selects.py']}```" in readme
    assert len(FILES["merge_selects.py"].splitlines()) <= 30
