"""`sql-translate`: modules from folders, and SQL that engines accept from modules."""

import io
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlglot
from models.llama import write_checkpoint
from sqlglot import exp
from xdsl.context import Context
from xdsl.parser import Parser
from xdsl.universe import Universe

from tensorjoin.backends.connect import connect
from tensorjoin.pipelines import to_relational, to_sql, to_tensor_algebra
from tensorjoin.program import Statement
from tensorjoin.targets import TargetProfile, target_profile
from tensorjoin.tools.sql_translate import main

TARGETS = ("sqlite", "duckdb", "postgres")
MODEL = "one-layer"
TOY = """
func.func @twice() {
  %x = ten.input @numbers ["p"] "x" : tensor<?xf32>
  %y = nn.add %x, %x : tensor<?xf32>, tensor<?xf32> -> tensor<?xf32>
  ten.output %y to @doubled ["p"] : tensor<?xf32>
  func.return
}
"""

Translated = Callable[..., str]


@pytest.fixture
def translated(capsys: pytest.CaptureFixture[str]) -> Translated:
    """Runs `sql-translate`, which must succeed, and returns what it printed."""

    def run(*arguments: str) -> str:
        status = main(arguments)
        captured = capsys.readouterr()
        assert (status, captured.err) == (0, "")
        return captured.out

    return run


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Translated:
    """Runs `sql-translate`, which must refuse, and returns what it said after its name."""

    def run(*arguments: str) -> str:
        status = main(arguments)
        captured = capsys.readouterr()
        assert (status, captured.out) == (1, "")
        assert captured.err.startswith("sql-translate: ")
        assert captured.err.count("\n") == 1
        assert captured.err.endswith("\n")
        return captured.err

    return run


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A folder with a config.json and nothing else."""
    written = write_checkpoint(tmp_path / "whole", MODEL)
    folder = tmp_path / "config only"
    folder.mkdir()
    shutil.copy(written / "config.json", folder)
    return folder


@pytest.fixture
def module(config: Path, tmp_path: Path, translated: Translated) -> Path:
    """The file of an imported module."""
    file = tmp_path / "model.mlir"
    assert translated("--import-hf", str(config), "-o", str(file)) == ""
    return file


def context() -> Context:
    ctx = Context()
    for name, dialect in Universe.get_multiverse().all_dialects.items():
        ctx.register_dialect(name, dialect)
    return ctx


def statements(sql: str, target: str) -> list[exp.Expression]:
    return [tree for tree in sqlglot.parse(sql, dialect=target) if tree is not None]


def test_import(config: Path, translated: Translated) -> None:
    """The module verifies, and has a weight for each tensor by its name in the checkpoint."""
    text = translated("--import-hf", str(config))
    Parser(context(), text).parse_module().verify()
    weights = re.findall(r"nn\.weight @(\S+)", text)
    assert "model.layers.0.self_attn.q_proj.weight" in weights
    assert "model.embed_tokens.weight" in weights
    assert len(weights) == 11


def test_import_to_a_file(config: Path, module: Path, translated: Translated) -> None:
    assert module.read_text() == translated("--import-hf", str(config))


@pytest.mark.parametrize("target", TARGETS)
def test_levels(module: Path, tmp_path: Path, translated: Translated, target: str) -> None:
    """A module is taken at any level, and gives the same SQL from each."""
    emit = ("--emit-sql", "--target", target)
    expected = translated(*emit, str(module))
    stages: dict[str, Callable[[TargetProfile], tuple[object, ...]]] = {
        "ten": lambda profile: to_tensor_algebra(),
        "rel": to_relational,
        "sql": to_sql,
    }
    for level, stage in stages.items():
        ctx = context()
        parsed = Parser(ctx, module.read_text()).parse_module()
        for done in stage(target_profile(target)):
            done.apply(ctx, parsed)
        lowered = tmp_path / f"{level}.mlir"
        lowered.write_text(str(parsed))
        assert f"{level}." in lowered.read_text()
        assert translated(*emit, str(lowered)) == expected


def test_engines_accept_the_sql(module: Path, database_url: str, translated: Translated) -> None:
    """Each statement runs, on tables without rows."""
    target = database_url.partition(":")[0].removesuffix("ql")
    text = translated("--emit-sql", "--target", target, str(module))
    database = connect(database_url, create=True)
    try:
        for tree in statements(text, target):
            # Parameters are for the runtime to bind: a number will do.
            bound = tree.transform(
                lambda node: (
                    exp.Literal.number(0)
                    if isinstance(node, exp.Placeholder | exp.Parameter)
                    else node
                )
            )
            database.execute(Statement(bound.sql(target, identify=True)))
    finally:
        database.close()


@pytest.mark.parametrize("target", TARGETS)
def test_tables_have_plain_names(module: Path, translated: Translated, target: str) -> None:
    """The symbols of the module, in no schema: one database knows one such program."""
    trees = statements(translated("--emit-sql", "--target", target, str(module)), target)
    created = [tree.this.this.name for tree in trees if isinstance(tree, exp.Create)]
    assert {"batch", "context", "visibility", "logits"} <= set(created)
    assert len(created) == len(set(created))


def test_emit_to_a_file(module: Path, tmp_path: Path, translated: Translated) -> None:
    file = tmp_path / "out.sql"
    emit = ("--emit-sql", "--target", "sqlite", str(module))
    assert translated(*emit, "--output", str(file)) == ""
    assert file.read_text() == translated(*emit)


def test_standard_input(
    module: Path, translated: Translated, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = translated("--emit-sql", "--target", "sqlite", str(module))
    monkeypatch.setattr(sys, "stdin", io.StringIO(module.read_text()))
    assert translated("--emit-sql", "--target", "sqlite", "-") == expected


# Refusals


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("func.func @f() {\n  %x = nn.duck\n}", ["bad.mlir:2:", "nn.duck"]),
        ("func.func @f() {", ["bad.mlir:1:"]),
        ('"test.op"() : () -> ()', ["bad.mlir", "test.op"]),
        ('"nn.add"() : () -> ()', ["bad.mlir", "operand"]),
        ("\udcff", ["bad.mlir", "UTF-8"]),
    ],
)
def test_bad_module(tmp_path: Path, refused: Translated, text: str, said: list[str]) -> None:
    file = tmp_path / "bad.mlir"
    file.write_bytes(text.encode(errors="surrogateescape"))
    output = tmp_path / "out.sql"
    message = refused("--emit-sql", "--target", "sqlite", str(file), "-o", str(output))
    assert all(part in message for part in said), message
    assert not output.exists()


def test_bad_config(config: Path, refused: Translated) -> None:
    (config / "config.json").write_text('{"architectures": ["DuckForCausalLM"]}')
    message = refused("--import-hf", str(config))
    assert "DuckForCausalLM" in message
    assert "LlamaForCausalLM" in message


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "--import-hf"),
        ("--import-hf {tmp}/none", "none"),
        ("--import-hf {tmp}", "config.json"),
        ("--import-hf {tmp} --target sqlite", "--target"),
        ("--import-hf {tmp} --emit-sql", "--emit-sql"),
        ("--emit-sql {tmp}/x.mlir", "--target"),
        ("--emit-sql --target sqlite", "FILE"),
        ("--emit-sql --target mysql {tmp}/x.mlir", "mysql"),
        ("--emit-sql --target sqlite {tmp}/x.mlir", "x.mlir"),
        ("--emit-sql --target sqlite {tmp}", "{tmp}"),
    ],
)
def test_bad_arguments(tmp_path: Path, refused: Translated, arguments: str, said: str) -> None:
    message = refused(*arguments.format(tmp=tmp_path).split())
    assert said.format(tmp=tmp_path) in message


def test_output_that_cannot_be_written(config: Path, tmp_path: Path, refused: Translated) -> None:
    assert "none" in refused("--import-hf", str(config), "-o", f"{tmp_path}/none/out.mlir")
