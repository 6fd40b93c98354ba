"""`sql-run calibrate`: what is measured, and that nothing is left behind."""

import itertools
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database
from tensorjoin.calibration import read
from tensorjoin.cost import TERMS, MatrixLayout, Product
from tensorjoin.fitting import least_deviations
from tensorjoin.forms import FORMS
from tensorjoin.measure import calibrate as calibration
from tensorjoin.measure import calibrate_passes
from tensorjoin.measure.calibrate import calibrate, compiled, measure, plan
from tensorjoin.measure.calibrate_passes import Shape
from tensorjoin.program import Statement
from tensorjoin.tools import sql_run


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A calibration of small products, each run a few times."""
    monkeypatch.setattr(calibration, "SHAPES", ((8, 16), (16, 64)))
    monkeypatch.setattr(calibration, "LARGE_SHAPES", ((8, 16), (16, 64)))
    monkeypatch.setattr(calibration, "RUNS", (2, 2))
    shapes = (Shape(64, 1), Shape(64, 3))
    monkeypatch.setattr(calibration, "SHAPES_OF_MODELS", shapes)
    monkeypatch.setattr(calibrate_passes, "SHAPES", shapes)


@pytest.mark.usefixtures("short")
def test_an_engine(database: Database):
    shown: list[tuple[int, int]] = []
    found, measurements = calibrate(database, lambda *numbers: shown.append(numbers))
    assert found.engine == database.target.name
    assert found.version[0].isdigit()
    assert list(found.seconds) == list(TERMS)
    assert all(second >= 0 for second in found.seconds.values())
    assert any(second > 0 for second in found.seconds.values())
    steps = len(measurements) + (2 if database.target.profile.recurses else 0)
    assert shown[-1] == (steps, steps)
    assert set(found.passes) == (set(FORMS) if database.target.profile.recurses else set())
    assert all(second >= 0 for costs in found.passes.values() for second in costs.values())
    assert database.tables() == set()


@pytest.mark.parametrize("layout", [MatrixLayout("rows"), MatrixLayout("columns", 5)])
def test_what_is_timed_is_a_product(database: Database, layout: MatrixLayout):
    product = Product(outputs=3, inputs=12, rows=2)
    program = compiled(database.target, layout, product)
    numbers: dict[str, np.ndarray] = {}
    for table in program.tables:
        database.execute(table.create)
        if table.kind in ("weight", "input"):
            columns = calibration.columns_of(table, product)
            database.insert(table.name, columns)
            values = np.stack([columns[name] for name in table.values], axis=-1)
            extent = -(-product.inputs // len(table.values)) * len(table.values)
            height = product.outputs if table.kind == "weight" else extent
            numbers[table.kind] = values.reshape(height, -1)
    for step in program.procedures["forward"]:
        database.execute(step.statement)
    rows = database.query(Statement('SELECT p, o, v FROM "tensorjoin calibration y"'))
    expected = numbers["weight"][:, : product.inputs] @ numbers["input"][: product.inputs]
    assert len(rows) == 6
    for p, o, v in rows:
        assert v == pytest.approx(expected[o, p], rel=1e-5)


def test_columns_of_vectors_are_timed():
    with closing(connect("duckdb:///:memory:", create=True)) as database:
        assert measure(database, MatrixLayout("pivoted", 12, 3), Product(3, 12, 2)) > 0


@pytest.mark.parametrize("failing", [KeyboardInterrupt, RuntimeError])
def test_nothing_is_left_behind(
    database: Database, monkeypatch: pytest.MonkeyPatch, failing: type[BaseException]
):
    def fail(*_: object) -> float:
        raise failing

    monkeypatch.setattr(calibration, "run", fail)
    with pytest.raises(failing):
        measure(database, MatrixLayout("rows"), Product(4, 4))
    assert database.tables() == set()


def test_every_storage_is_measured(database: Database):
    planned = list(plan(database.target.profile))
    storages = {layout.storage for layout, _ in planned}
    vectors = {"arrays", "pivoted"} if database.target.profile.vectors else set[str]()
    assert storages == {"rows", "columns"} | vectors
    assert len(set(planned)) == len(planned)


def test_time_runs_out(database: Database, monkeypatch: pytest.MonkeyPatch):
    clock = itertools.count(step=calibration.SECONDS)
    monkeypatch.setattr(calibration.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(calibration, "calibrate_passes", lambda *_: {})
    _, measurements = calibrate(database)
    assert len(measurements) == 1


def test_what_spoils_a_few_measurements_does_not_matter():
    generator = np.random.default_rng(0)
    true = np.array([2.0, 0.0, 1e-6])
    amounts = generator.uniform(0.1, 1.0, (40, 3)) * [1.0, 1.0, 1e6]
    times = amounts @ true
    times[::8] *= 3
    np.testing.assert_allclose(
        least_deviations(amounts / times[:, None]), true, rtol=0.02, atol=0.02
    )


@pytest.mark.usefixtures("short")
def test_command_line(database_url: str, home: Path, capsys: pytest.CaptureFixture[str]):
    connect(database_url, create=True).close()
    assert sql_run.main(["calibrate", "--db", database_url]) == 0
    (stored,) = (home / "tensorjoin" / "costs").iterdir()
    calibrated = read(stored)
    assert stored.stem == f"{calibrated.engine}-{calibrated.version}"
    printed = capsys.readouterr().out
    assert str(stored) in printed.replace("\n", "")
    assert all(term in printed for term in TERMS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["calibrate"], "the following arguments are required: --db"),
        (["calibrate", "--db", "sqlite:////nowhere/a.db"], "no database at /nowhere/a.db"),
        (["calibrate", "--db", "mysql://host"], "unknown database URL"),
        (["calibrate", "--db", "sqlite:///:memory:", "--more"], "unrecognized arguments"),
    ],
)
def test_errors(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]):
    assert sql_run.main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("sql-run calibrate: ")
    assert message in error
    assert error.count("\n") == 1
