"""The command line `sql-run`."""

import sqlite3
from pathlib import Path

import numpy as np
import onnx
import pytest
from models.onnx_models import Array, perceive, perceptron

from tensorjoin.tools.sql_run import main

X = np.random.default_rng(0).standard_normal((4, 5)).astype(np.float32)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Array]:
    """A folder with a model, its input and a table with the same rows; the model's weights."""
    monkeypatch.chdir(tmp_path)
    proto, weights = perceptron(5, 7, 3)
    onnx.save(proto, "model.onnx")
    np.save("x.npy", X)
    connection = sqlite3.connect("data.db")
    connection.execute("CREATE TABLE t (id INTEGER, a REAL, b REAL, c REAL, d REAL, e REAL)")
    rows = [(n, *map(float, row)) for n, row in enumerate(X)]
    connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return weights


@pytest.mark.parametrize("target", ["sqlite", "duckdb"])
def test_arrays(weights: dict[str, Array], target: str) -> None:
    arguments = ["model.onnx", "--target", target, "--input", "X=x.npy", "--output-dir", "out"]
    assert main(arguments) == 0
    labels, probabilities = perceive(weights, X)
    np.testing.assert_array_equal(np.load("out/label.npy"), labels)
    np.testing.assert_allclose(np.load("out/probability.npy"), probabilities, atol=1e-6)


def test_a_query(weights: dict[str, Array]) -> None:
    query = "X=SELECT a, b, c, d, e FROM t ORDER BY id"
    arguments = ["--db", "sqlite:///data.db", "--input-query", query, "--output-dir", "out"]
    assert main(["model.onnx", *arguments]) == 0
    np.testing.assert_array_equal(np.load("out/label.npy"), perceive(weights, X)[0])


def test_a_view(weights: dict[str, Array]) -> None:
    arguments = ["model.onnx", "--db", "sqlite:///data.db", "--input-query", "X=SELECT * FROM t"]
    arguments += ["--key", "id", "--as-view", "scores"]
    assert main(arguments) == 0
    assert main(arguments) == 1
    assert main([*arguments, "--replace"]) == 0
    rows = sqlite3.connect("data.db").execute('SELECT id, label FROM "scores" ORDER BY id')
    assert rows.fetchall() == list(enumerate(perceive(weights, X)[0].tolist()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.onnx", "--target", "duckdb", "--output-dir", "out"], "cannot read nowhere.onnx"),
        (["x.npy", "--target", "duckdb", "--output-dir", "out"], "x.npy is not an ONNX model"),
        (["model.onnx", "--output-dir", "out"], "on which engine?"),
        (["model.onnx", "--target", "duckdb"], "where to?"),
        (["model.onnx", "--target", "postgres", "--output-dir", "o"], "needs a server"),
        (["model.onnx", "--target", "duckdb", "--output-dir", "o"], "give --input X=..."),
        (
            ["model.onnx", "--target", "duckdb", "--output-dir", "o", "--input", "Y=x.npy"],
            "the model has no input 'Y': it has X",
        ),
        (
            ["model.onnx", "--target", "duckdb", "--output-dir", "o", "--input", "x.npy"],
            "write NAME=VALUE",
        ),
        (
            ["model.onnx", "--target", "duckdb", "--output-dir", "o", "--input", "X=model.onnx"],
            "model.onnx is no .npy file",
        ),
        (["model.onnx", "--target", "duckdb", "--as-view", "v"], "--as-view needs --db"),
        (
            ["model.onnx", "--target", "duckdb", "--db", "sqlite:///data.db", "--output-dir", "o"],
            "is no database of duckdb",
        ),
    ],
)
def test_errors_are_one_line(
    weights: dict[str, Array],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("sql-run: ")
    assert error.count("\n") == 1
