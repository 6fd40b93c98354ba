"""Several streams of one model: each has the tokens that it has alone, however they are mixed."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from models.llama import write_checkpoint
from models.references import reference

from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database, Value
from tensorjoin.errors import TensorjoinError
from tensorjoin.forms import FORMS
from tensorjoin.interface import TableName
from tensorjoin.names import table_name
from tensorjoin.program import Statement
from tensorjoin.runtime.executor import Call, Executor
from tensorjoin.runtime.language_model import LanguageModel
from tensorjoin.runtime.load import load_model
from tensorjoin.runtime.sampling import Sampling
from tensorjoin.runtime.session import Session
from tensorjoin.runtime.stream import Stream, Text, generate

MODEL = "small"
REFERENCE = reference(MODEL)
PROMPT: list[int] = REFERENCE.prompt.tolist()
TOKENS = 6
PER_STREAM = ("batch", "context", "visibility", "sampled", "sampling", "random")
LONG_PROMPT = 200


@pytest.fixture
def model(database: Database, tmp_path: Path) -> LanguageModel:
    return LanguageModel(database, load_model(database, write_checkpoint(tmp_path, MODEL), "m"))


def prompts(count: int, vocabulary: int) -> list[list[int]]:
    """The prompt of the reference, and others of 1 to 12 tokens."""
    generator = np.random.default_rng(count)
    lengths = generator.integers(1, 13, count - 1)
    return [PROMPT, *(generator.integers(0, vocabulary, n).tolist() for n in lengths)]


def samplings(count: int, kind: str) -> list[Sampling]:
    """All greedy, all sampled by seeds of their own, or in turns."""
    every = [Sampling(0.9, top_k=20, top_p=0.9, seed=seed) for seed in range(count)]
    if kind == "greedy":
        return [Sampling()] * count
    return every if kind == "sampled" else [Sampling(), *every[1::2]] * count


def alone(model: LanguageModel, prompt: list[int], sampling: Sampling) -> list[int]:
    return list(model.token_ids(prompt, TOKENS, sampling))


@pytest.mark.parametrize("kind", ["greedy", "sampled", "mixed"])
@pytest.mark.parametrize("count", [2, 5, 16])
def test_streams_are_as_each_alone(count: int, kind: str, model: LanguageModel) -> None:
    texts = prompts(count, model.model.manifest.vocab_size)
    choices = samplings(count, kind)[:count]
    expected = [alone(model, *each) for each in zip(texts, choices, strict=True)]
    if choices[0] == Sampling():
        assert expected[0] == REFERENCE.greedy.tolist()[: len(expected[0])]
    streams = [
        model.token_ids(*each, TOKENS, how) for each, how in zip(zip(texts), choices, strict=True)
    ]
    assert in_turns_at_random(streams) == expected
    together: list[list[int]] = [[] for _ in texts]
    for number, token in model.token_ids_batch(texts, TOKENS, choices):
        together[number].append(token)
    assert together == expected


def in_turns_at_random(streams: list[Iterator[int]]) -> list[list[int]]:
    """What streams yield that are read in turns, whose turn it is being random."""
    generator = np.random.default_rng(len(streams))
    found: list[list[int]] = [[] for _ in streams]
    left = list(range(len(streams)))
    while left:
        number = int(generator.choice(left))
        token = next(streams[number], None)
        if token is None:
            left.remove(number)
        else:
            found[number].append(token)
    return found


def test_texts_of_a_batch(tmp_path: Path) -> None:
    """Texts come decoded, whether they are made together or alone."""
    demo = Path(__file__).parents[1] / "examples" / "demo"
    with LanguageModel.load(demo, f"sqlite:///{tmp_path}/m.db") as model:
        asked = ["Once upon a time", "The", "A dog"]
        assert model.generate_batch(asked, 8) == [model.generate(each, 8) for each in asked]
        assert model.generate_batch([], 8) == []
        with pytest.raises(TensorjoinError, match="3 prompts, but 2 samplings"):
            model.generate_batch(asked, 8, [Sampling(), Sampling(1.0)])


def rows_of(model: LanguageModel, table: str) -> int:
    name = table_name(model.model.name, table)
    ((count,),) = model.database.query(Statement(f'SELECT count(*) FROM "{name}"'))
    return count


def test_nothing_is_left_of_streams_that_end(model: LanguageModel) -> None:
    list(model.token_ids_batch(prompts(3, 50), TOKENS, samplings(3, "mixed")[:3]))
    assert {rows_of(model, name) for name in PER_STREAM} == {0}
    assert rows_of(model, "keys") == rows_of(model, "values") == 0


def test_a_stream_that_ends_leaves_the_others(model: LanguageModel) -> None:
    expected = alone(model, PROMPT, Sampling())
    kept, dropped = (model.token_ids(PROMPT, TOKENS) for _ in range(2))
    found = [next(kept), next(kept)]
    next(dropped)
    del dropped
    gc.collect()
    found += list(kept)
    assert found == expected
    assert rows_of(model, "context") == 0


def test_rows_of_an_abandoned_stream_go_at_the_next_step(model: LanguageModel) -> None:
    kept, dropped = (model.token_ids(PROMPT, TOKENS) for _ in range(2))
    next(kept)
    next(dropped)
    assert rows_of(model, "context") == 2 * len(PROMPT)
    del dropped
    gc.collect()
    next(kept)
    assert rows_of(model, "context") == len(PROMPT) + 1


def test_a_step_that_fails_leaves_all_streams(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = alone(model, PROMPT, Sampling(1.0, seed=3))
    one = model.token_ids(PROMPT, TOKENS, Sampling(1.0, seed=3))
    two = model.token_ids(PROMPT[:2], TOKENS)
    found = [next(one)]
    with monkeypatch.context() as patch:
        patch.setattr(Session, "choose", interrupt)
        with pytest.raises(KeyboardInterrupt):
            next(two)
    assert found + list(one) == expected


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_two_texts_on_one_stream_are_refused(model: LanguageModel) -> None:
    session = Session(model.database, model.model)
    stream = Stream(session)
    with pytest.raises(TensorjoinError, match="two texts continue one stream"):
        list(generate([Text(stream, PROMPT, 1), Text(stream, PROMPT, 1)]))


class ForwardBeginsError(Exception):
    """Raised in place of a forward pass."""


@dataclass
class CountingExecutor(Executor):
    """Counts statements until the first of a forward pass, which is not run if `stops`."""

    counted: int = 0
    stops: bool = False

    def run(self, procedure: str, **values: Value) -> None:
        if self.stops and procedure in FORMS:
            raise ForwardBeginsError
        super().run(procedure, **values)

    def execute(self, calls: Sequence[Call]) -> None:
        self.counted += len(calls)
        super().execute(calls)


def test_a_prompt_of_many_tokens_takes_three_statements(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream is opened, its rows are inserted, and they become context; not only at first."""
    loaded = load_model(database, write_checkpoint(tmp_path, MODEL), "m")
    session = Session(database, loaded, CountingExecutor)
    assert isinstance(executor := session.executor, CountingExecutor)
    assert list(Stream(session).generate(PROMPT, 1, Sampling()))
    session.close(session.contents.streams)
    inserted: list[str] = []
    insert = database.insert

    def counted(name: str, columns: Mapping[str, np.ndarray]) -> None:
        inserted.append(name)
        insert(name, columns)

    monkeypatch.setattr(database, "insert", counted)
    executor.counted, executor.stops = 0, True
    text = Stream(session).generate((PROMPT * LONG_PROMPT)[:LONG_PROMPT], 1, Sampling(1.0))
    with pytest.raises(ForwardBeginsError):
        next(text)
    assert inserted == [table_name("m", TableName.BATCH)]
    assert executor.counted + len(inserted) == 3


def test_other_connections_see_no_stream(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/m.db"
    with LanguageModel.load(write_checkpoint(tmp_path / "model", MODEL), url) as model:
        expected = alone(model, PROMPT, Sampling())
        one = model.token_ids(PROMPT, TOKENS)
        first = next(one)
        with LanguageModel.open(url) as other:
            assert alone(other, PROMPT, Sampling()) == expected
        assert [first, *one] == expected
    with closing(connect(url, create=False)) as database:
        assert not any("context" in name for name in database.tables())
