"""A third party's pass, found by its entry point; and that the project's own are registered."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tensorjoin.universe import DIALECTS, PASSES, TENSORJOIN_UNIVERSE

BIN = Path(sys.executable).parent
PASS = '''
"""Counts the operators of relational algebra."""

from collections import Counter
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.passes import ModulePass
from xdsl.universe import Universe


@dataclass(frozen=True)
class CountRelationsPass(ModulePass):
    """Note on the module how many operators of relational algebra it has."""

    name = "count-relations"

    least: int = 1

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        found = Counter(inner.name for inner in op.walk() if inner.dialect_name() == "rel")
        for name, count in sorted(found.items()):
            if count >= self.least:
                op.attributes[name] = IntegerAttr(count, i64)


UNIVERSE = Universe(all_passes={"count-relations": lambda: CountRelationsPass})
'''
ENTRY_POINTS = "[xdsl.universe]\ncounting = counting:UNIVERSE\n"
METADATA = "Metadata-Version: 2.1\nName: counting\nVersion: 1.0\n"
MODULES = {
    "nn": """
        func.func @forward(%x: tensor<?x4xf32>) -> tensor<?x3xf32> {
          %w = nn.weight @w : tensor<3x4xf32>
          %y = nn.linear %x, %w : tensor<?x4xf32>, tensor<3x4xf32> -> tensor<?x3xf32>
          func.return %y : tensor<?x3xf32>
        }""",
    "ten": """
        func.func @forward(%x: tensor<?x4xf32>) -> tensor<?x3xf32> {
          %w = ten.weight @w from ["w"] : tensor<3x4xf32>
          %y = ten.contract "pi,oi->po"(%x, %w)
              : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
          func.return %y : tensor<?x3xf32>
        }""",
    "rel": """
        func.func @forward() {
          %r = rel.range k to 4
          rel.insert %r into @out
          func.return
        }""",
    "sql": """
        func.func @forward() {
          %r = sql.values [1] : !rel.relation<[k: 2]>
          sql.insert %r into @out
          func.return
        }""",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with a package as pip would install it: a module, and its metadata."""
    site = tmp_path / "site"
    metadata = site / "counting-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "counting.py").write_text(PASS)
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    (metadata / "METADATA").write_text(METADATA)
    return site


def run(*command: str | Path, text: str | None = None, site: Path | None = None) -> str:
    environment = {**os.environ, "COLUMNS": "200"}
    if site is not None:
        environment["PYTHONPATH"] = str(site)
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=60, check=False,
        env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("driver", ["sql-opt", "xdsl-opt"])
def test_a_third_partys_pass(site: Path, driver: str):
    spec = ["-p", "lower-to-relational,count-relations"]
    text = run(BIN / driver, *spec, text=MODULES["nn"], site=site)
    counts = dict(re.findall(r'"?(rel\.\w+)"? = (\d+) : i64', text))
    assert counts["rel.join"] == "1"
    assert counts["rel.scan"] == "2"


def test_a_third_partys_flag_and_options(site: Path, tmp_path: Path):
    file = tmp_path / "model.mlir"
    file.write_text(MODULES["nn"])
    flags = ["--lower-to-relational", "--count-relations"]
    assert "rel.join" in run(BIN / "sql-opt", *flags, file, site=site).partition("{\n")[0]
    options = ["--lower-to-relational", "--pass", "count-relations{least=2}"]
    assert "rel.join" not in run(BIN / "sql-opt", *options, file, site=site).partition("{\n")[0]
    help = run(BIN / "sql-opt", "--help", site=site)
    assert re.search(r"--count-relations +Note on the module how many", help)


def test_every_pass_is_named_after_its_file():
    folder = Path(__file__).parent.parent / "passes"
    files = {file.stem.replace("_", "-") for file in folder.glob("*.py")} - {"--init--"}
    assert files == set(PASSES)
    assert list(PASSES) == sorted(PASSES)
    for name in PASSES:
        found = TENSORJOIN_UNIVERSE.all_passes[name]()
        assert found.name == name
        assert found.__module__ == f"tensorjoin.passes.{name.replace('-', '_')}"
        assert found.__doc__


def test_every_dialect_and_target_loads():
    for name in DIALECTS:
        assert TENSORJOIN_UNIVERSE.all_dialects[name]().name == name
    for name, load in TENSORJOIN_UNIVERSE.all_targets.items():
        assert getattr(load(), "name") == name  # noqa: B009


def test_help_lists_every_pass():
    help = run(BIN / "sql-opt", "--help")
    for name in (*PASSES, "canonicalize", "cse", "dce"):
        assert re.search(rf"^  --{name}\b", help, re.MULTILINE)
    assert "--convert-linalg-to-loops" not in help


@pytest.mark.parametrize("level", MODULES)
def test_a_file_of_each_level_is_lowered(level: str, tmp_path: Path):
    file = tmp_path / "model.mlir"
    file.write_text(MODULES[level])
    left = run(BIN / "sql-opt", "--lower-to-relational", file)
    dialect = "sql" if level == "sql" else "rel"
    assert set(re.findall(r"\b(nn|ten|rel|sql)\.(?!relation)\w+", left)) == {dialect}
    left = run(BIN / "sql-opt", "--lower-to-sql", file)
    assert set(re.findall(r"\b(nn|ten|rel|sql)\.(?!relation)\w+", left)) == {"sql"}
