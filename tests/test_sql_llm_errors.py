"""`sql-llm` refuses: one line, exit status 1, and the database as it was."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from models.llama import write_checkpoint
from models.references import reference
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database
from tensorjoin.program import Statement
from tensorjoin.runtime import load
from tensorjoin.runtime.catalog import create_table, read_table
from tensorjoin.tools.sql_llm import main

MODEL = "one-layer"
GREEDY: list[int] = reference(MODEL).greedy.tolist()
TOKEN_IDS = ",".join(map(str, reference(MODEL).prompt))
VOCABULARY = 128
CONTEXT = 256
NOBODY = 65534

Refused = Callable[..., str]
"""Runs `sql-llm`, which must refuse, and returns what it said after its name."""


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    def run(*arguments: str) -> str:
        capsys.readouterr()
        status = main(arguments)
        captured = capsys.readouterr()
        assert (status, captured.out) == (1, "")
        return one_line(captured.err)

    return run


def one_line(error: str) -> str:
    name, separator, message = error.partition(": ")
    assert (name, separator) == ("sql-llm", ": ")
    assert error.endswith("\n")
    assert error.count("\n") == 1
    assert "Traceback" not in error
    return message.strip()


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = connect(url, create=True)
    try:
        yield database
    finally:
        database.close()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model's folder, to be broken."""
    return write_checkpoint(tmp_path / MODEL, MODEL)


@pytest.fixture(scope="module")
def loaded_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with a model and a table of the user's own."""
    directory = tmp_path_factory.mktemp("loaded")
    file = directory / "loaded.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE notes (v INTEGER)")
        connection.execute("INSERT INTO notes VALUES (42)")
    connection.close()
    write_checkpoint(directory / MODEL, MODEL)
    assert main(["load", str(directory / MODEL), "--db", f"sqlite:///{file}"]) == 0
    return file


@pytest.fixture
def url(loaded_file: Path, tmp_path: Path) -> Iterator[str]:
    """The URL of a copy of `loaded_file`, of which the test must not change a byte."""
    file = tmp_path / "test.db"
    shutil.copyfile(loaded_file, file)
    yield f"sqlite:///{file}"
    assert file.read_bytes() == loaded_file.read_bytes()
    assert not list(tmp_path.glob("test.db-*"))


# A folder that is no model

Tensors = dict[str, npt.NDArray[Any]]


def edit_json(name: str, **values: object) -> Callable[[Path], None]:
    def edit(model: Path) -> None:
        file = model / name
        file.write_text(json.dumps(json.loads(file.read_text()) | values))

    return edit


def write(name: str, text: str) -> Callable[[Path], None]:
    return lambda model: (model / name).write_text(text) and None


def edit_tensors(edit: Callable[[Tensors], object]) -> Callable[[Path], None]:
    def rewrite(model: Path) -> None:
        file = model / "model.safetensors"
        tensors = load_file(file)
        edit(tensors)
        save_file(tensors, file)

    return rewrite


def truncate(model: Path) -> None:
    file = model / "model.safetensors"
    os.truncate(file, file.stat().st_size // 2)


def rename_norm(tensors: Tensors) -> None:
    tensors["model.norm_.weight"] = tensors.pop("model.norm.weight")


def shape_norm(tensors: Tensors) -> None:
    tensors["model.norm.weight"] = np.ones(63, np.float32)


def spoil_norm(tensors: Tensors) -> None:
    tensors["model.norm.weight"][-1] = np.nan


def word_tokenizer(size: int) -> Callable[[Path], None]:
    vocabulary = {"duck": 0, **{str(number): number for number in range(1, size)}}

    def save(model: Path) -> None:
        tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
        tokenizer.pre_tokenizer = Whitespace()
        tokenizer.save(str(model / "tokenizer.json"))

    return save


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(shutil.rmtree, [MODEL, "does not exist"], id="no folder"),
        pytest.param(
            lambda model: (model / "model.safetensors").unlink(),
            ["model.safetensors"],
            id="no weights",
        ),
        pytest.param(truncate, ["model.safetensors", "cut short"], id="truncated"),
        pytest.param(write("model.safetensors", ""), ["model.safetensors"], id="empty"),
        pytest.param(
            edit_tensors(rename_norm), ["model.norm.weight", "no tensor"], id="name of a tensor"
        ),
        pytest.param(
            edit_tensors(lambda tensors: tensors.update(extra=np.ones(3, np.float32))),
            ["extra"],
            id="a tensor more",
        ),
        pytest.param(
            edit_tensors(shape_norm), ["model.norm.weight", "[63]", "[64]"], id="shape of a tensor"
        ),
        pytest.param(edit_tensors(spoil_norm), ["NaN", "norm"], id="not a number"),
        pytest.param(
            edit_json("config.json", architectures=["DuckForCausalLM"], model_type="duck"),
            ["DuckForCausalLM", "duck", "LlamaForCausalLM"],
            id="architecture",
        ),
        pytest.param(
            edit_json("config.json", hidden_size="many"), ["hidden_size", "many"], id="config value"
        ),
        pytest.param(write("config.json", "{"), ["config.json", "JSON"], id="unreadable config"),
        pytest.param(
            lambda model: (model / "config.json").unlink(), ["config.json"], id="no config"
        ),
        pytest.param(
            word_tokenizer(VOCABULARY + 1),
            ["tokenizer.json", str(VOCABULARY + 1), str(VOCABULARY)],
            id="tokenizer of another model",
        ),
        pytest.param(write("tokenizer.json", "{}"), ["tokenizer.json"], id="unreadable tokenizer"),
    ],
)
def test_folder(
    model: Path, url: str, refused: Refused, spoil: Callable[[Path], None], said: list[str]
) -> None:
    spoil(model)
    for options in (["--name", "other"], ["--replace"]):
        message = refused("load", str(model), "--db", url, *options)
        assert all(part in message for part in said), message


def test_no_file_for_no_model(model: Path, tmp_path: Path, refused: Refused) -> None:
    """A wrong folder makes no database."""
    truncate(model)
    for scheme in ("sqlite", "duckdb"):
        refused("load", str(model), "--db", f"{scheme}:///{tmp_path}/new.db")
    assert [path.name for path in tmp_path.iterdir()] == [MODEL]


# A database that is none


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("postgresql://nobody:s3cret@127.0.0.1:1/nothing", ["127.0.0.1"]),
        ("mysql://localhost/test", ["mysql", "sqlite:///"]),
        ("test.db", ["test.db", "sqlite:///"]),
        ("sqlite:///{tmp}/none/test.db", ["none"]),
        ("duckdb:///{tmp}/none/test.db", ["none"]),
        ("sqlite:///{tmp}", ["directory"]),
        ("sqlite:///{tmp}/text", ["text", "SQLite"]),
        ("duckdb:///{tmp}/text", ["text", "DuckDB"]),
    ],
)
def test_database_that_cannot_be_opened(
    model: Path, tmp_path: Path, refused: Refused, bad: str, said: list[str]
) -> None:
    (tmp_path / "text").write_text("no database at all, " * 100)
    address = bad.format(tmp=tmp_path)
    for arguments in (["load", str(model)], ["generate", "--token-ids=5", "--max-tokens=1"]):
        message = refused(*arguments, "--db", address)
        assert all(part in message for part in said), message
        assert "s3cret" not in message
    assert sorted(path.name for path in tmp_path.iterdir()) == [MODEL, "text"]


@pytest.mark.parametrize("scheme", ["sqlite", "duckdb"])
@pytest.mark.parametrize(
    "command", ["list", "drop", "generate --token-ids=5 --max-tokens=1", "logits --token-ids=5"]
)
def test_no_database(tmp_path: Path, refused: Refused, scheme: str, command: str) -> None:
    output = [f"--output={tmp_path}/out.npy"] if command.startswith("logits") else []
    message = refused(*command.split(), *output, "--db", f"{scheme}:///{tmp_path}/none.db")
    assert "none.db" in message
    assert "sql-llm load" in message
    assert not list(tmp_path.iterdir())


@contextmanager
def unprivileged() -> Iterator[Path]:
    """A directory of a user whom file permissions bind, which is not so for root."""
    with tempfile.TemporaryDirectory() as name:
        user = os.geteuid()
        if user == 0:
            os.chown(name, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield Path(name)
        finally:
            os.seteuid(user)


def test_read_only_database(loaded_file: Path, refused: Refused, capsys: Any) -> None:
    """It can be read and run, but neither loaded into nor dropped from."""
    content = loaded_file.read_bytes()
    with unprivileged() as directory:
        file = directory / "test.db"
        file.write_bytes(content)
        file.chmod(0o444)
        model = write_checkpoint(directory / "other", MODEL)
        for command in (["load", str(model)], ["drop"]):
            message = refused(*command, "--db", f"sqlite:///{file}")
            assert str(file) in message
            assert "write" in message
        assert file.read_bytes() == content
        arguments = ["--token-ids", TOKEN_IDS, "--max-tokens", "2", "--format", "json"]
        assert main(["generate", "--db", f"sqlite:///{file}", *arguments]) == 0
        assert json.loads(capsys.readouterr().out)["token_ids"] == GREEDY[:2]


def test_database_that_is_full(model: Path, loaded_file: Path, tmp_path: Path) -> None:
    """A disk that fills up in the middle of loading."""
    file = tmp_path / "test.db"
    shutil.copyfile(loaded_file, file)
    limit = 2 * file.stat().st_size - 50_000
    script = (
        "import resource, signal, sys\n"
        "from tensorjoin.tools.sql_llm import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "sys.exit(main())\n"
    )
    arguments = ["load", str(model), "--db", f"sqlite:///{file}", "--name", "other"]
    finished = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 1
    assert one_line(finished.stderr).startswith("sqlite: ")
    assert file.read_bytes() == loaded_file.read_bytes()


# Names that are taken, and names that are not there


def test_name_taken(model: Path, url: str, refused: Refused) -> None:
    message = refused("load", str(model), "--db", url)
    assert MODEL in message
    assert "--replace" in message


def test_name_taken_but_for_case(model: Path, database_url: str, refused: Refused) -> None:
    """SQLite and DuckDB would take the tables of one for those of the other."""
    assert main(["load", str(model), "--db", database_url]) == 0
    for options in ([], ["--replace"]):
        message = refused("load", str(model), "--db", database_url, "--name", "ONE-layer", *options)
        assert "--name" in message


@pytest.mark.parametrize("kind", ["table", "view"])
def test_table_in_the_way(model: Path, database_url: str, refused: Refused, kind: str) -> None:
    """A table or view of the user's own, where one of the model's would be."""
    assert main(["load", str(model), "--db", database_url]) == 0
    with opened(database_url) as database:
        names = sorted(database.tables() - {"tj.models"})
    assert main(["drop", "--db", database_url]) == 0
    for taken in (names[0], names[-1], f"tj.{MODEL}.program", f"tj.{MODEL}.tokens"):
        assert taken in names
        with opened(database_url) as database:
            create_table(database, "notes" if kind == "view" else taken, {"v": "INT"})
            if kind == "view":
                database.execute(Statement(f'CREATE VIEW "{taken}" AS SELECT v FROM notes'))
            database.insert("notes" if kind == "view" else taken, {"v": np.array([42])})
        for options in ([], ["--replace"]):
            message = refused("load", str(model), "--db", database_url, *options)
            assert taken in message
            assert "--name" in message
        with opened(database_url) as database:
            assert database.tables() == {taken} | ({"notes"} if kind == "view" else set())
            assert read_table(database, taken, ["v"]) == [(42,)]
            database.execute(Statement(f'DROP {kind} "{taken}"'))
            if kind == "view":
                database.execute(Statement("DROP TABLE notes"))


def test_models_table_of_someone_else(model: Path, database_url: str, refused: Refused) -> None:
    with opened(database_url) as database:
        create_table(database, "tj.models", {"v": "INT"})
    for command in (["load", str(model)], ["list"], ["drop"]):
        assert "tj.models" in refused(*command, "--db", database_url)
    with opened(database_url) as database:
        assert database.tables() == {"tj.models"}


def test_name_too_long_for_postgres(
    model: Path, postgres_database_url: str, refused: Refused
) -> None:
    name = "a" * 60
    message = refused("load", str(model), "--db", postgres_database_url, "--name", name)
    assert name in message
    assert "--name" in message


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_no_name(model: Path, url: str, refused: Refused, name: str) -> None:
    assert "--name" in refused("load", str(model), "--db", url, "--name", name)


def test_unknown_name(url: str, refused: Refused) -> None:
    for command in ("drop", "generate --token-ids=5 --max-tokens=1"):
        message = refused(*command.split(), "--db", url, "--name", "nobody")
        assert "nobody" in message
        assert MODEL in message


def test_name_needed(model: Path, tmp_path: Path, refused: Refused) -> None:
    url = f"sqlite:///{tmp_path}/two.db"
    for name in ("one", "two"):
        assert main(["load", str(model), "--db", url, "--name", name]) == 0
    for command in ("drop", "generate --token-ids=5 --max-tokens=1"):
        message = refused(*command.split(), "--db", url)
        assert "--name" in message
        assert "one" in message
        assert "two" in message


def test_nothing_to_drop(tmp_path: Path, refused: Refused) -> None:
    sqlite3.connect(tmp_path / "test.db").close()
    (tmp_path / "test.db").touch()
    assert "sql-llm load" in refused("drop", "--db", f"sqlite:///{tmp_path}/test.db")


# Prompts


@pytest.mark.parametrize("token", [-1, VOCABULARY, 2**31, 10**30])
def test_token_out_of_range(url: str, tmp_path: Path, refused: Refused, token: int) -> None:
    output = tmp_path / "out.npy"
    for command in (["generate", "--max-tokens=1"], ["logits", "--output", str(output)]):
        message = refused(*command, "--db", url, f"--token-ids=5,{token}")
        assert str(token) in message
        assert str(VOCABULARY) in message
    assert not output.exists()


@pytest.mark.parametrize("prompt", ["--prompt=", "--token-ids=", "--token-ids= "])
def test_empty_prompt(url: str, tmp_path: Path, refused: Refused, prompt: str) -> None:
    if prompt == "--prompt=":
        url = text_url(tmp_path)
    else:
        output = tmp_path / "out.npy"
        refused("logits", "--db", url, prompt, "--output", str(output))
    assert "empty" in refused("generate", "--db", url, "--max-tokens=1", prompt)


def text_url(tmp_path: Path) -> str:
    """A database with a model whose tokenizer knows few words."""
    model = write_checkpoint(tmp_path / "words", MODEL)
    word_tokenizer(VOCABULARY)(model)
    url = f"sqlite:///{tmp_path}/words.db"
    assert main(["load", str(model), "--db", url]) == 0
    return url


def test_prompt_without_tokens(tmp_path: Path, refused: Refused) -> None:
    assert "empty" in refused(
        "generate", "--db", text_url(tmp_path), "--max-tokens=1", "--prompt= "
    )


def test_prompt_that_cannot_be_encoded(tmp_path: Path, refused: Refused) -> None:
    url = text_url(tmp_path)
    assert main(["generate", "--db", url, "--max-tokens=1", "--prompt=duck"]) == 0
    message = refused("generate", "--db", url, "--max-tokens=1", "--prompt=swan")
    assert "tokenizer" in message


def test_prompt_without_a_tokenizer(url: str, refused: Refused) -> None:
    message = refused("generate", "--db", url, "--max-tokens=1", "--prompt=duck")
    assert MODEL in message
    assert "--token-ids" in message


@pytest.mark.parametrize(
    "arguments",
    [
        ["generate", "--token-ids", "5", "--max-tokens", str(CONTEXT + 1)],
        ["generate", "--token-ids", ",".join("5" * CONTEXT), "--max-tokens", "2"],
        ["generate", "--token-ids", ",".join("5" * (CONTEXT + 1)), "--max-tokens", "1"],
        ["logits", "--token-ids", ",".join("5" * (CONTEXT + 1)), "--output", "out.npy"],
    ],
)
def test_context_too_long(
    url: str,
    tmp_path: Path,
    refused: Refused,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(CONTEXT) in refused(*arguments, "--db", url)
    assert not (tmp_path / "out.npy").exists()


# Arguments


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "COMMAND"),
        ("duck", "duck"),
        ("list", "--db"),
        ("load --db {url}", "DIR"),
        ("generate --db {url} --max-tokens 3", "--prompt"),
        ("generate --db {url} --max-tokens 3 --prompt a --token-ids 5", "--token-ids"),
        ("generate --db {url} --token-ids 5", "--max-tokens"),
        ("generate --db {url} --token-ids 5 --max-tokens 0", "--max-tokens"),
        ("generate --db {url} --token-ids 5 --max-tokens many", "many"),
        ("generate --db {url} --token-ids 5,x --max-tokens 3", "5,x"),
        ("generate --db {url} --token-ids 5,,6 --max-tokens 3", "5,,6"),
        ("generate --db {url} --token-ids 5 --max-tokens 3 --temperature hot", "hot"),
        ("generate --db {url} --token-ids 5 --max-tokens 3 --temperature -1", "temperature"),
        ("generate --db {url} --token-ids 5 --max-tokens 3 --temperature nan", "temperature"),
        ("generate --db {url} --token-ids 5 --max-tokens 3 --top-k 0", "top-k"),
        ("generate --db {url} --token-ids 5 --max-tokens 3 --top-p 0", "top-p"),
        ("generate --db {url} --token-ids 5 --max-tokens 3 --seed -1", "seed"),
        ("generate --db {url} --token-ids 5 --max-tokens 3 --format xml", "xml"),
        ("generate --db {url} --token-ids 5 --max 3", "--max"),
        ("logits --db {url} --token-ids 5", "--output"),
        ("logits --db {url} --token-ids 5 --output {tmp}/none/out.npy", "none"),
        ("logits --db {url} --token-ids 5 --output {tmp}", "{tmp}"),
        ("generate --db {url} --max-tokens 3 --prompt \udcff", "UTF-8"),
    ],
)
def test_arguments(url: str, tmp_path: Path, refused: Refused, arguments: str, said: str) -> None:
    values = {"url": url, "tmp": str(tmp_path)}
    message = refused(*(part.format(**values) for part in arguments.split()))
    assert said.format(**values) in message


def test_help() -> None:
    with pytest.raises(SystemExit) as exit:
        main(["generate", "--help"])
    assert exit.value.code == 0


def test_output_that_cannot_be_written(url: str) -> None:
    command = [sys.executable, "-m", "tensorjoin.tools.sql_llm", "list", "--db", url]
    with open("/dev/full", "w") as full:
        finished = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )
    assert finished.returncode == 1
    one_line(finished.stderr)


# A load that is cut short

CUT_SHORT = """
import signal, sys, time
from tensorjoin.backends.database import Database
from tensorjoin.program import Statement
from tensorjoin.runtime import load
from tensorjoin.tools.sql_llm import main

done = []
load_weight = load.load_weight

def load_and_wait(*arguments):
    load_weight(*arguments)
    done.append(arguments)
    if len(done) == 3:
        print("waiting", flush=True)
        time.sleep(60)

load.load_weight = load_and_wait
sys.exit(main())
"""


def cut_short(model: Path, url: str, end: signal.Signals) -> subprocess.CompletedProcess[str]:
    """A process that gets a signal in the middle of its transaction."""
    command = [sys.executable, "-c", CUT_SHORT, "load", str(model), "--db", url, "--replace"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(end)
        output, errors = process.communicate(timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def test_interrupted_load(model: Path, url: str) -> None:
    finished = cut_short(model, url, signal.SIGINT)
    assert finished.returncode == 130
    assert one_line(finished.stderr) == "interrupted: nothing was changed"


def test_interrupted_after_the_commit(
    model: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """It is not said that nothing was changed: the model is there."""
    with opened(database_url) as database:
        engine = type(database)
    commit = engine._commit

    def commit_and_interrupt(database: Database) -> None:
        commit(database)
        os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(engine, "_commit", commit_and_interrupt)
        assert main(["load", str(model), "--db", database_url]) == 130
    assert capsys.readouterr().err == "sql-llm: interrupted\n"
    assert main(["drop", "--db", database_url]) == 0


def test_killed_load(model: Path, database_url: str, capsys: Any) -> None:
    """Nothing of it stays, and the next load starts clean."""
    with opened(database_url) as database:
        create_table(database, "notes", {"v": "INT"})
    cut_short(model, database_url, signal.SIGKILL)
    with opened(database_url) as database:
        assert database.tables() == {"notes"}
    assert main(["load", str(model), "--db", database_url]) == 0
    arguments = ["--token-ids", TOKEN_IDS, "--max-tokens", "3", "--format", "json"]
    assert main(["generate", "--db", database_url, *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["token_ids"] == GREEDY[:3]


def test_replacement_cut_short(
    model: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """The old model stays."""
    assert main(["load", str(model), "--db", database_url]) == 0
    with monkeypatch.context() as patch:
        patch.setattr(load, "store_program", interrupt)
        assert main(["load", str(model), "--db", database_url, "--replace"]) == 130
    arguments = ["--token-ids", TOKEN_IDS, "--max-tokens", "3", "--format", "json"]
    capsys.readouterr()
    assert main(["generate", "--db", database_url, *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["token_ids"] == GREEDY[:3]


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt
