"""docs/writing_a_pass.md does what it says: its code, its test, and its commands are run."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from execution import run

BIN = Path(sys.executable).parent
DOCUMENT = Path(__file__).parent.parent / "docs" / "writing_a_pass.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w.]+)`:\n\n```\w+\n(.*?)```$", TEXT, re.MULTILINE | re.DOTALL))
CONSOLE = re.findall(r"^```console\n(.*?)```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The document's package, with the metadata that installing it would write."""
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    project = tomllib.loads(FILES["pyproject.toml"])["project"]
    metadata = tmp_path / "merge_selects-1.0.dist-info"
    metadata.mkdir()
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {place}\n" for name, place in points.items())
        for group, points in project["entry-points"].items()
    ]
    (metadata / "entry_points.txt").write_text("".join(lines))
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\n")
    return tmp_path


def shell(command: str, package: Path) -> str:
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=package,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_pass_has_thirty_lines():
    assert len(FILES["merge_selects.py"].splitlines()) <= 30


def test_its_filecheck_test(package: Path):
    (command,) = re.findall(r"^// RUN: (.*)$", FILES["merge_selects.mlir"], re.MULTILINE)
    shell(command.replace("%s", "merge_selects.mlir"), package)


def test_what_the_document_shows(package: Path):
    assert "--merge-selects" in shell("sql-opt --help", package)
    for session in CONSOLE:
        command, _, output = session.removeprefix("$ ").partition("\n")
        assert shell(command, package).strip() == output.strip()


def test_the_last_remark(package: Path):
    (options,) = re.findall(r"To see the SQL, add `(.*)`", TEXT)
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
    readme = (DOCUMENT.parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"```python\n{FILES['merge_selects.py']}```" in readme
    assert len(FILES["merge_selects.py"].splitlines()) <= 30
