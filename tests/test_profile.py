"""`sql-llm profile`: what a decode step does, counted by the engine and by hand."""

import builtins
import re
from pathlib import Path

import pytest
import sqlglot
from models.llama import write_checkpoint

from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database
from tensorjoin.errors import TensorjoinError
from tensorjoin.forms import FORMS, FORWARD, Line
from tensorjoin.frontends.llama_config import read_llama_config
from tensorjoin.measure.profile import profile
from tensorjoin.measure.statement_work import TableSize, sources, statement_work, target
from tensorjoin.runtime import form_choice
from tensorjoin.runtime.load import load_model
from tensorjoin.tools import sql_llm

SIZES = {
    "w": TableSize(rows=100, row_bytes=16, vector=0),
    "x": TableSize(rows=10, row_bytes=8, vector=0),
    "a": TableSize(rows=50, row_bytes=264, vector=64),
}


def work(sql: str, written: float = 0):
    return statement_work(sqlglot.parse_one(sql, dialect="duckdb"), SIZES, written)


def test_a_join_and_a_group():
    found = work(
        "INSERT INTO y SELECT w.o, SUM(w.v * x.v) FROM w JOIN x ON w.i = x.i GROUP BY w.o", 20
    )
    assert (found.statements, found.read, found.written) == (1, 110, 20)
    assert found.bytes == 100 * 16 + 10 * 8
    assert (found.joined, found.grouped, found.products) == (100, 100, 100)
    assert found.columns == 6


def test_blocks_of_a_statement():
    found = work(
        "INSERT INTO y WITH t AS (SELECT LIST(v ORDER BY i) AS c, i // 4 AS k FROM x GROUP BY i // 4)"
        " SELECT LIST_DOT_PRODUCT(a.v, t.c) AS v FROM a JOIN t ON a.k = t.k"
    )
    assert (found.packed, found.grouped, found.joined) == (10, 10, 50)
    assert found.dot_products == 50 * 64
    assert found.products == 0


def test_rounds_of_a_recursion():
    recursion = (
        "INSERT INTO y WITH RECURSIVE s AS (SELECT v FROM x), r AS (SELECT v FROM s UNION ALL"
        " (WITH p AS (SELECT w.v * r.v AS v FROM w JOIN r ON w.i = r.v) SELECT SUM(v) FROM p))"
        " SELECT v FROM r"
    )
    one, six = (
        statement_work(sqlglot.parse_one(recursion, dialect="duckdb"), SIZES, 0, rounds)
        for rounds in (1, 6)
    )
    assert (one.products, six.products) == (100, 600)
    assert (one.read, six.read) == (110, 610)
    assert (one.statements, six.statements) == (1, 1)


def test_what_is_read_and_made():
    tree = sqlglot.parse_one("INSERT INTO y WITH t AS (SELECT * FROM x) SELECT * FROM t, w")
    assert (target(tree), sorted(sources(tree))) == ("y", ["w", "x"])
    tree = sqlglot.parse_one("DELETE FROM y")
    assert (target(tree), sources(tree)) == ("y", [])


@pytest.mark.parametrize("form", FORMS)
def test_a_decode_step(
    form: str, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    directory = write_checkpoint(tmp_path, "small")
    model = load_model(database, directory, "m")
    monkeypatch.setattr(form_choice, "tried", lambda *_: {form: Line(1, 1)})
    operators, coefficients = profile(database, model, [1, 2])
    assert any(coefficients.values())
    assert all(each.measured >= 0 and each.predicted >= 0 for each in operators)
    logits = next(each for each in operators if each.makes == "logits")
    assert (logits.calls, logits.work.written) == (1, model.manifest.vocab_size)
    assert {"embed_tokens", "lm_head"} & set(logits.weights)
    # Each row of the batch is one token's.
    assert next(each for each in operators if each.makes == "batch").work.written == 1
    ways = {each.calls for each in operators if each.makes in ("keys", "values")}
    assert ways == {
        1 if form == FORWARD and database.target.profile.recurses else model.manifest.layers
    }
    (products,) = {each.products for each in operators if each.makes == "logits"}
    assert sum(each.products for each in operators) > 2 * products
    weights = {weight for each in operators for weight in each.weights}
    assert weights == {table.removeprefix("tj.m.") for table in model.manifest.tables} - {
        "program",
        "tokens",
    }


def test_no_tokens(database: Database, tmp_path: Path):
    model = load_model(database, write_checkpoint(tmp_path, "small"), "m")
    with pytest.raises(TensorjoinError, match="there are no tokens"):
        profile(database, model, [])


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A SQLite database with a model."""
    url = f"sqlite:///{tmp_path}/m.db"
    database = connect(url, create=True)
    load_model(database, write_checkpoint(tmp_path, "small"), "m")
    database.close()
    return url


def test_command_line(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    picture = tmp_path / "roofline.svg"
    assert sql_llm.main(["profile", "--db", url, "--output", str(picture)]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"logits .* lm_head|logits .* embed_tokens", printed)
    for column in ("rows read", "predicted ms", "measured ms", "bound by"):
        assert column in printed
    assert picture.read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--token-ids", ""], "there are no tokens"),
        (["--token-ids", "100000"], "token id 100000 is out of range"),
        (["--output", "/nowhere/a.svg"], "no directory /nowhere"),
        (["--name", "other"], "no model 'other' here"),
    ],
)
def test_errors(url: str, options: list[str], message: str, capsys: pytest.CaptureFixture[str]):
    assert sql_llm.main(["profile", "--db", url, *options]) == 1
    assert message in capsys.readouterr().err


def test_an_unknown_kind_of_picture(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert sql_llm.main(["profile", "--db", url, "--output", f"{tmp_path}/a.txt"]) == 1
    assert "cannot draw" in capsys.readouterr().err


def test_a_picture_without_matplotlib(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    imported = builtins.__import__

    def missing(name: str, *rest: object, **options: object) -> object:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return imported(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    assert sql_llm.main(["profile", "--db", url, "--output", f"{tmp_path}/a.svg"]) == 1
    assert "install tensorjoin[plot]" in capsys.readouterr().err


@pytest.mark.parametrize("bits", [None, 16])
def test_vectors_of_pgvector(bits: int | None, pgvector: Database, tmp_path: Path):
    """Of the last product: as many for each token as there are hidden features."""
    model = load_model(pgvector, write_checkpoint(tmp_path, "small"), "m", bits=bits)
    operators, _ = profile(pgvector, model, [1, 2])
    logits = next(each for each in operators if each.makes == "logits")
    hidden = read_llama_config(tmp_path).hidden_size
    assert logits.work.dot_products == hidden * model.manifest.vocab_size
    read = logits.work.bytes / model.manifest.vocab_size
    assert hidden * (4 if bits is None else 2) < read < hidden * (5 if bits is None else 3)
