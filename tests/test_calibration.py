"""Calibrations as files, and the choice that is made by them."""

import json
from pathlib import Path

import pytest
from execution import TARGETS

from tensorjoin.calibration import Calibration, read, shipped, store, stored_path
from tensorjoin.cost import TERMS, Product
from tensorjoin.errors import TensorjoinError
from tensorjoin.forms import FORMS, PASS_TERMS
from tensorjoin.layouts import candidates, cheapest


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_has_a_start(target: str):
    calibration = shipped(TARGETS[target])
    assert calibration.engine == target
    assert all(second >= 0 for second in calibration.seconds.values())
    assert any(second > 0 for second in calibration.seconds.values())


def test_what_is_stored_is_read(home: Path):
    measured = Calibration("sqlite", "3.40.1", dict.fromkeys(TERMS, 0.5))
    path = store(measured)
    assert path == stored_path("sqlite", "3.40.1")
    assert path == home / "tensorjoin" / "costs" / "sqlite-3.40.1.json"
    assert read(path) == measured
    passes = dict.fromkeys(FORMS, dict.fromkeys(PASS_TERMS, 0.5))
    again = Calibration("sqlite", "3.40.1", dict.fromkeys(TERMS, 0.25), passes)
    assert read(store(again)) == again
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1]",
        "{}",
        json.dumps({"seconds": {"statements": 1.0}}),
        json.dumps({"seconds": {**dict.fromkeys(TERMS, 0.0), "read": -1}}),
        json.dumps({"seconds": {**dict.fromkeys(TERMS, 0.0), "read": "a"}}),
        json.dumps({"seconds": {**dict.fromkeys(TERMS, 0.0), "read": float("nan")}}),
        json.dumps({"seconds": {**dict.fromkeys(TERMS, 0.0), "other": 1}}),
        json.dumps({"seconds": dict.fromkeys(TERMS, 0.0), "passes": {"forward": {"layers": 1.0}}}),
        json.dumps(
            {"seconds": dict.fromkeys(TERMS, 0.0), "passes": {"b": dict.fromkeys(PASS_TERMS, 1)}}
        ),
    ],
)
def test_what_is_no_calibration_is_refused(tmp_path: Path, text: str):
    path = tmp_path / "costs.json"
    path.write_text(text)
    with pytest.raises(TensorjoinError, match="is no calibration of this version"):
        read(path)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("inputs", [1, 10, 288, 4001])
def test_candidates(target: str, inputs: int):
    profile = TARGETS[target].profile
    layouts = list(candidates(profile, inputs))
    assert layouts[0].storage == "rows"
    chunked = layouts[1:]
    assert chunked
    pivoted = [layout for layout in chunked if layout.storage == "pivoted"]
    assert bool(pivoted) == (profile.vectors and inputs > 64)
    assert all(layout.size - layout.columns < inputs <= layout.size for layout in pivoted)
    chunked = [layout for layout in chunked if layout not in pivoted]
    assert {layout.storage for layout in chunked} == {"arrays" if profile.vectors else "columns"}
    assert len(set(layouts)) == len(layouts)
    assert all(layout.size <= inputs for layout in chunked)
    widest = max(layout.size for layout in chunked)
    assert widest == inputs or 2 * widest <= profile.max_columns < 2 * inputs


def test_a_statement_that_costs_more_than_all_else_is_not_run_twice():
    expensive = {**dict.fromkeys(TERMS, 1e-9), "statements": 1.0}
    assert cheapest(TARGETS["sqlite"].profile, [Product(64, 256)], expensive).storage == "rows"
