"""Where an engine has no temporary tables, ordinary ones are one connection's alone."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from models.references import reference
from onnx import TensorProto, helper

from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database
from tensorjoin.names import OF_CONNECTION
from tensorjoin.runtime.catalog import find_model
from tensorjoin.runtime.language_model import LanguageModel
from tensorjoin.runtime.load import load_model
from tensorjoin.runtime.onnx_model import OnnxModel

DEMO = Path(__file__).parents[1] / "examples" / "demo"
TOKENS = 6


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """A connection to an engine as if it had no temporary tables."""
    with closing(connect(url, create=True)) as database:
        profile = replace(database.target.profile, temporary_tables=False)
        database.target = replace(database.target, profile=profile)
        yield database


def own_tables(database: Database) -> set[str]:
    return {name for name in database.tables() if " @" in name}


def test_two_connections_at_once(database_url: str):
    """Their streams go on in turns, one two tokens ahead, and each has the tokens of PyTorch."""
    expected = reference("demo")
    with opened(database_url) as database:
        load_model(database, DEMO)
        assert not own_tables(database)
    with ExitStack() as stack:
        one, two = (stack.enter_context(opened(database_url)) for _ in range(2))
        models = [LanguageModel(each, find_model(each, None)) for each in (one, two)]
        prompts = [list(expected.prompt), [*expected.prompt, *expected.greedy[:2]]]
        streams = [
            model.token_ids([int(token) for token in prompt], TOKENS)
            for model, prompt in zip(models, prompts, strict=True)
        ]
        found = list(islice(zip(*streams, strict=True), TOKENS))
        assert [a for a, _ in found] == expected.greedy[:TOKENS].tolist()
        assert [b for _, b in found] == expected.greedy[2 : 2 + TOKENS].tolist()
        every = own_tables(one)
        two.close()
        left = own_tables(one)
        assert left < every
        assert 2 * len(left) == len(every)
    with closing(connect(database_url, create=False)) as database:
        assert not own_tables(database)


def test_an_onnx_model(database_url: str):
    """Two models whose tables have equal names."""
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [3]) for n in "XY")
    given = np.array([1.0, 2.0, 3.0], dtype=np.float32)
    with ExitStack() as stack:
        runs: list[OnnxModel] = []
        for operator in ("Neg", "Abs"):
            graph = helper.make_graph([helper.make_node(operator, ["X"], ["Y"])], "g", [x], [y])
            model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
            runs.append(OnnxModel(model, stack.enter_context(opened(database_url))))
        for _ in range(2):
            for run, wanted in zip(runs, (-given, given), strict=True):
                np.testing.assert_array_equal(run.run({"X": given})["Y"], wanted)


def test_a_name_is_as_long_as_in_the_program(database: Database):
    """The lengths of names were checked when the model was loaded."""
    database.target = replace(
        database.target, profile=replace(database.target.profile, temporary_tables=False)
    )
    load_model(database, DEMO)
    LanguageModel(database, find_model(database, None)).generate("Once", max_tokens=1)
    names = own_tables(database)
    endings = {name[-len(OF_CONNECTION) :] for name in names}
    assert len(endings) == 1
    assert endings.pop().startswith(f" @{os.getpid()}-")


KILLED = """
import os, signal, sys
from dataclasses import replace
from tensorjoin.backends.connect import connect
from tensorjoin.runtime.catalog import find_model
from tensorjoin.runtime.language_model import LanguageModel

database = connect(sys.argv[1], create=False)
profile = replace(database.target.profile, temporary_tables=False)
database.target = replace(database.target, profile=profile)
LanguageModel(database, find_model(database, None)).generate("Once", max_tokens=2)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_leaves(tmp_path: Path):
    """Its number is in the names of its tables, and what others do is not disturbed."""
    url = f"sqlite:///{tmp_path}/demo.db"
    with opened(url) as database:
        load_model(database, DEMO)
    process = subprocess.Popen([sys.executable, "-c", KILLED, url])
    assert process.wait(60) == -signal.SIGKILL
    with closing(sqlite3.connect(tmp_path / "demo.db")) as connection:
        rows = connection.execute("SELECT name FROM sqlite_schema WHERE name LIKE '% @%'")
        names = [name for (name,) in rows]
    assert names
    assert all(f" @{process.pid}-" in name for name in names)
    with opened(url) as database:
        model = LanguageModel(database, find_model(database, None))
        expected = reference("demo")
        prompt = [int(token) for token in expected.prompt]
        assert list(model.token_ids(prompt, 3)) == expected.greedy[:3].tolist()
