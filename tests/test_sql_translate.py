"""`sql-translate`: modules from folders, and SQL that engines accept from modules."""

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from models.llama import write_checkpoint
from xdsl.context import Context
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.universe import Universe

from tensorjoin.backend import find_target
from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database
from tensorjoin.driver import compile_module
from tensorjoin.pipelines import tensor_algebra, to_relational, to_sql
from tensorjoin.program import Statement
from tensorjoin.stages import Pipeline
from tensorjoin.targets import TargetProfile
from tensorjoin.tools.sql_translate import main

MODEL = "one-layer"
SMALL = """
func.func @gated() {
  %x = ten.input @numbers ["p", "i"] "x" : tensor<?x4xf32>
  %gate = nn.silu %x : tensor<?x4xf32> -> tensor<?x4xf32>
  %y = nn.mul %gate, %x : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  ten.output %y to @results ["p", "i"] : tensor<?x4xf32>
  func.return
}
"""

LEVELS: dict[str, Callable[[TargetProfile], Pipeline]] = {
    "nn": lambda profile: (),
    "ten": lambda profile: (tensor_algebra(),),
    "rel": to_relational,
    "sql": to_sql,
}
"""The passes from `nn` to each level."""

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


def statements(sql: str) -> list[str]:
    """One a line, their parameters bound to 0; comments begin with dashes."""
    lines = [line for line in sql.splitlines() if not line.startswith("--")]
    assert all(line.endswith(";") for line in lines)
    # No slice of a vector is a parameter: v[1:96].
    return [re.sub(r"\$\w+|(?<!:):[A-Za-z_]\w*", "0", line) for line in lines]


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


def lowered(text: str, level: str, target: str) -> str:
    """The text of a module at another level."""
    ctx = context()
    module = Parser(ctx, text).parse_module()
    lowered_for = find_target(target)
    compile_module(module, lowered_for, LEVELS[level](lowered_for.profile))
    stream = StringIO()
    Printer(stream).print_op(module)
    assert f"{level}." in stream.getvalue()
    return stream.getvalue()


def test_engines_accept_the_sql(module: Path, database_url: str, translated: Translated) -> None:
    """Each statement of a model runs, on tables without rows, and leaves no logits."""
    with opened(database_url) as database:
        accept(database, translated(*emission(database), str(module)))


@pytest.mark.parametrize("level", [level for level in LEVELS if level != "nn"])
def test_sql_from_each_level(
    module: Path, tmp_path: Path, translated: Translated, level: str
) -> None:
    module.write_text(lowered(module.read_text(), level, "sqlite"))
    with opened(f"sqlite:///{tmp_path}/test.db") as database:
        accept(database, translated(*emission(database), str(module)))


def accept(database: Database, text: str) -> None:
    for statement in statements(text):
        database.execute(Statement(statement))
    assert database.query(Statement('SELECT count(*) FROM "logits"')) == [(0,)]


@pytest.mark.parametrize("level", LEVELS)
def test_sql_of_a_small_program(
    tmp_path: Path, database_url: str, translated: Translated, level: str
) -> None:
    """The statements alone compute what the module says, on tables named like its symbols."""
    file = tmp_path / "small.mlir"
    numbers = np.linspace(-3, 3, 12)
    p, i = np.divmod(np.arange(12), 4)
    with opened(database_url) as database:
        file.write_text(lowered(SMALL, level, database.target.name))
        text = translated(*emission(database), str(file))
        created, _, procedures = text.partition("-- gated\n")
        for statement in statements(created):
            database.execute(Statement(statement))
        database.insert("numbers", {"p": p, "i": i, "x": numbers})
        for statement in statements(procedures.partition("-- reset\n")[0]):
            database.execute(Statement(statement))
        rows = database.query(Statement('SELECT "v" FROM "results" ORDER BY "p", "i"'))
    expected = numbers**2 / (1 + np.exp(-numbers))
    np.testing.assert_allclose([value for (value,) in rows], expected, rtol=1e-5, atol=1e-6)


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = connect(url, create=True)
    try:
        yield database
    finally:
        database.close()


def emission(database: Database) -> tuple[str, ...]:
    return ("--emit-sql", "--target", database.target.name)


def test_emit_to_a_file(module: Path, tmp_path: Path, translated: Translated) -> None:
    file = tmp_path / "out.sql"
    emit = ("--emit-sql", "--target", "sqlite", str(module))
    assert translated(*emit, "--output", str(file)) == ""
    assert file.read_text() == translated(*emit)


def test_standard_input(
    module: Path, translated: Translated, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = translated("--emit-sql", "--target", "sqlite", str(module))
    monkeypatch.setattr(sys, "stdin", StringIO(module.read_text()))
    assert translated("--emit-sql", "--target", "sqlite", "-") == expected


# Refusals


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("func.func @f() {\n  %x = nn.duck\n}", ["bad.mlir:3:", "nn.duck"]),
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
