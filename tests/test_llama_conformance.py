"""Whole models against transformers, on each engine. `make references` makes what is expected."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from models.llama import CONFIGURATIONS, write_checkpoint
from models.references import Reference, reference

from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database
from tensorjoin.forms import FORWARD, LAYERWISE
from tensorjoin.pipelines import Layout
from tensorjoin.runtime.load import load_model
from tensorjoin.runtime.sampling import Sampling
from tensorjoin.runtime.session import Session
from tensorjoin.runtime.stream import Stream

LOGITS_TOLERANCE = 1e-4
SPLIT_TOLERANCE = 1e-5
DEMO = Path(__file__).parents[1] / "examples" / "demo"


def load(database: Database, name: str, folder: Path, layout: Layout = "auto") -> None:
    load_model(database, write_checkpoint(folder / name, name), layout=layout)


def new_session(database: Database, name: str) -> Session:
    from tensorjoin.runtime.catalog import find_model

    return Session(database, find_model(database, name))


def logits_of(database: Database, name: str, batches: list[list[int]]) -> np.ndarray:
    """The logits of tokens that come in batches: float32 [tokens, vocabulary]."""
    session = new_session(database, name)
    stream = Stream(session)
    rows: list[np.ndarray] = []
    for batch in batches:
        with session.step():
            stream.forward(batch, emit_all=True)
            rows.append(session.logits())
    return np.concatenate(rows)


@pytest.fixture
def reopened(database_url: str) -> Iterator[list[Database]]:
    """Connections to close at the end; a session's tables last as long as its connection."""
    opened: list[Database] = []
    yield opened
    for database in opened:
        database.close()


def check_model(url: str, opened: list[Database], name: str, expected: Reference) -> None:
    prompt = [int(token) for token in expected.prompt]
    opened.append(connect(url, create=False))
    logits = logits_of(opened[-1], name, [prompt])
    np.testing.assert_allclose(logits, expected.logits, rtol=0, atol=LOGITS_TOLERANCE)
    opened[-1].close()
    opened.append(connect(url, create=False))
    session = new_session(opened[-1], name)
    count = len(expected.greedy)
    stops = set(session.model.manifest.eos_token_ids)
    wanted = [int(token) for token in expected.greedy]
    end = next((k for k, token in enumerate(wanted) if token in stops), count)
    assert list(Stream(session).generate(prompt, count, Sampling())) == wanted[:end]


def suited(layout: Layout, database: Database) -> Layout:
    """The layout, or columns that are numbers where an engine has none that are vectors."""
    return "columns" if layout == "pivoted" and not database.target.profile.vectors else layout


@pytest.mark.parametrize(
    ("name", "layout"), [("small", "auto"), ("odd", "auto"), ("odd", "pivoted")]
)
def test_layer_by_layer(name: str, layout: Layout, database: Database, tmp_path: Path):
    """The other form of a program, where one statement could do all."""
    load(database, name, tmp_path, suited(layout, database))
    session, expected = new_session(database, name), reference(name)
    assert (LAYERWISE in session.procedures) == database.target.profile.recurses
    form = LAYERWISE if database.target.profile.recurses else FORWARD
    prompt = [int(token) for token in expected.prompt]
    rows: list[np.ndarray] = []
    stream = Stream(session)
    for batch in (prompt[:3], prompt[3:]):
        with session.step():
            stream.forward(batch, emit_all=True, form=form)
            rows.append(session.logits())
    np.testing.assert_allclose(np.concatenate(rows), expected.logits, rtol=0, atol=LOGITS_TOLERANCE)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_logits_and_greedy_tokens(
    name: str, database_url: str, reopened: list[Database], tmp_path: Path
):
    reopened.append(connect(database_url, create=True))
    load(reopened[-1], name, tmp_path)
    reopened[-1].close()
    check_model(database_url, reopened, name, reference(name))


@pytest.mark.parametrize(
    ("name", "layout"),
    [("odd", "rows"), ("small", "rows"), ("small", "columns"), ("odd", "pivoted")],
)
def test_logits_in_other_layouts(name: str, layout: Layout, database: Database, tmp_path: Path):
    load(database, name, tmp_path, suited(layout, database))
    expected = reference(name)
    logits = logits_of(database, name, [[int(token) for token in expected.prompt]])
    np.testing.assert_allclose(logits, expected.logits, rtol=0, atol=LOGITS_TOLERANCE)


@pytest.mark.parametrize("name", ["small", "odd"])
def test_prefill_splits_anywhere(
    name: str, database_url: str, reopened: list[Database], tmp_path: Path
):
    reopened.append(connect(database_url, create=True))
    load(reopened[-1], name, tmp_path)
    reopened[-1].close()
    tokens = [int(token) for token in reference(name).prompt]
    results: list[np.ndarray] = []
    for sizes in ([len(tokens)], [1] * len(tokens), [1, len(tokens) - 1], [5, 1, len(tokens) - 6]):
        starts = np.cumsum([0, *sizes])
        batches = [tokens[a:b] for a, b in zip(starts, starts[1:], strict=False)]
        reopened.append(connect(database_url, create=False))
        results.append(logits_of(reopened[-1], name, batches))
        reopened[-1].close()
    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], rtol=0, atol=SPLIT_TOLERANCE)


@pytest.mark.parametrize("layout", ["auto", "pivoted"])
def test_demo_model(database_url: str, layout: Layout, reopened: list[Database]):
    reopened.append(connect(database_url, create=True))
    load_model(reopened[-1], DEMO, name="demo", layout=suited(layout, reopened[-1]))
    reopened[-1].close()
    check_model(database_url, reopened, "demo", reference("demo"))
