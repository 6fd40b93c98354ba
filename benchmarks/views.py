"""
Models as views over tables, on three engines, against what onnxruntime says of the same rows.

Prints a table: seconds to create the view, to read all of it, and to read one of its rows; how
many labels are those of onnxruntime; and by how much a probability differs at most.
"""

import argparse
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import onnxruntime
import psycopg
from onnx import ModelProto
from rich.console import Console
from rich.table import Table
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))

from postgres_server import postgres_server  # noqa: E402

from tensorjoin.backends.connect import connect  # noqa: E402
from tensorjoin.backends.database import Database  # noqa: E402
from tensorjoin.frontends.onnx.model import inputs_of, outputs_of, read_onnx  # noqa: E402
from tensorjoin.program import Statement  # noqa: E402
from tensorjoin.runtime.onnx_view import (  # noqa: E402
    compile_query,
    create_view,
    parse_source,
)

Floats = npt.NDArray[np.float32]
ENGINES = ("sqlite", "duckdb", "postgres")
ENCODER = ROOT / "tests" / "references" / "onnx" / "encoder.onnx"
RUNS = 5
PATIENCE = 20
"""Seconds after which a query is not run once more."""


def models() -> Iterator[tuple[str, ModelProto, Floats]]:
    """A name, a model, and rows for it to be asked of."""
    generator = np.random.default_rng(0)
    x, y = load_breast_cancer(return_X_y=True)
    x = x.astype(np.float32)
    estimators = {
        "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
        "perceptron": make_pipeline(StandardScaler(), MLPClassifier((32,), random_state=0)),
        "boosting": GradientBoostingClassifier(n_estimators=50, random_state=0),
        "forest": RandomForestClassifier(50, max_depth=8, random_state=0),
    }
    for name, estimator in estimators.items():
        estimator.fit(x, y)
        noise = generator.normal(1, 0.05, (1000, x.shape[1]))
        rows = x[generator.integers(0, len(x), 1000)] * noise
        yield name, exported(estimator, x), rows.astype(np.float32)
    encoder = read_onnx(ENCODER)
    _, *shape = inputs_of(encoder)[0].shape or ()
    vectors = generator.standard_normal((1000, prod(n or 0 for n in shape)))
    yield "encoder of two layers", encoder, vectors.astype(np.float32)
    pixels = generator.random((10_000, 784)).astype(np.float32)
    classes = np.arange(len(pixels)) % 10
    wide = MLPClassifier((100,), max_iter=3, random_state=0).fit(pixels, classes)
    yield "wide perceptron of 784-100-10", exported(wide, pixels), pixels


def exported(estimator: object, x: Floats) -> ModelProto:
    model = to_onnx(estimator, x[:1], options={"zipmap": False})
    assert isinstance(model, ModelProto)
    return model


@contextmanager
def location(engine: str) -> Iterator[str]:
    """The URL of an empty database."""
    if engine == "postgres":
        with postgres_server() as url:
            yield url
        return
    with TemporaryDirectory() as folder:
        yield f"{engine}:///{folder}/scores.db"


Query = Callable[[str], list[tuple[Any, ...]]]


@contextmanager
def analyst(url: str) -> Iterator[Query]:
    """A connection as the engine's own package makes it, with none of our settings."""
    scheme, _, path = url.partition(":///")
    connections: dict[str, Callable[[], Any]] = {
        "sqlite": lambda: sqlite3.connect(path),
        "duckdb": lambda: duckdb.connect(path),
    }
    connection = connections.get(scheme, lambda: psycopg.connect(url))()
    yield lambda text: connection.execute(text).fetchall()
    connection.close()


def create_table(database: Database, rows: Floats) -> None:
    names = [f"f{k}" for k in range(rows.shape[1])]
    columns = ", ".join(f"{name} REAL" for name in names)
    with database.transaction():
        database.execute(Statement(f"CREATE TABLE examples (id INT, {columns})"))
        values = {name: rows[:, k].astype(float) for k, name in enumerate(names)}
        database.insert("examples", {"id": np.arange(len(rows)), **values})


def measure(url: str, model: ModelProto, rows: Floats) -> list[str]:
    database = connect(url, create=True)
    create_table(database, rows)
    started = time.perf_counter()
    (port,) = inputs_of(model)
    source = parse_source(database, port, "SELECT * FROM examples", "id")
    query = compile_query(model, database.target, [source], "scores")
    compiled = time.perf_counter() - started
    size = len(database.statement(query.tree).sql)
    create_view(database, query, "scores", replace=False)
    created = time.perf_counter() - started
    database.close()
    with analyst(url) as ask:
        found, all_rows = timed(ask, "SELECT * FROM scores ORDER BY id")
        _, one_row = timed(ask, "SELECT * FROM scores WHERE id = 5")
    batch = rows.reshape(len(rows), *(n or 0 for n in (port.shape or ())[1:]))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    names = [p.name for p in outputs_of(model)]
    labels, probabilities = (np.asarray(v) for v in session.run(names, {port.name: batch}))
    values = np.array(found, dtype=float)
    equal = int((values[:, 1] == labels).sum())
    difference = np.abs(values[:, 2:] - probabilities).max()
    return [
        f"{compiled:.2f}",
        f"{size / 1000:.0f}",
        f"{created:.2f}",
        all_rows,
        one_row,
        f"{equal} of {len(rows)}",
        f"{difference:.0e}",
    ]


def timed(ask: Query, text: str) -> tuple[list[tuple[Any, ...]], str]:
    """The rows, and the median, least and largest of the seconds that they took."""
    seconds: list[float] = []
    rows: list[tuple[Any, ...]] = []
    while len(seconds) < RUNS and sum(seconds) < PATIENCE:
        started = time.perf_counter()
        rows = ask(text)
        seconds.append(time.perf_counter() - started)
    low, median, high = np.quantile(seconds, [0, 0.5, 1])
    return rows, f"{median:.3f} ({low:.3f}-{high:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--models", nargs="+", help="only those whose names start so")
    arguments = parser.parse_args()
    heads = ("model", "engine", "compiled", "kB of SQL", "created", "all rows", "one row")
    table = Table(*heads, "labels equal", "difference")
    for name, model, rows in models():
        if arguments.models and not name.startswith(tuple(arguments.models)):
            continue
        for engine in arguments.engines:
            with location(engine) as url:
                table.add_row(name, engine, *measure(url, model, rows))
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
