"""What a database says of models that other versions stored, and of rows that are damaged."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database, quoted_name
from tensorjoin.errors import TensorjoinError
from tensorjoin.program import Statement
from tensorjoin.runtime.catalog import FORMAT, MODELS, all_models, find_model, models
from tensorjoin.runtime.load import load_model
from tensorjoin.tools.sql_llm import main

DEMO = Path(__file__).parents[1] / "examples" / "demo"
Change = Callable[[dict[str, Any]], object]


def newer(manifest: dict[str, Any]) -> object:
    return manifest | {"format": FORMAT + 1, "tables": manifest["tables"]}


def of_the_format_before(manifest: dict[str, Any]) -> object:
    return manifest | {"format": FORMAT - 1}


def older(manifest: dict[str, Any]) -> object:
    return {name: value for name, value in manifest.items() if name not in ("format", "layers")}


def with_more(manifest: dict[str, Any]) -> object:
    return manifest | {"favourite_colour": "blue"}


def damaged(manifest: dict[str, Any]) -> object:
    return [manifest]


def rewrite(database: Database, model: str, change: Change) -> None:
    """Change the manifest of a model, as another version might have written it."""
    rows = database.query(Statement(f"SELECT name, manifest FROM {quoted_name(MODELS)}"))
    ((_, text),) = (row for row in rows if row[0] == model)
    changed = json.dumps(change(json.loads(text))).replace("'", "''")
    update = f"UPDATE {quoted_name(MODELS)} SET manifest = '{changed}' WHERE name = '{model}'"
    database.execute(Statement(update))


def test_fields_that_are_not_known_are_left_alone(database: Database):
    load_model(database, DEMO)
    rewrite(database, "demo", with_more)
    assert find_model(database, None).manifest.architecture == "LlamaForCausalLM"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (newer, "stored by a newer tensorjoin"),
        (older, "not stored by this version of tensorjoin"),
        (of_the_format_before, "not stored by this version of tensorjoin"),
        (damaged, "not stored by this version of tensorjoin"),
    ],
)
def test_a_row_that_is_not_understood_hides_no_other(
    database: Database, change: Change, reason: str
):
    load_model(database, DEMO, "strange")
    load_model(database, DEMO, "good")
    rewrite(database, "strange", change)
    assert list(models(database)) == ["good"]
    assert find_model(database, None).name == "good"
    with pytest.raises(TensorjoinError, match=f"'strange' was {reason}"):
        find_model(database, "strange")


def test_such_a_model_is_listed_dropped_and_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    url = f"sqlite:///{tmp_path}/test.db"
    database = connect(url, create=True)
    load_model(database, DEMO, "good")
    before = database.tables()
    load_model(database, DEMO, "strange")
    rewrite(database, "strange", newer)
    assert main(["list", "--db", url]) == 0
    printed = capsys.readouterr()
    assert "good" in printed.out
    assert printed.err.splitlines() == [
        "sql-llm: the model 'strange' was stored by a newer tensorjoin: upgrade, or use --replace"
    ]
    assert (
        main(["generate", "--db", url, "--name", "strange", "--prompt", "x", "--max-tokens", "1"])
        == 1
    )
    load_model(database, DEMO, "strange", replace=True)
    assert list(models(database)) == ["good", "strange"]
    rewrite(database, "strange", newer)
    assert main(["drop", "--db", url, "--name", "strange"]) == 0
    assert database.tables() == before
    assert list(all_models(database)) == ["good"]
    database.close()
