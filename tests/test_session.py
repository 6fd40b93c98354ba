"""Sessions: what they sample, against numpy's softmax of the logits, and where they stop."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psycopg
import pytest
from conftest import ENGINES, with_database
from models.llama import write_checkpoint
from models.references import reference
from psycopg import sql
from xdsl.dialects.func import FuncOp

from tensorjoin.api import compile
from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database
from tensorjoin.dialects import rel
from tensorjoin.errors import TensorjoinError
from tensorjoin.interface import Procedure, TableName
from tensorjoin.names import table_name
from tensorjoin.program import Statement
from tensorjoin.runtime.catalog import create_table, find_model, read_table
from tensorjoin.runtime.load import load_model
from tensorjoin.runtime.sampling import Sampling
from tensorjoin.runtime.session import Session
from tensorjoin.runtime.stream import Stream

DEMO = Path(__file__).parents[1] / "examples" / "demo"
MODEL = "one-layer"
REFERENCE = reference(MODEL)
PROMPT: list[int] = REFERENCE.prompt.tolist()
GREEDY: list[int] = REFERENCE.greedy.tolist()
VOCABULARY = 128
SHORT = 20
"""A context that is soon full."""


def endless(directory: Path, **values: object) -> Path:
    """The model without an end of sequence, which a random token might be, and with `values`."""
    write_checkpoint(directory, MODEL)
    for name, changes in (("config.json", values), ("generation_config.json", {})):
        config = json.loads((directory / name).read_text())
        (directory / name).write_text(json.dumps(config | {"eos_token_id": None} | changes))
    return directory


@pytest.fixture(scope="module")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A SQLite database with the model."""
    directory = tmp_path_factory.mktemp("sqlite")
    return loaded(f"sqlite:///{directory}/test.db", endless(directory / "model"))


@pytest.fixture(scope="module")
def short_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A SQLite database with the model cut to a context of SHORT tokens."""
    directory = tmp_path_factory.mktemp("short")
    model = endless(directory / "model", max_position_embeddings=SHORT)
    return loaded(f"sqlite:///{directory}/test.db", model)


@pytest.fixture(scope="module", params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with the model, on each engine in turn."""
    directory = tmp_path_factory.mktemp("database")
    model = endless(directory / "model")
    if request.param != "postgres":
        yield loaded(f"{request.param}:///{directory}/test.db", model)
        return
    with new_postgres_database(request.getfixturevalue("postgres_url")) as new:
        yield loaded(new, model)


@contextmanager
def new_postgres_database(server: str) -> Iterator[str]:
    name = f"tensorjoin_sessions_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield with_database(server, name)
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(drop)


def loaded(url: str, checkpoint: Path) -> str:
    with opened(url) as database:
        load_model(database, checkpoint)
    return url


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = connect(url, create=True)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def new_stream(url: str) -> Iterator[Stream]:
    """The first stream of a connection."""
    with opened(url) as database:
        yield Stream(Session(database, find_model(database, None)))


def generated(
    url: str, sampling: Sampling, prompt: list[int] = PROMPT, tokens: int = 8
) -> list[int]:
    with new_stream(url) as stream:
        return list(stream.generate(prompt, tokens, sampling))


# What is computed


def test_logits_of_a_prompt_in_pieces(url: str) -> None:
    """The cache holds what the prompt at once would see."""
    with new_stream(url) as stream:
        for start, stop in ((0, 1), (1, 6), (6, len(PROMPT))):
            with stream.session.step():
                stream.forward(PROMPT[start:stop], emit_all=True)
            np.testing.assert_allclose(
                stream.session.logits(), REFERENCE.logits[start:stop], atol=1e-4, rtol=1e-4
            )
        with stream.session.step():
            stream.forward(GREEDY[:1])
        assert stream.session.logits().shape == (1, VOCABULARY)
        assert stream.session.logits().argmax() == GREEDY[1]


def test_logits_are_float32(sqlite_url: str) -> None:
    with new_stream(sqlite_url) as stream:
        with stream.session.step():
            stream.forward(PROMPT)
        assert stream.session.logits().dtype == np.float32
        assert stream.length == len(PROMPT)


# Sampling


def expected_distribution(
    logits: npt.NDArray[np.float32], sampling: Sampling
) -> npt.NDArray[np.float64]:
    """
    Softmax of the logits over the temperature, then the top k, then the fewest of these whose
    share is at least p: the order of Hugging Face's generate.
    """
    scores = logits.astype(np.float64) / sampling.temperature
    odds = np.exp(scores - scores.max())
    order = np.argsort(-odds, kind="stable")[: sampling.top_k]
    shares = odds[order] / odds[order].sum()
    before = np.cumsum(shares) - shares
    order = order[before < sampling.top_p]
    distribution = np.zeros(len(logits))
    distribution[order] = odds[order] / odds[order].sum()
    return distribution


@pytest.mark.parametrize(
    ("draws", "sampling"),
    [
        pytest.param(160, Sampling(1.5), id="temperature"),
        pytest.param(80, Sampling(0.7, top_k=6), id="top-k"),
        pytest.param(80, Sampling(1.2, top_p=0.6), id="top-p"),
        pytest.param(60, Sampling(1.0, top_k=8, top_p=0.7), id="both"),
    ],
)
def test_distribution_of_the_first_token(sqlite_url: str, draws: int, sampling: Sampling) -> None:
    prompt = PROMPT[:1]
    expected = expected_distribution(REFERENCE.logits[0], sampling)
    counts = np.zeros(VOCABULARY)
    for seed in range(draws):
        drawn = Sampling(sampling.temperature, sampling.top_k, sampling.top_p, seed)
        (token,) = generated(sqlite_url, drawn, prompt, 1)
        counts[token] += 1
    assert set(np.flatnonzero(counts)) <= set(np.flatnonzero(expected))
    # Pearson's chi-square, the rarest tokens put together until each cell expects 5.
    observed_cells, expected_cells = cells(counts, draws * expected)
    statistic = float(((observed_cells - expected_cells) ** 2 / expected_cells).sum())
    freedom = len(expected_cells) - 1
    assert freedom >= 2
    # Wilson and Hilferty's approximation: the normal score of a chi-square; 3.1 is p = 0.001.
    spread = 2 / (9 * freedom)
    score = ((statistic / freedom) ** (1 / 3) - (1 - spread)) / np.sqrt(spread)
    assert score < 3.1


def cells(
    counts: npt.NDArray[np.float64], expected: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Counts and expectations of groups of tokens, each of which expects at least 5."""
    groups: list[list[float]] = [[0.0, 0.0]]
    for token in np.argsort(-expected, kind="stable"):
        if groups[-1][1] >= 5:
            groups.append([0.0, 0.0])
        groups[-1][0] += counts[token]
        groups[-1][1] += expected[token]
    if groups[-1][1] < 5 and len(groups) > 1:
        count, rest = groups.pop()
        groups[-1][0] += count
        groups[-1][1] += rest
    observed, expectation = np.array(groups).T
    return observed, expectation


def test_a_cut_is_where_the_definition_puts_it(sqlite_url: str) -> None:
    """
    The share of the tokens before the last one kept is below p: with p just above the share of
    the first two, three are kept, and with p just below, two.
    """
    shares = np.sort(expected_distribution(REFERENCE.logits[0], Sampling(1.0)))[::-1]
    two = float(shares[:2].sum())
    most_likely = np.argsort(-REFERENCE.logits[0])
    for top_p, kept in ((two - 1e-4, 2), (two + 1e-4, 3)):
        tokens = {
            token
            for seed in range(25)
            for token in generated(sqlite_url, Sampling(1.0, top_p=top_p, seed=seed), PROMPT[:1], 1)
        }
        assert tokens == set(most_likely[:kept])


@pytest.mark.parametrize("seed", [0, 2**40])
def test_equal_seeds_give_equal_tokens_on_all_engines(url: str, sqlite_url: str, seed: int) -> None:
    sampling = Sampling(0.9, top_k=50, top_p=0.95, seed=seed)
    tokens = generated(url, sampling, tokens=6)
    assert tokens == generated(url, sampling, tokens=6)
    assert tokens == generated(sqlite_url, sampling, tokens=6)


def test_other_seeds_give_other_tokens(sqlite_url: str) -> None:
    texts = {tuple(generated(sqlite_url, Sampling(1.0, seed=seed))) for seed in range(10)}
    assert len(texts) == 10


def test_draws_differ_within_a_text(sqlite_url: str) -> None:
    """Equal logits would give equal tokens if all were drawn by one random number."""
    hot = generated(sqlite_url, Sampling(1e6), tokens=40)
    # 40 draws from 128: 34 different ones are expected, and fewer than 25 are one in 10^6.
    assert len(set(hot)) > 24


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(),
        Sampling(1.0, top_k=1, seed=3),
        Sampling(1.0, top_p=1e-9, seed=4),
        Sampling(1e-4, seed=5),
        Sampling(5e-324, seed=6),
    ],
    ids=str,
)
def test_as_good_as_greedy(url: str, sampling: Sampling) -> None:
    assert generated(url, sampling) == GREEDY[:8]


def chosen(stream: Stream, logits: npt.NDArray[np.float64]) -> int:
    """The most likely token by logits of one row."""
    session = stream.session
    with session.step():
        stream.forward([0])
        name = table_name(session.model.name, "logits")
        session.database.execute(Statement(f'DELETE FROM "{name}"'))
        p, t = np.full(VOCABULARY, session.contents.rows - 1), np.arange(VOCABULARY)
        session.database.insert(name, {"p": p, "t": t, "v": logits})
        session.sample_by(stream.number, Sampling())
        return session.choose([stream.number])[stream.number]


def test_the_first_of_equals(url: str) -> None:
    logits = np.random.default_rng(3).integers(-4, 4, VOCABULARY).astype(float)
    with new_stream(url) as stream:
        assert chosen(stream, logits) == int(logits.argmax())
        assert chosen(stream, np.zeros(VOCABULARY)) == 0


def test_logits_that_are_not_numbers(sqlite_url: str) -> None:
    """SQLite has no NaN, and nothing is equal to the NULL in its place."""
    with (
        new_stream(sqlite_url) as stream,
        pytest.raises(TensorjoinError, match="not numbers") as error,
    ):
        chosen(stream, np.full(VOCABULARY, np.nan))
    assert "\n" not in str(error.value)


def test_every_token_may_be_kept(sqlite_url: str) -> None:
    plain = generated(sqlite_url, Sampling(1.0))
    for top_k in (VOCABULARY, 10**30):
        assert generated(sqlite_url, Sampling(1.0, top_k=top_k)) == plain


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"temperature": -1.0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"temperature": float("inf")}, "temperature"),
        ({"top_k": 0}, "top-k"),
        ({"top_p": 0.0}, "top-p"),
        ({"top_p": 1.1}, "top-p"),
        ({"top_p": float("nan")}, "top-p"),
        ({"seed": -1}, "seed"),
    ],
)
def test_refused_sampling(values: dict[str, float], message: str) -> None:
    with pytest.raises(TensorjoinError, match=message):
        Sampling(**values)  # pyright: ignore[reportArgumentType]


# Ends and limits


def test_continued_stream(url: str) -> None:
    """A second text continues the first: the last token of it is not in the stream yet."""
    with new_stream(url) as stream:
        first = list(stream.generate(PROMPT, 3, Sampling()))
        second = list(stream.generate(first[-1:], 5, Sampling()))
    assert first + second == GREEDY[:8]


def test_sampling_again_on_a_stream(url: str) -> None:
    sampling = Sampling(1.0, seed=7)
    with new_stream(url) as stream:
        first = list(stream.generate(PROMPT, 3, sampling))
        second = list(stream.generate(first[-1:], 3, sampling))
    assert second == generated(url, sampling, PROMPT + first, 3)


def test_context_is_filled_to_the_last_position(short_url: str) -> None:
    prompt = [*PROMPT, *GREEDY][:SHORT]
    assert generated(short_url, Sampling(), prompt, 1) == [GREEDY[SHORT - len(PROMPT)]]
    fewer = SHORT - len(PROMPT) + 1
    assert generated(short_url, Sampling(), PROMPT, fewer) == GREEDY[:fewer]


@pytest.mark.parametrize("tokens", [SHORT - len(PROMPT) + 2, 10**6])
def test_context_too_long(short_url: str, tokens: int) -> None:
    with pytest.raises(TensorjoinError, match=f"context of {SHORT}"):
        generated(short_url, Sampling(), PROMPT, tokens)


def test_prompt_too_long(short_url: str) -> None:
    with pytest.raises(TensorjoinError, match=f"context of {SHORT}"):
        generated(short_url, Sampling(), [5] * (SHORT + 1), 1)


def test_context_of_a_continued_stream(short_url: str) -> None:
    with new_stream(short_url) as stream:
        list(stream.generate(PROMPT, 3, Sampling()))
        room = SHORT - len(PROMPT) - 2
        too_long = stream.generate(GREEDY[2:3], room + 1, Sampling())
        with pytest.raises(TensorjoinError, match="context"):
            list(too_long)
        assert list(stream.generate(GREEDY[2:3], room, Sampling())) == GREEDY[3 : 3 + room]


@pytest.mark.parametrize("token", [-1, VOCABULARY, 2**70])
def test_token_out_of_range_leaves_the_stream(url: str, token: int) -> None:
    with new_stream(url) as stream:
        first = list(stream.generate(PROMPT, 3, Sampling()))
        with pytest.raises(TensorjoinError, match=rf"{token}.*{VOCABULARY}"):
            list(stream.generate([*first[-1:], token], 3, Sampling()))
        assert list(stream.generate(first[-1:], 5, Sampling())) == GREEDY[3:8]


def test_abandoned_text_leaves_the_stream(url: str) -> None:
    """A text may be cut short by its reader, and the stream goes on after the tokens it has."""
    with new_stream(url) as stream:
        text = stream.generate(PROMPT, 100, Sampling())
        first = [next(text) for _ in range(3)]
        del text
        assert list(stream.generate(first[-1:], 5, Sampling())) == GREEDY[3:8]


def test_interrupted_step_leaves_the_stream(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever catches Ctrl-C may go on where the stream was."""
    with new_stream(url) as stream:
        first = list(stream.generate(PROMPT, 3, Sampling()))
        with monkeypatch.context() as patch:
            patch.setattr(stream.session, "choose", interrupt)
            with pytest.raises(KeyboardInterrupt):
                list(stream.generate(first[-1:], 5, Sampling()))
        assert list(stream.generate(first[-1:], 5, Sampling())) == GREEDY[3:8]


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_two_sessions_at_once(url: str) -> None:
    """Streams see neither each other nor each other's generator."""
    sampling = Sampling(1.0, seed=1)
    alone = generated(url, sampling, tokens=5)
    with new_stream(url) as one, new_stream(url) as two:
        both = zip(
            one.generate(PROMPT, 5, sampling), two.generate(PROMPT, 5, sampling), strict=True
        )
        assert list(both) == list(zip(alone, alone, strict=True))


def test_user_tables_by_the_names_of_temporary_ones(url: str) -> None:
    """What a session computes goes to tables of its own, whatever else has their names."""
    with opened(url) as database:
        lasting = database.tables()
        Session(database, find_model(database, None))
        names = database.tables() - lasting
    assert any(name.endswith("logits") for name in names)
    with opened(url) as database:
        for name in names:
            create_table(database, name, {"v": "INT"})
            database.insert(name, {"v": np.array([42])})
    assert generated(url, Sampling()) == GREEDY[:8]
    with opened(url) as database:
        assert all(read_table(database, name, ["v"]) == [(42,)] for name in names)


def test_procedures_and_tables_have_the_names_of_the_interface():
    """What generation.mlir and the frontend declare, and the runtime asks for."""
    module = compile(DEMO).modules["rel"]
    functions = {op.sym_name.data for op in module.ops if isinstance(op, FuncOp)}
    made_later = {
        Procedure.SETUP,
        Procedure.CLEAR_SCRATCH,
        Procedure.CLEAR_CONTEXT,
        Procedure.VACUUM,
    }
    assert functions == set(Procedure) - made_later
    tables = {op.sym_name.data for op in module.ops if isinstance(op, rel.TableOp)}
    assert set(TableName) <= tables


def test_a_misspelt_procedure_is_an_error(sqlite_url: str):
    refused = pytest.raises(ValueError, match="'forwrad' is not a valid Procedure")
    with new_stream(sqlite_url) as stream, refused:
        stream.session.run("forwrad")  # pyright: ignore[reportArgumentType]
