"""
Ctrl-C at random moments: it ends what runs soon, in one line, and leaves a database that works.

`TENSORJOIN_INTERRUPTIONS` is how often each engine is interrupted in one process, and a fifth of it
how many processes are.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

import psycopg
import pytest

from tensorjoin.backends.connect import connect
from tensorjoin.backends.postgres.database import PostgresDatabase
from tensorjoin.runtime.language_model import LanguageModel
from tensorjoin.runtime.load import load_model

DEMO = Path(__file__).parent.parent / "examples" / "demo"
INTERRUPTIONS = int(os.environ.get("TENSORJOIN_INTERRUPTIONS", "10"))
PROCESSES = -(-INTERRUPTIONS // 5)
SECONDS = 5.0
"""Within which everything has ended."""
PROMPT = [1, 20, 30, 40]
TOKENS = 12

# Says when Python, before which there is nobody to print but one line, has begun with what is ours.
COMMAND = """
import sys
from tensorjoin.tools.sql_llm import main
print("begun", flush=True)
sys.exit(main())
"""

pytestmark = pytest.mark.timeout(120 + 10 * INTERRUPTIONS)


@pytest.fixture
def url(database_url: str) -> str:
    """A database with the demo model."""
    with closing(connect(database_url, create=True)) as database:
        load_model(database, DEMO)
    return database_url


@pytest.fixture
def interrupting() -> Iterator["SimpleQueue[float | None]"]:
    """Takes seconds after which this process gets a Ctrl-C."""
    delays: SimpleQueue[float | None] = SimpleQueue()

    def interrupt() -> None:
        while (seconds := delays.get()) is not None:
            time.sleep(seconds)
            os.kill(os.getpid(), signal.SIGINT)

    thread = Thread(target=interrupt)
    thread.start()
    yield delays
    delays.put(None)
    thread.join()


def tokens(url: str) -> list[int]:
    with LanguageModel.open(url) as model:
        return list(model.token_ids(PROMPT, TOKENS))


def sessions(url: str) -> list[str]:
    """What other sessions of a PostgreSQL database do."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT state || ': ' || query FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        ).fetchall()
    return [text for (text,) in rows]


def test_interrupted_stream(url: str, interrupting: "SimpleQueue[float | None]") -> None:
    """Whoever catches Ctrl-C goes on with the same model."""
    chance = random.Random(1)
    with LanguageModel.open(url) as model:
        expected = list(model.token_ids(PROMPT, TOKENS))
        start = time.monotonic()
        assert list(model.token_ids(PROMPT, TOKENS)) == expected
        usual = time.monotonic() - start
        for _ in range(INTERRUPTIONS):
            delay = chance.uniform(0, 1.1 * usual)
            start = time.monotonic()
            made: list[int] = []
            try:
                interrupting.put(delay)
                made += model.token_ids(PROMPT, TOKENS)
                time.sleep(SECONDS)
            except KeyboardInterrupt:
                assert time.monotonic() - start - delay < SECONDS
            else:
                pytest.fail("the interruption was lost")
            assert made == expected[: len(made)]
            if isinstance(model.database, PostgresDatabase):
                assert not any("transaction" in each for each in sessions(url))
            assert list(model.token_ids(PROMPT, 2)) == expected[:2]


def test_interrupted_processes(url: str) -> None:
    """From the first line of ours to the last token, and after it."""
    chance = random.Random(2)
    expected = tokens(url)
    arguments = ["generate", "--db", url, "--token-ids", ",".join(map(str, PROMPT))]
    command = [sys.executable, "-c", COMMAND, *arguments, "--max-tokens", "100"]
    usual = 1.0
    for number in range(PROCESSES + 1):
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            start = time.monotonic()
            if number:
                time.sleep(chance.uniform(0, usual))
                process.send_signal(signal.SIGINT)
                start = time.monotonic()
            _, errors = process.communicate(timeout=60)
            seconds = time.monotonic() - start
        if number:
            assert (process.returncode, errors) in [(130, "sql-llm: interrupted\n"), (0, "")]
            assert seconds < SECONDS
        else:
            # Uninterrupted, to see how long it takes.
            assert (process.returncode, errors) == (0, "")
            usual = seconds
        if url.startswith("postgres"):
            # A server ends a session some moments after its client.
            while sessions(url):
                assert time.monotonic() - start < seconds + SECONDS
                time.sleep(0.01)
        assert tokens(url) == expected
