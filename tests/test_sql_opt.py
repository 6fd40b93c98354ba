"""`sql-opt` as a command: its errors, the order of its passes, and its help."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tensorjoin.tools.sql_opt import _summary
from tensorjoin.universe import PASSES, TENSORJOIN_UNIVERSE

SQL_OPT = Path(sys.executable).with_name("sql-opt")
GOOD = """
func.func @f() {
  %x = rel.range j to 4
  %y = rel.materialize %x
  rel.insert %y into @t
  func.return
}
"""
SYNTAX = "builtin.module {\n  %x = rel.range j 4\n}\n"
COLUMN = "%x = rel.range j to 4\n%y = rel.project %x [j] {v = z}\n%z = rel.range j to 2\n"
INVALID = """
%x = rel.range j to 4
%y = "rel.select"(%x) <{condition = #rel.ref<"z">}>
    : (!rel.relation<[j: 4]>) -> !rel.relation<[j: 4]>
"""


def sql_opt(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SQL_OPT, *arguments], input=text, capture_output=True, text=True, timeout=60, check=False
    )


def error_of(*arguments: str, text: str | None = None) -> str:
    """What is said on standard error, by a command that must fail."""
    done = sql_opt(*arguments, text=text)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_syntax_error(tmp_path: Path):
    file = tmp_path / "syntax.mlir"
    file.write_text(SYNTAX)
    assert error_of(str(file)) == f"{file}:2:20: error: Expected 'to'\n"
    assert error_of(text=SYNTAX) == "stdin:2:20: error: Expected 'to'\n"


def test_an_error_found_while_parsing_has_a_place():
    assert error_of(text=COLUMN) == "stdin:2:32: error: no column 'z' among j\n"
    split = f"%x = rel.range j to 1\n// -----\n{COLUMN}"
    done = sql_opt("--split-input-file", text=split)
    assert (done.returncode, done.stderr) == (1, "stdin:4:32: error: no column 'z' among j\n")


def test_an_invalid_module_is_not_dumped():
    message = error_of(text=INVALID)
    assert message.splitlines()[0] == "stdin: error: no column 'z' among j"
    assert message.splitlines()[1].startswith('note: see current operation: %y = "rel.select"(%x)')
    assert len(message.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--convert-rel-to-sql"], "rel.materialize has no form in SQL"),
        (["-p", "no-such-pass"], "Unrecognized passes: ['no-such-pass']"),
        (["--no-such-pass"], "unrecognized arguments: --no-such-pass: see sql-opt --help"),
        (["--lower-to-s"], "unrecognized arguments: --lower-to-s: see sql-opt --help"),
        (["--pass", "merge-ctes{target=oracle}"], "unknown target 'oracle': choose one of"),
        (["--pass", "merge-ctes{depth=1}"], 'Provided arguments ["depth"] not found'),
        (["--pass", "merge-ctes{target"], "pass-pipeline:1:18: Expected equals"),
        (["-t", "cobol"], "argument -t/--target: invalid choice: 'cobol'"),
        (["-t", "sql{target=oracle}"], "unknown target 'oracle': choose one of"),
        (["-t", "sql{depth=1}"], 'Provided arguments ["depth"] not found'),
        (["-t", "sql"], "rel.range has no form as a statement"),
        (["--cse", "-p", "dce"], "use -p or pass flags, not both"),
        (["-o", "/no/such/folder/out.mlir"], "/no/such/folder/out.mlir: No such file"),
    ],
)
def test_one_line_errors(arguments: list[str], message: str):
    error = error_of(*arguments, text=GOOD)
    assert error.startswith(f"sql-opt: {message}")
    assert len(error.splitlines()) == 1


def test_files_that_cannot_be_read(tmp_path: Path):
    assert error_of("missing.mlir") == "sql-opt: missing.mlir: No such file or directory\n"
    assert error_of(str(tmp_path)) == f"sql-opt: {tmp_path}: Is a directory\n"
    (tmp_path / "a.txt").write_text(GOOD)
    assert "Unrecognized file extension 'txt'" in error_of(str(tmp_path / "a.txt"))
    (tmp_path / "a.mlir").write_bytes(b"\xff\xfe")
    assert "'utf-8' codec" in error_of(str(tmp_path / "a.mlir"))


def test_an_unknown_operation():
    error = error_of(text="nonsense.op")
    assert error == "stdin:1:12: error: Operation nonsense.op is not registered\n"


def test_diagnostics_are_printed_where_they_are_asked_for():
    done = sql_opt("--verify-diagnostics", text=INVALID)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("no column 'z' among j\n")
    assert "| Operation does not verify: no column 'z' among j" in done.stdout
    done = sql_opt("--verify-diagnostics", text=COLUMN)
    assert (done.returncode, done.stdout) == (0, "no column 'z' among j\n")
    done = sql_opt("--parsing-diagnostics", text=SYNTAX)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("stdin:2:20\n")


def test_passes_run_in_the_order_given():
    done = sql_opt(
        "--allocate-scratch",
        "--pass",
        "convert-rel-to-sql",
        "--reset-scratch",
        "--print-between-passes",
        text=GOOD,
    )
    assert done.returncode == 0
    first, second = done.stdout.split("IR after ")[1:]
    assert first.startswith("allocate-scratch:")
    assert "rel.insert %x into @scratch0" in first
    assert second.startswith("convert-rel-to-sql:")
    assert "sql.delete @scratch0" in second.partition("\n\n\n")[2]


def test_a_reader_that_stops_is_no_error():
    command = f'"{SQL_OPT}" | head -n 1; exit ${{PIPESTATUS[0]}}'
    values = ", ".join(["1.5"] * 20000)
    text = f"%v = sql.values [{values}] : !rel.relation<[], v: f64>\n"
    done = subprocess.run(
        ["bash", "-c", command], input=text, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    assert done.stdout == "builtin.module {\n"


@pytest.mark.parametrize("name", PASSES)
def test_help_has_a_whole_sentence_for_each_pass(name: str):
    described = _summary(TENSORJOIN_UNIVERSE.all_passes[name]())
    assert re.fullmatch(r"[A-Z].*\.", described)
    assert len(described) > 20
