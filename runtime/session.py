"""A connection that runs a stored model: batches in, logits and tokens out."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby

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

STREAM = 0
COMPACT_EVERY = 16
"""Runs after which the engine gives deleted rows back."""
COLDEST = 1e-30
"""Any colder is the same, except that an engine may raise an error where a quotient overflows."""

Call = tuple[Step, Mapping[str, Value]]
"""A statement of a procedure, and the values of its parameters."""


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen; temperature 0 takes the most likely one."""

    temperature: float = 0.0
    top_k: int | None = None
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.temperature < float("inf")):
            raise TensorjoinError("the temperature must be a number of at least 0")
        if self.top_k is not None and self.top_k < 1:
            raise TensorjoinError("top-k must be at least 1")
        if not 0 < self.top_p <= 1:
            raise TensorjoinError("top-p must be above 0 and at most 1")
        if self.seed < 0:
            raise TensorjoinError("the seed must be at least 0")

    @property
    def state(self) -> int:
        """The generator's first state: 1 to 2^31 - 2, far apart for seeds that are near."""
        return int(np.random.SeedSequence(self.seed).generate_state(1)[0]) % 2147483646 + 1


@dataclass
class Session:
    """One stream of tokens over a model; its tables are temporary and end with the connection."""

    database: Database
    model: StoredModel
    length: int = field(default=0, init=False)
    """The tokens of the stream so far."""
    runs: int = field(default=0, init=False)
    procedures: dict[str, tuple[Step, ...]] = field(init=False)
    lines: Mapping[str, Line] = field(default_factory=dict[str, Line], init=False)
    """What a pass takes in each form, where it was measured or predicted; see `form_choice`."""

    def __post_init__(self) -> None:
        if not self.database.runs(self.model.manifest.target):
            raise TensorjoinError(
                f"the model {self.model.name!r} was compiled for {self.model.manifest.target}"
            )
        self.procedures = load_procedures(self.database, self.model.name)
        self.database.expect_rows(self.model.manifest.rows)
        with self.step():
            self.run(Procedure.SETUP)
            self.run(Procedure.OPEN, stream=STREAM)

    def restart(self) -> None:
        """Forget the stream and begin another."""
        with self.step():
            self.run(Procedure.FORGET)
            self.run(Procedure.OPEN, stream=STREAM)
            self.length = 0

    def run(self, procedure: Procedure, **values: Value) -> None:
        """Run a procedure's statements in order, its loops round by round."""
        calls: list[Call] = []
        # Procedures without statements are not stored.
        every = self.procedures.get(Procedure(procedure), ())
        for loop, group in groupby(every, key=lambda step: step.loop):
            steps = list(group)
            for number in range(1 if loop is None else loop.count):
                bound = values if loop is None else {**values, loop.counter: number}
                calls += [(step, bound) for step in steps]
        self.execute(calls)

    def form(self, rows: int) -> Procedure:
        """The procedure that runs a batch of so many rows, the faster one if there are two."""
        if LAYERWISE not in self.procedures:
            return FORWARD
        return fastest(self.lines, rows) if self.lines else FORWARD

    def execute(self, calls: Sequence[Call]) -> None:
        """Run statements of a procedure in order."""
        self.database.execute_all((step.statement, values) for step, values in calls)

    def forward(
        self, tokens: Sequence[int], emit_all: bool = False, form: Procedure | None = None
    ) -> None:
        """
        Append tokens to the stream and compute their logits: of the last, or of all; in the faster
        form of the program, or in the one that is named.

        Raises TensorjoinError where a token is not in the vocabulary, or the context is full.
        """
        manifest = self.model.manifest
        for token in tokens:
            if not 0 <= token < manifest.vocab_size:
                raise TensorjoinError(
                    f"token id {token} is out of range: the vocabulary has {manifest.vocab_size}"
                )
        if self.length + len(tokens) > manifest.max_positions:
            raise TensorjoinError(
                f"{self.length + len(tokens)} tokens are more than the model's context of"
                f" {manifest.max_positions}: shorten the prompt or --max-tokens"
            )
        self.runs += 1
        self.run(Procedure.RESET)
        if self.runs % COMPACT_EVERY == 0:
            self.run(Procedure.COMPACT)
        self.append(tokens, emit_all)
        self.run(Procedure.REMEMBER)
        self.run(form or self.form(len(tokens)))
        self.length += len(tokens)

    def append(self, tokens: Sequence[int], emit_all: bool) -> None:
        """Put tokens into the batch: one by a statement that is there, several as one insertion."""
        positions = np.arange(self.length, self.length + len(tokens))
        emit = np.full(len(tokens), int(emit_all))
        emit[-1:] = 1
        columns = {
            "p": positions,
            "token": np.array(tokens, dtype=np.int64),
            "position": positions,
            "stream": np.full(len(tokens), STREAM),
            "emit": emit,
        }
        if len(tokens) == 1:
            self.run(Procedure.APPEND, **{name: int(x) for name, (x,) in columns.items()})
        else:
            self.database.insert(table_name(self.model.name, TableName.BATCH), columns)

    def logits(self) -> np.ndarray:
        """The logits of the last batch: float32 [rows that emit, vocabulary]."""
        name = table_name(self.model.name, TableName.LOGITS)
        select = exp.select(column("p"), column("t"), column("v")).from_(table(name))
        rows = self.database.query(
            self.database.statement(select.order_by(column("p"), column("t")))
        )
        values = np.array([value for _, _, value in rows], dtype=np.float32)
        return values.reshape(-1, self.model.manifest.vocab_size)

    def sampled(self) -> int:
        """
        The token chosen by the last `greedy` or `sample`.

        Raises TensorjoinError where logits are NaN.
        """
        name = table_name(self.model.name, TableName.SAMPLED)
        rows = self.database.query(
            self.database.statement(exp.select(column("token")).from_(table(name)))
        )
        if not rows:
            raise TensorjoinError(
                "no token can be chosen, as the logits are not numbers: check the model's weights"
            )
        ((token,),) = rows
        return int(token)

    @contextmanager
    def step(self) -> Generator[None]:
        """A transaction; where it fails, even by Ctrl-C, the stream is as it was before."""
        # Held until the length is what the database has: Ctrl-C may come in the COMMIT.
        with held():
            length = self.length
            try:
                with self.database.transaction(writes=False):
                    yield
            except BaseException:
                self.length = length
                raise

    def generate(self, prompt: Sequence[int], max_tokens: int, sampling: Sampling) -> Iterator[int]:
        """Yield tokens until an end-of-sequence token, which is not yielded, or `max_tokens`."""
        if not prompt:
            raise TensorjoinError("the prompt is empty: give at least one token")
        available = self.model.manifest.max_positions - self.length
        if len(prompt) + max_tokens - 1 > available:
            raise TensorjoinError(
                f"a prompt of {len(prompt)} and {max_tokens} new tokens are more than the model's"
                f" context of {available}: shorten the prompt or --max-tokens"
            )
        batch = list(prompt)
        for number in range(max_tokens):
            with self.step():
                if number == 0 and sampling.temperature > 0:
                    self.seed(sampling)
                self.forward(batch)
                self.choose(number, sampling)
                token = self.sampled()
            if token in self.model.manifest.eos_token_ids:
                return
            yield token
            batch = [token]

    def seed(self, sampling: Sampling) -> None:
        """Start the generator, anew if this is not the stream's first text."""
        random = table(table_name(self.model.name, TableName.RANDOM))
        self.database.execute(self.database.statement(exp.Delete(this=random)))
        self.run(Procedure.SEED, state=sampling.state)

    def choose(self, number: int, sampling: Sampling) -> None:
        """Choose the next token in the database."""
        if sampling.temperature == 0:
            return self.run(Procedure.GREEDY)
        every_token = self.model.manifest.vocab_size
        choice: Mapping[str, Value] = {
            "temperature": max(sampling.temperature, COLDEST),
            "top_k": min(sampling.top_k or every_token, every_token),
            "top_p": float(sampling.top_p),
            "draw": number + 1,
        }
        self.run(Procedure.DRAW, draw=number)
        self.run(Procedure.SAMPLE, **choice)
