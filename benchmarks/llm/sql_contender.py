"""Our own: a model in a database, in one of its layouts."""

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar, Literal

from llm.contender import Contender, Floats, Runner
from llm.server import postgres_server, server_version
from tensorjoin.backends.connect import connect
from tensorjoin.forms import FORWARD, LAYERWISE
from tensorjoin.pipelines import Layout
from tensorjoin.program import Statement
from tensorjoin.runtime.catalog import find_model
from tensorjoin.runtime.form_choice import WORTH_TRYING, settle
from tensorjoin.runtime.load import load_model
from tensorjoin.runtime.sampling import Sampling
from tensorjoin.runtime.session import Session
from tensorjoin.runtime.stream import Stream

MODEL = "m"


class SqlRunner:
    """A stream; each pass with its choice of a token is a transaction, as when generating."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.stream = Stream(session)
        self.chosen = 0

    def restart(self) -> None:
        self.stream.close()
        self.stream = Stream(self.session)

    def forward(self, tokens: Sequence[int]) -> None:
        with self.session.step():
            self.stream.forward(tokens)
            if tokens:
                self.session.sample_by(self.stream.number, Sampling())
                (self.chosen,) = self.session.choose([self.stream.number]).values()

    def token(self) -> int:
        return self.chosen

    def logits(self) -> Floats:
        return self.session.logits()[-1]


@dataclass(frozen=True)
class SqlContender(Contender):
    """
    `engine` with `layout`; weights of so many `bits`; with or without pgvector; with a statement
    for each layer, as published, though the program has one for all.
    """

    name: str
    engine: Literal["sqlite", "duckdb", "postgres"]
    layout: Layout
    bits: int | None = None
    pgvector: bool = False
    loops: bool = False
    takes_empty_batches: ClassVar[bool] = True

    @property
    def has_server(self) -> bool:
        return self.engine == "postgres"

    def version(self) -> str:
        if self.engine == "sqlite":
            return f"SQLite {sqlite3.sqlite_version}"
        if self.engine == "duckdb":
            return f"DuckDB {version('duckdb')}"
        return f"PostgreSQL {server_version()}"

    def load(self, checkpoint: Path, folder: Path) -> None:
        with self.url(folder) as url:
            database = connect(url, create=True)
            if self.pgvector:
                database.execute(Statement("CREATE EXTENSION vector"))
            load_model(database, checkpoint, MODEL, layout=self.layout, bits=self.bits)
            database.close()

    @contextmanager
    def open(self, checkpoint: Path, folder: Path, memory: int | None = None) -> Generator[Runner]:
        with self.url(folder) as url:
            database = connect(url, create=False, memory=memory)
            session = Session(database, find_model(database, MODEL))
            if self.loops:
                procedures = dict(session.procedures)
                procedures[FORWARD] = procedures.pop(LAYERWISE)
                session.executor.procedures = procedures
            # The first phase tries both forms, and the others find what it remembered.
            settle(session, WORTH_TRYING)
            yield SqlRunner(session)
            database.close()

    @contextmanager
    def url(self, folder: Path) -> Generator[str]:
        if self.engine == "postgres":
            with postgres_server(folder / "data") as url:
                yield url
        else:
            yield f"{self.engine}:///{folder / 'model.db'}"
