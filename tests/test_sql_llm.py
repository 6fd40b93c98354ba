"""`sql-llm`: what it prints and writes, and what it leaves in the database."""

import io
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.llama import write_checkpoint
from models.references import reference
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE

from tensorjoin.backends.connect import connect
from tensorjoin.runtime.catalog import create_table, read_table
from tensorjoin.tools.sql_llm import main

MODEL = "one-layer"
REFERENCE = reference(MODEL)
PROMPT: list[int] = REFERENCE.prompt.tolist()
GREEDY: list[int] = REFERENCE.greedy.tolist()
TOKEN_IDS = ",".join(map(str, PROMPT))
VOCABULARY = 128
ALPHABET = " -abcdefghijklmnopqrstuvwxyz"
STRANGE_NAME = 'it\'s "%s" $1 :a;\nDROP TABLE t;🦆'


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model without a tokenizer."""
    return write_checkpoint(tmp_path_factory.mktemp("plain") / MODEL, MODEL)


@pytest.fixture(scope="module")
def text_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A SQLite database with a model that has a tokenizer; no test changes it."""
    model = write_checkpoint(tmp_path_factory.mktemp("text") / "talker", MODEL)
    byte_tokenizer().save(str(model / "tokenizer.json"))
    url = f"sqlite:///{tmp_path_factory.mktemp('database')}/text.db"
    assert main(["load", str(model), "--db", url]) == 0
    return url


def byte_tokenizer() -> Tokenizer:
    """
    As many byte-level tokens as the model has: three special ones, the letters, bytes of "é" and
    "🦆", and pairs of letters. A text begins with <s>, and is cut to four tokens by the file.
    """
    bytes_as_text = {
        character: pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(character)
        for character in [*ALPHABET, "é", "🦆"]
    }
    singles = sorted({c for ((piece, _),) in bytes_as_text.values() for c in piece})
    letters = [c for c in singles if c in ALPHABET]
    pairs = [(a, b) for a in letters for b in letters][: VOCABULARY - 3 - len(singles)]
    tokens = ["<unk>", "<s>", "</s>", *singles, *(a + b for a, b in pairs)]
    assert len(tokens) == VOCABULARY
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(BPE(vocab=vocabulary, merges=pairs, unk_token="<unk>"))
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=4, pad_token="</s>", pad_id=2)
    return tokenizer


def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A process of its own."""
    command = [sys.executable, "-m", "tensorjoin.tools.sql_llm", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def generated(capsys: pytest.CaptureFixture[str], url: str, *options: str) -> dict[str, Any]:
    """The object that `generate --format json` prints, for the prompt if none is given."""
    names = {option.partition("=")[0] for option in options}
    prompt = () if names & {"--prompt", "--token-ids"} else ("--token-ids", TOKEN_IDS)
    length = () if "--max-tokens" in names else ("--max-tokens", "6")
    capsys.readouterr()
    status = main(["generate", "--db", url, "--format", "json", *prompt, *length, *options])
    captured = capsys.readouterr()
    assert (status, captured.err) == (0, "")
    return json.loads(captured.out)


def slowness(url: str) -> list[str]:
    """The line about a version that is known to be slow, if this is one."""
    database = connect(url, create=False)
    try:
        return [line for line in [database.slowness()] if line is not None]
    finally:
        database.close()


def tables(url: str) -> set[str]:
    database = connect(url, create=False)
    try:
        return database.tables()
    finally:
        database.close()


@pytest.fixture
def notes(database_url: str) -> Iterator[str]:
    """A database with a table of the user's own, which must be there in the end as it was."""
    database = connect(database_url, create=True)
    create_table(database, "notes", {"v": "INT"})
    database.insert("notes", {"v": np.arange(3)})
    database.close()
    yield database_url
    database = connect(database_url, create=False)
    assert read_table(database, "notes", ["v"], "v") == [(0,), (1,), (2,)]
    database.close()


# All commands


def test_from_load_to_drop(
    notes: str, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["load", str(checkpoint), "--db", notes]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    loaded, *more = captured.err.splitlines()
    assert loaded.startswith("loaded ")
    assert more == slowness(notes)

    assert main(["list", "--db", notes]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == [
        "name", "parameters", "layers", "vocabulary", "context", "tokenizer"
    ]  # fmt: skip
    elements = sum(tensor.size for tensor in load_file(checkpoint / "model.safetensors").values())
    assert row.split() == [MODEL, str(elements), "1", str(VOCABULARY), "256", "no"]

    answer = generated(capsys, notes)
    assert answer.pop("prefill_seconds") > 0
    assert answer.pop("seconds_per_token") > 0
    assert answer == {
        "prompt_ids": PROMPT,
        "token_ids": GREEDY[:6],
        "text": None,
        "finish_reason": "length",
    }

    file = tmp_path / "logits of all"
    assert main(["logits", "--db", notes, "--token-ids", TOKEN_IDS, "--output", str(file)]) == 0
    logits = np.load(file)
    assert logits.dtype == np.float32
    assert logits.shape == (len(PROMPT), VOCABULARY)
    np.testing.assert_allclose(logits, REFERENCE.logits, atol=1e-4, rtol=1e-4)

    assert main(["drop", "--db", notes]) == 0
    assert tables(notes) == {"notes"}
    capsys.readouterr()
    assert main(["list", "--db", notes]) == 0
    assert capsys.readouterr().out == ""


def test_database_needs_no_checkpoint(database_url: str, checkpoint: Path, tmp_path: Path) -> None:
    """Other processes run the model when its folder is gone."""
    moved = tmp_path / MODEL
    shutil.copytree(checkpoint, moved)
    assert main(["load", str(moved), "--db", database_url]) == 0
    shutil.rmtree(moved)
    text = ran("generate", "--db", database_url, "--token-ids", TOKEN_IDS, "--max-tokens", "6")
    assert (text.returncode, text.stderr) == (0, "")
    assert text.stdout == ",".join(map(str, PROMPT + GREEDY[:6])) + "\n"


# Text


def test_text_is_the_prompt_and_its_continuation(
    text_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizer = byte_tokenizer()
    arguments = ["--token-ids", TOKEN_IDS, "--max-tokens", "40"]
    assert main(["generate", "--db", text_url, *arguments]) == 0
    printed = capsys.readouterr().out
    assert printed == tokenizer.decode(PROMPT + GREEDY[:40]) + "\n"
    answer = generated(capsys, text_url, *arguments)
    assert answer["token_ids"] == GREEDY[:40]
    assert answer["text"] == tokenizer.decode(GREEDY[:40])


@pytest.mark.parametrize("prompt", ["the duck", " a café 🦆", "--name", "x" * 30])
def test_prompt_is_encoded_as_a_whole(
    text_url: str, prompt: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its begin token, and without the truncation and padding saved with the tokenizer."""
    tokenizer = byte_tokenizer()
    tokenizer.no_truncation()
    tokenizer.no_padding()
    answer = generated(capsys, text_url, f"--prompt={prompt}")
    assert answer["prompt_ids"] == tokenizer.encode(prompt).ids
    assert answer["prompt_ids"][0] == 1
    assert tokenizer.decode(answer["prompt_ids"]) == prompt


class Recorder(io.StringIO):
    """A standard output that knows in which pieces it was written, and stops after `limit`."""

    def __init__(self, limit: int = 10**9) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.written = ""
        self.limit = limit

    def write(self, text: str) -> int:
        self.written += text
        return len(text)

    def flush(self) -> None:
        if self.written:
            self.pieces.append(self.written)
        self.written = ""
        if len(self.pieces) == self.limit:
            self.limit = 10**9
            raise KeyboardInterrupt


def test_text_comes_token_by_token(text_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = byte_tokenizer()
    output = Recorder()
    monkeypatch.setattr(sys, "stdout", output)
    arguments = ["--token-ids", TOKEN_IDS, "--max-tokens", "12"]
    assert main(["generate", "--db", text_url, *arguments]) == 0
    assert "".join(output.pieces) == tokenizer.decode(PROMPT + GREEDY[:12]) + "\n"
    # One piece for each token, save those that only begin a character.
    whole = [token for token in PROMPT + GREEDY[:12] if "\ufffd" not in tokenizer.decode([token])]
    assert len(output.pieces) >= len(whole)


def test_first_text_comes_before_the_last(text_url: str) -> None:
    """A reader of the pipe sees text while the model still runs."""
    command = [sys.executable, "-m", "tensorjoin.tools.sql_llm", "generate", "--db", text_url]
    command += ["--prompt", "abc", "--max-tokens", "250"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(3) == b"abc"
        assert process.poll() is None
        # As `| head` does.
        process.stdout.close()
        assert process.wait(60) in (0, 1)
        assert process.stderr.read() == b""


def test_terminal_without_the_characters(text_url: str) -> None:
    command = [sys.executable, "-m", "tensorjoin.tools.sql_llm", "generate", "--db", text_url]
    command += ["--prompt", "é", "--max-tokens", "1"]
    finished = subprocess.run(
        command, capture_output=True, env={"PYTHONIOENCODING": "ascii"}, check=False, timeout=60
    )
    assert (finished.returncode, finished.stderr) == (0, b"")
    assert finished.stdout.startswith(rb"\xe9")


# Where it ends


@pytest.mark.parametrize("ends", [GREEDY[6], [127, GREEDY[6]]])
def test_end_of_sequence(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], ends: int | list[int]
) -> None:
    """The token that ends the sequence is not part of the text."""
    assert GREEDY.index(GREEDY[6]) == 6
    model = tmp_path / "model"
    shutil.copytree(checkpoint, model)
    (model / "generation_config.json").write_text(json.dumps({"eos_token_id": ends}))
    url = f"sqlite:///{tmp_path}/test.db"
    assert main(["load", str(model), "--db", url]) == 0
    for length, reason in ((6, "length"), (7, "stop"), (100, "stop")):
        answer = generated(capsys, url, "--max-tokens", str(length))
        assert (answer["token_ids"], answer["finish_reason"]) == (GREEDY[:6], reason)
    prompt = ",".join(map(str, PROMPT + GREEDY[:6]))
    answer = generated(capsys, url, "--token-ids", prompt)
    assert (answer["token_ids"], answer["finish_reason"]) == ([], "stop")
    assert answer["prefill_seconds"] > 0
    assert answer["seconds_per_token"] is None


def test_one_token_has_no_time_per_token(text_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = generated(capsys, text_url, "--max-tokens", "1")
    assert (answer["token_ids"], answer["finish_reason"]) == (GREEDY[:1], "length")
    assert answer["seconds_per_token"] is None


# Sampling


def test_options_of_sampling(text_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    def tokens(*options: str) -> list[int]:
        return generated(capsys, text_url, *options)["token_ids"]

    hot = ("--temperature", "1.5", "--max-tokens", "8")
    drawn = tokens(*hot, "--seed", "1")
    assert tokens(*hot, "--seed", "1") == drawn
    assert tokens(*hot, "--seed", "2") != drawn
    assert tokens(*hot, "--top-k", "1") == GREEDY[:8]
    assert tokens(*hot, "--top-p", "0.000001") == GREEDY[:8]
    assert tokens("--temperature", "0", "--seed", "1", "--top-k", "5") == GREEDY[:6]


# Several models, and the user's own tables


def test_strange_name(notes: str, checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = STRANGE_NAME
    assert main(["load", str(checkpoint), "--db", notes, "--name", name]) == 0
    assert generated(capsys, notes, "--name", name)["token_ids"] == GREEDY[:6]
    assert main(["list", "--db", notes]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert main(["drop", "--db", notes, "--name", name]) == 0
    assert tables(notes) == {"notes"}


def test_models_side_by_side(
    notes: str, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each keeps its weights, also if its name begins like another's."""
    other = reference("untied")
    new = write_checkpoint(tmp_path / "untied", "untied")
    longer = f"{MODEL}.{MODEL}"
    assert main(["load", str(new), "--db", notes, "--name", MODEL]) == 0
    before = tables(notes)
    assert main(["load", str(checkpoint), "--db", notes, "--name", longer]) == 0
    assert generated(capsys, notes, "--name", longer)["token_ids"] == GREEDY[:6]
    prompt = ",".join(map(str, other.prompt))
    answer = generated(capsys, notes, "--name", MODEL, "--token-ids", prompt)
    # Its second token is the begin token: only an end token ends a text.
    assert answer["token_ids"] == other.greedy[:6].tolist()
    assert main(["list", "--db", notes]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]]
    assert names == [MODEL, longer]
    assert main(["drop", "--db", notes, "--name", longer]) == 0
    assert tables(notes) == before
    answer = generated(capsys, notes, "--token-ids", prompt)
    assert answer["token_ids"] == other.greedy[:6].tolist()


def test_name_of_the_folder(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(checkpoint)
    url = f"sqlite:///{tmp_path}/test.db"
    assert main(["load", ".", "--db", url]) == 0
    generated(capsys, url, "--name", MODEL)


def test_replace(
    notes: str, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The old model makes room for the new one, or stays if the new one does not come whole."""
    other = reference("untied")
    new = write_checkpoint(tmp_path / "untied", "untied")
    replacing = ["load", "--db", notes, "--name", MODEL, "--replace"]
    assert main([*replacing, str(checkpoint)]) == 0
    before = tables(notes)

    broken = tmp_path / "broken"
    shutil.copytree(new, broken)
    weights = load_file(broken / "model.safetensors")
    weights["lm_head.weight"][-1, -1] = np.nan
    save_file(weights, broken / "model.safetensors")
    assert main([*replacing, str(broken)]) == 1
    assert tables(notes) == before
    assert generated(capsys, notes)["token_ids"] == GREEDY[:6]

    assert main([*replacing, str(new)]) == 0
    prompt = ",".join(map(str, other.prompt))
    answer = generated(capsys, notes, "--token-ids", prompt)
    assert answer["token_ids"] == other.greedy[:6].tolist()
    assert main(["drop", "--db", notes]) == 0
    assert tables(notes) == {"notes"}


# What generating leaves behind


def test_generation_changes_nothing(text_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a byte of the file, whether it runs to its end or Ctrl-C ends it."""
    file = Path(text_url.removeprefix("sqlite:///"))
    before = file.read_bytes()
    arguments = ["generate", "--db", text_url, "--prompt", "abc", "--max-tokens", "20"]
    sampling = ["--temperature", "1", "--seed", "5"]
    assert main([*arguments, *sampling]) == 0
    assert file.read_bytes() == before
    errors = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Recorder(limit=5))
        patch.setattr(sys, "stderr", errors)
        assert main([*arguments, *sampling]) == 130
    assert errors.getvalue() == "sql-llm: interrupted\n"
    assert file.read_bytes() == before
    assert sorted(path.name for path in file.parent.iterdir()) == ["text.db"]


INTERRUPTED_IMPORT = """
import os, signal, sys
from tensorjoin.tools.sql_llm import main

class Interrupt:
    def find_spec(name, path, target=None):
        if name == "numpy.linalg":
            print("interrupting", flush=True)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt)
sys.exit(main())
"""


def test_interrupted_import(text_url: str) -> None:
    """NumPy takes what Ctrl-C raises in its import for a broken installation."""
    arguments = ["generate", "--db", text_url, "--prompt", "abc", "--max-tokens", "1"]
    finished = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_IMPORT, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (finished.returncode, finished.stdout) == (130, "interrupting\n")
    assert finished.stderr == "sql-llm: interrupted\n"


def test_interrupted_generation(
    database_url: str, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A Ctrl-C ends a process in the middle of its text, and the next one finds all as it was."""
    assert main(["load", str(checkpoint), "--db", database_url]) == 0
    before = tables(database_url)
    command = [sys.executable, "-m", "tensorjoin.tools.sql_llm", "generate", "--db", database_url]
    command += ["--token-ids", TOKEN_IDS, "--max-tokens", "240"]
    with subprocess.Popen(
        command, bufsize=0, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(1) == TOKEN_IDS[:1].encode()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == b"sql-llm: interrupted\n"
    assert output.endswith(b"\n")
    assert tables(database_url) == before
    assert generated(capsys, database_url)["token_ids"] == GREEDY[:6]
