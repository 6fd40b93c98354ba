"""A model on a connection: passes over batches of rows, which may be of several streams."""

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np
from sqlglot import exp

from tensorjoin.backends.database import Database, Value
from tensorjoin.backends.interrupts import held
from tensorjoin.errors import TensorjoinError
from tensorjoin.forms import FORWARD, LAYERWISE, Line, fastest
from tensorjoin.interface import Procedure, TableName
from tensorjoin.names import table_name
from tensorjoin.program import Step
from tensorjoin.runtime.catalog import StoredModel, column, load_procedures, table
from tensorjoin.runtime.executor import Executor
from tensorjoin.runtime.sampling import Sampling

COMPACT_EVERY = 16
"""Runs after which the engine gives deleted rows back. See docs/notes/tokens.md#deleted-rows."""

Batch = Mapping[int, Sequence[int]]
"""The tokens that each stream gets in a pass, by the number of the stream."""


@dataclass(frozen=True)
class StreamState:
    """What the database has of a stream."""

    length: int = 0
    sampling: Sampling | None = None


@dataclass(frozen=True)
class Contents:
    """What the temporary tables hold; a step that fails leaves the contents as they were."""

    streams: Mapping[int, StreamState] = field(default_factory=dict[int, StreamState])
    """Those with rows, by number."""
    rows: int = 0
    """The row numbers given so far: each row of a stream has its own."""
    is_clean: bool = True
    """Whether a run has left nothing behind."""


@dataclass
class Session:
    """
    A model on a connection, and its streams. Its tables are temporary, and end with the connection.

    Raises TensorjoinError where the model was compiled for another target than the connection's.
    """

    database: Database
    model: StoredModel
    executes: type[Executor] = Executor
    executor: Executor = field(init=False)
    contents: Contents = field(default_factory=Contents, init=False)
    abandoned: set[int] = field(default_factory=set[int], init=False)
    """The streams that nobody refers to any more."""
    numbers: Iterator[int] = field(default_factory=count, init=False)
    """For new streams."""
    runs: int = field(default=0, init=False)
    lines: Mapping[str, Line] = field(default_factory=dict[str, Line], init=False)
    """What a pass takes in each form, where it was measured or predicted; see `form_choice`."""

    def __post_init__(self) -> None:
        if not self.database.runs(self.model.manifest.target):
            raise TensorjoinError(
                f"the model {self.model.name!r} was compiled for {self.model.manifest.target}"
            )
        procedures = load_procedures(self.database, self.model.name)
        self.executor = self.executes(self.database, procedures)
        self.database.expect_rows(self.model.manifest.rows)
        with self.step():
            self.run(Procedure.SETUP)

    @property
    def procedures(self) -> Mapping[str, tuple[Step, ...]]:
        return self.executor.procedures

    def run(self, procedure: Procedure, **values: Value) -> None:
        """Run one of the procedures that are known by name."""
        self.executor.run(Procedure(procedure), **values)

    # Streams

    def length(self, stream: int) -> int:
        """The tokens of a stream so far."""
        return self.contents.streams.get(stream, StreamState()).length

    def close(self, streams: Collection[int]) -> None:
        """Remove the rows of some streams."""
        if not self.contents.streams.keys().isdisjoint(streams):
            with self.step():
                self._remove(streams)

    def _remove(self, streams: Collection[int]) -> None:
        known = self.contents.streams
        left = {number: known[number] for number in known if number not in streams}
        if len(left) == len(known):
            return
        if left:
            for number in known.keys() - left.keys():
                self.run(Procedure.CLOSE_STREAM, stream=number)
            self.contents = replace(self.contents, streams=left)
        else:
            self.run(Procedure.CLEAR_CONTEXT)
            self.contents = replace(self.contents, streams=left, rows=0)

    @contextmanager
    def step(self) -> Generator[None]:
        """A transaction; where it fails, even by Ctrl-C, all streams are as they were before."""
        # Held until the contents are what the database has: Ctrl-C may come in the COMMIT.
        with held():
            before, abandoned = self.contents, set(self.abandoned)
            try:
                with self.database.transaction(writes=False):
                    self._remove(abandoned)
                    yield
            except BaseException:
                self.contents = before
                raise
            self.abandoned -= abandoned

    # Passes

    def form(self, rows: int) -> Procedure:
        """The procedure that runs a batch of so many rows, the faster one if there are two."""
        if LAYERWISE not in self.procedures:
            return FORWARD
        return fastest(self.lines, rows) if self.lines else FORWARD

    def forward(self, batch: Batch, emit_all: bool = False, form: Procedure | None = None) -> None:
        """
        Append tokens to streams and compute their logits: of the last of each stream, or of all; in
        the faster form of the program, or in the one that is named. To be called within a step.

        Raises TensorjoinError where a token is not in the vocabulary, or the context is full.
        """
        for stream, tokens in batch.items():
            self._check(stream, tokens)
        self.reset()
        self.runs += 1
        streams = dict(self.contents.streams)
        for stream in batch:
            if stream not in streams:
                self.run(Procedure.OPEN_STREAM, stream=stream)
        self.append(batch, emit_all)
        self.run(Procedure.COMMIT_CONTEXT)
        for stream, tokens in batch.items():
            before = streams.get(stream, StreamState())
            streams[stream] = replace(before, length=before.length + len(tokens))
        rows = sum(map(len, batch.values()))
        self.contents = Contents(streams, self.contents.rows + rows, is_clean=False)
        self.run(form or self.form(rows))

    def _check(self, stream: int, tokens: Sequence[int]) -> None:
        manifest = self.model.manifest
        for token in tokens:
            if not 0 <= token < manifest.vocab_size:
                raise TensorjoinError(
                    f"token id {token} is out of range: the vocabulary has {manifest.vocab_size}"
                )
        if (length := self.length(stream) + len(tokens)) > manifest.max_positions:
            raise TensorjoinError(
                f"{length} tokens are more than the model's context of"
                f" {manifest.max_positions}: shorten the prompt or --max-tokens"
            )

    def append(self, batch: Batch, emit_all: bool) -> None:
        """Put tokens into the batch: one by a statement that is there, several as one insertion."""
        counts = [len(tokens) for tokens in batch.values()]
        starts = [self.length(stream) for stream in batch]
        emit = [emit_all or n == last for last in counts for n in range(1, last + 1)]
        columns = {
            "p": self.contents.rows + np.arange(sum(counts)),
            "token": np.concatenate([np.array(t, dtype=np.int64) for t in batch.values()]),
            "position": np.concatenate(
                [start + np.arange(n) for start, n in zip(starts, counts, strict=True)]
            ),
            "stream": np.repeat(np.array(list(batch)), counts),
            "emit": np.array(emit, dtype=np.int64),
        }
        if sum(counts) == 1:
            self.run(Procedure.APPEND_TOKEN, **{name: int(x) for name, (x,) in columns.items()})
        else:
            self.database.insert(self.table_name(TableName.BATCH), columns)

    def table_name(self, table: TableName) -> str:
        """The name of a temporary table in the model's statements."""
        return self.database.target.temporary_name(table_name(self.model.name, table))

    def reset(self) -> None:
        """Empty what the last run has left behind."""
        if self.contents.is_clean:
            return
        self.run(Procedure.CLEAR_SCRATCH)
        if self.runs % COMPACT_EVERY == 0:
            self.run(Procedure.VACUUM)
        self.contents = replace(self.contents, is_clean=True)

    def logits(self) -> np.ndarray:
        """The logits of the last batch: float32 [rows that emit, vocabulary]."""
        name = self.table_name(TableName.LOGITS)
        select = exp.select(column("p"), column("t"), column("v")).from_(table(name))
        rows = self.database.query(
            self.database.statement(select.order_by(column("p"), column("t")))
        )
        values = np.array([value for _, _, value in rows], dtype=np.float32)
        return values.reshape(-1, self.model.manifest.vocab_size)

    # The choice of tokens

    def sample_by(self, stream: int, sampling: Sampling) -> None:
        """Say how the tokens of a stream with rows are chosen; a generator starts anew."""
        state = self.contents.streams[stream]
        if sampling.is_greedy and state.sampling == sampling:
            return
        parameters = sampling.parameters(self.model.manifest.vocab_size)
        self.run(Procedure.SAMPLE_BY, stream=stream, **parameters)
        streams = {**self.contents.streams, stream: replace(state, sampling=sampling)}
        self.contents = replace(self.contents, streams=streams)

    def choose(self, streams: Collection[int]) -> Mapping[int, int]:
        """
        The next token of each of the streams that were in the last batch, chosen in the database.

        Raises TensorjoinError where logits are NaN.
        """
        samplings = [self.contents.streams[stream].sampling for stream in streams]
        if any(each is not None and each.is_greedy for each in samplings):
            self.run(Procedure.GREEDY)
        if any(each is not None and not each.is_greedy for each in samplings):
            self.run(Procedure.DRAW)
            self.run(Procedure.SAMPLE)
        sampled = table(self.table_name(TableName.SAMPLED))
        select = exp.select(column("stream"), column("token")).from_(sampled)
        rows = self.database.query(self.database.statement(select))
        tokens = {int(stream): int(token) for stream, token in rows}
        if not tokens.keys() >= set(streams):
            raise TensorjoinError(
                "no token can be chosen, as the logits are not numbers: check the model's weights"
            )
        return tokens
