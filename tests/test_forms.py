"""Which form of a program is run: lines by rows, predictions, trials and what is remembered."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from models.llama import write_checkpoint

from tensorjoin import LanguageModel
from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database
from tensorjoin.calibration import Calibration, store
from tensorjoin.cost import TERMS
from tensorjoin.forms import (
    FORMS,
    FORWARD,
    LAYERWISE,
    PASS_TERMS,
    Line,
    fastest,
    pass_work,
    predicted,
    through,
)
from tensorjoin.runtime import form_choice
from tensorjoin.runtime.form_choice import WORTH_TRYING, digest, settle
from tensorjoin.runtime.load import load_model
from tensorjoin.runtime.sampling import Sampling
from tensorjoin.runtime.session import Session
from tensorjoin.runtime.stream import Stream
from tensorjoin.trials import path, remember, remembered

LINES = {FORWARD: Line(1.0, 0.5), LAYERWISE: Line(3.0, 0.1)}


def costs(forward: float, layerwise: float) -> dict[str, dict[str, float]]:
    """Costs of passes where a layer takes so many seconds in each form, and nothing else any."""
    none = dict.fromkeys(PASS_TERMS, 0.0)
    return {FORWARD: none | {"layers": forward}, LAYERWISE: none | {"layers": layerwise}}


@pytest.fixture
def session(tmp_path: Path):
    """A session over a model in DuckDB, whose programs have two forms."""
    with closing(connect(f"duckdb:///{tmp_path}/m.db", create=True)) as database:
        yield Session(database, load_model(database, write_checkpoint(tmp_path, "small"), "m"))


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The forms and rows of the passes that a trial makes; statements for each layer are slow."""
    made: list[tuple[str, int]] = []

    def timed(_: Session, form: str, rows: int) -> float:
        made.append((form, rows))
        return LINES[form].seconds(rows)

    monkeypatch.setattr(form_choice, "timed_pass", timed)
    return made


def test_the_faster_form_depends_on_the_rows():
    assert [fastest(LINES, rows) for rows in (1, 4, 6, 100)] == [
        FORWARD,
        FORWARD,
        LAYERWISE,
        LAYERWISE,
    ]


def test_a_line_goes_through_what_was_measured():
    line = through({8: 5.0, 1: 1.5})
    assert (line.seconds(1), line.seconds(8)) == (1.5, 5.0)


def test_more_rows_never_take_less():
    assert through({1: 2.0, 8: 1.0}) == Line(2.0, 0.0)


def test_work_of_a_pass():
    work = pass_work(layers=4, layer_parameters=10, rows=3)
    assert (work.layers, work.weights, work.others, work.products) == (4, 40, 120, 120)


def test_a_recursion_that_reads_all_layers_is_for_few_of_them():
    filtered = dict(zip(PASS_TERMS, (0.001, 1e-9, 0.0, 1e-9), strict=True))
    reading = filtered | {"others": 1e-9}
    by_layers = filtered | {"layers": 0.01}
    lines = predicted({FORWARD: reading, LAYERWISE: by_layers}, 6, 1_000_000)
    assert lines[FORWARD].fixed == pytest.approx(6 * 0.001 + 6e-3 + 30e-3)
    assert lines[FORWARD].row == pytest.approx(6e-3)
    assert fastest(lines, 1) == FORWARD
    lines = predicted({FORWARD: reading, LAYERWISE: by_layers}, 30, 4_000_000)
    assert fastest(lines, 1) == LAYERWISE
    lines = predicted({FORWARD: filtered, LAYERWISE: by_layers}, 30, 4_000_000)
    assert fastest(lines, 1) == FORWARD


def test_trials_are_remembered_for_a_version(home: Path):
    other = {form: Line(1, 2) for form in FORMS}
    remember("duckdb", "2.0.0", "a", LINES)
    remember("duckdb", "2.0.0", "b", other)
    assert path("duckdb") == home / "tensorjoin" / "trials" / "duckdb.json"
    assert remembered("duckdb", "2.0.0", "a") == LINES
    assert remembered("duckdb", "2.0.0", "b") == other
    assert remembered("duckdb", "2.0.1", "a") is None
    assert remembered("sqlite", "2.0.0", "a") is None
    remember("duckdb", "2.0.1", "b", other)
    assert remembered("duckdb", "2.0.0", "a") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        json.dumps({"version": "2", "programs": []}),
        json.dumps({"version": "2", "programs": {"a": 1}}),
        json.dumps({"version": "2", "programs": {"a": {FORWARD: {"fixed": 1}}}}),
        json.dumps({"version": "2", "programs": {"a": {FORWARD: {"fixed": 1, "row": 2}}}}),
        json.dumps(
            {"version": "2", "programs": {"a": dict.fromkeys(FORMS, {"fixed": "", "row": 2})}}
        ),
    ],
)
def test_what_is_no_trial_is_tried_again(home: Path, text: str):
    path("duckdb").parent.mkdir(parents=True)
    path("duckdb").write_text(text)
    assert remembered("duckdb", "2", "a") is None
    remember("duckdb", "2", "a", LINES)
    assert remembered("duckdb", "2", "a") == LINES


def test_who_may_not_write_tries_again(home: Path):
    path("duckdb").parent.parent.mkdir(parents=True)
    path("duckdb").parent.write_text("a file, and no folder")
    remember("duckdb", "2", "a", LINES)
    assert remembered("duckdb", "2", "a") is None


def test_a_model_is_tried_once(session: Session, passes: list[tuple[str, int]]):
    shown: list[tuple[int, int]] = []
    settle(session, WORTH_TRYING, lambda *numbers: shown.append(numbers))
    assert {form for form, _ in passes} == set(FORMS)
    assert [number for number, _ in shown] == list(range(1, len(passes) + 1))
    assert all(total >= len(passes) for _, total in shown)
    assert (session.form(1), session.form(100)) == (FORWARD, LAYERWISE)
    passes.clear()
    session.lines = {}
    settle(session, WORTH_TRYING)
    assert not passes
    assert (session.form(1), session.form(100)) == (FORWARD, LAYERWISE)


def test_another_version_forgets_the_trial(
    session: Session, passes: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
):
    settle(session, WORTH_TRYING)
    passes.clear()
    monkeypatch.setattr(session.database, "version", lambda: "9.0.0")
    settle(session, WORTH_TRYING)
    assert passes


def test_another_program_is_tried_by_itself(session: Session):
    other = {**session.procedures, FORWARD: session.procedures[LAYERWISE]}
    assert digest(session.model, session.procedures) != digest(session.model, other)


def test_few_tokens_are_not_worth_a_trial(session: Session, passes: list[tuple[str, int]]):
    settle(session, WORTH_TRYING - 1)
    assert not passes
    assert set(session.lines) == set(FORMS)


@pytest.mark.parametrize(("seconds", "form"), [((1, 2), FORWARD), ((2, 1), LAYERWISE)])
def test_a_calibration_decides_without_a_trial(
    session: Session, passes: list[tuple[str, int]], seconds: tuple[float, float], form: str
):
    version = session.database.version()
    store(Calibration("duckdb", version, dict.fromkeys(TERMS, 1.0), costs(*seconds)))
    settle(session, WORTH_TRYING)
    assert not passes
    assert session.form(1) == form


def test_a_calibration_without_passes_leaves_it_to_a_trial(
    session: Session, passes: list[tuple[str, int]]
):
    version = session.database.version()
    store(Calibration("duckdb", version, dict.fromkeys(TERMS, 1.0)))
    settle(session, WORTH_TRYING)
    assert passes


def test_a_trial_leaves_no_stream(session: Session):
    settle(session, WORTH_TRYING)
    assert all(line.fixed >= 0 and line.row >= 0 for line in session.lines.values())
    assert not session.contents.streams
    tried = list(Stream(session).generate([1, 2, 3], 8, Sampling()))
    session.lines = {}
    assert tried == list(Stream(session).generate([1, 2, 3], 8, Sampling()))


def test_a_model_in_python_tries_once(tmp_path: Path, passes: list[tuple[str, int]]):
    directory = write_checkpoint(tmp_path, "small")
    with LanguageModel.load(directory, f"duckdb:///{tmp_path}/l.db") as model:
        assert not passes
        list(model.token_ids([1, 2], WORTH_TRYING))
        assert passes
        passes.clear()
        list(model.token_ids([1, 2], WORTH_TRYING))
        assert not passes


def test_only_programs_of_two_forms_have_a_choice(database: Database, tmp_path: Path):
    session = Session(database, load_model(database, write_checkpoint(tmp_path, "small"), "m"))
    settle(session, 1)
    assert set(session.lines) == (set(FORMS) if database.target.profile.recurses else set())
    assert {session.form(1), session.form(1000)} <= session.procedures.keys()
