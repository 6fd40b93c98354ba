"""
What is asked of one engine, in the environment of the Python that runs this; prints JSON.

load URL CHECKPOINT: the version of the engine
tokens URL: whether the demo model gives the tokens of its reference
decode URL FORM COUNT: the milliseconds of so many tokens, a prompt before them
"""

import json
import sys
import time
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests")]

from models.references import reference  # noqa: E402

from tensorjoin.backends.connect import connect  # noqa: E402
from tensorjoin.runtime.catalog import find_model  # noqa: E402
from tensorjoin.runtime.load import load_model  # noqa: E402
from tensorjoin.runtime.sampling import Sampling  # noqa: E402
from tensorjoin.runtime.session import Session  # noqa: E402
from tensorjoin.runtime.stream import Stream  # noqa: E402

PROMPT = (5, 6, 7)
WARM = 3
"""Tokens before those that are measured."""


def load(url: str, checkpoint: str) -> str:
    with closing(connect(url, create=True)) as database:
        load_model(database, Path(checkpoint), "m")
        return database.version()


def tokens(url: str) -> bool:
    expected = reference("demo")
    with closing(connect(url, create=False)) as database:
        session = Session(database, find_model(database, "m"))
        stops = session.model.manifest.eos_token_ids
        wanted = [int(token) for token in expected.greedy]
        end = next((k for k, token in enumerate(wanted) if token in stops), len(wanted))
        prompt = [int(token) for token in expected.prompt]
        return list(Stream(session).generate(prompt, len(wanted), Sampling())) == wanted[:end]


def decode(url: str, form: str, count: str) -> list[float]:
    with closing(connect(url, create=False)) as database:
        session = Session(database, find_model(database, "m"))
        milliseconds: list[float] = []
        stream = Stream(session)
        batch = list(PROMPT)
        for _ in range(1 + WARM + int(count)):
            start = time.perf_counter()
            with session.step():
                stream.forward(batch, form=form)
                session.sample_by(stream.number, Sampling())
                batch = list(session.choose([stream.number]).values())
            milliseconds.append(1000 * (time.perf_counter() - start))
        return milliseconds[1 + WARM :]


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    print(json.dumps({"load": load, "tokens": tokens, "decode": decode}[command](*arguments)))
