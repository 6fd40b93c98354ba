"""ONNX models over the rows of a table: queries and views, on every engine."""

import sqlite3
from pathlib import Path
from threading import Timer
from typing import Any

import duckdb
import numpy as np
import psycopg
import pytest
from models.onnx_models import FLOAT, model, perceive, perceptron
from onnx import ModelProto, helper
from sqlglot import exp

from tensorjoin.backends.database import Database
from tensorjoin.backends.spelling import identifier
from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.onnx.model import inputs_of, outputs_of, read_onnx
from tensorjoin.program import Statement
from tensorjoin.runtime.onnx_view import (
    ModelQuery,
    compile_query,
    create_view,
    parse_source,
    run_query,
)
from tensorjoin.testing.engines import fill

FOLDER = Path(__file__).parent / "references" / "onnx"
FAMILIES = {
    "logistic": 200,
    "perceptron": 200,
    "forest": 100,
    "boosting": 100,
    "encoder": 10,
    "encoder-tokens": 10,
}
"""Models, and over how many of their stored rows."""
FEATURES = 70
ROWS = 9
PATIENCE = 60
"""Seconds after which a query is taken for one that an engine cannot plan."""
X = np.random.default_rng(1).standard_normal((ROWS, FEATURES)).astype(np.float32)


@pytest.fixture
def customers(database: Database) -> Database:
    """A table with an id, in no order, and a column for each feature."""
    kinds = {"id": "INT", **{f"f{k}": "REAL" for k in range(FEATURES)}}
    columns = [
        exp.ColumnDef(this=identifier(name), kind=exp.DataType.build(kind))
        for name, kind in kinds.items()
    ]
    schema = exp.Schema(this=exp.Table(this=identifier("customers")), expressions=columns)
    database.execute(database.statement(exp.Create(this=schema, kind="TABLE")))
    order = np.random.default_rng(2).permutation(ROWS)
    features = {f"f{k}": X[order, k] for k in range(FEATURES)}
    fill(database, {"customers": {"id": order * 10, **features}})
    return database


def compiled(
    database: Database, proto: ModelProto, query: str, key: str | None, name: str = "scores"
) -> ModelQuery:
    (port,) = inputs_of(proto)
    source = parse_source(database, port, query, key)
    return compile_query(proto, database.target, [source], name, is_temporary=key is None)


def test_a_view_with_a_key(customers: Database) -> None:
    proto, weights = perceptron(FEATURES, 20, 3)
    query = compiled(customers, proto, "SELECT * FROM customers", "id")
    create_view(customers, query, "scores", replace=False)
    rows = customers.query(Statement('SELECT * FROM "scores" ORDER BY "id"'))
    labels, probabilities = perceive(weights, X)
    assert [row[0] for row in rows] == [10 * n for n in range(ROWS)]
    assert [row[1] for row in rows] == labels.tolist()
    np.testing.assert_allclose([row[2:] for row in rows], probabilities, rtol=1e-5, atol=1e-6)


def test_a_view_like_any_other(customers: Database) -> None:
    """Filters, joins, and rows that come later."""
    proto, weights = perceptron(FEATURES, 20, 3)
    query = compiled(customers, proto, "SELECT * FROM customers", "id")
    create_view(customers, query, "scores", replace=False)
    _, probabilities = perceive(weights, X)
    joined = 'SELECT probability_0 FROM "scores" JOIN customers USING (id) WHERE id = 30'
    ((found,),) = customers.query(Statement(joined))
    assert found == pytest.approx(probabilities[3, 0], rel=1e-5)
    names = ", ".join(f"f{k}" for k in range(FEATURES))
    copy = f"INSERT INTO customers SELECT 1000, {names} FROM customers WHERE id = 30"
    customers.execute(Statement(copy))
    ((later,),) = customers.query(Statement('SELECT probability_0 FROM "scores" WHERE id = 1000'))
    assert later == pytest.approx(found, rel=1e-9)


def test_a_view_is_replaced_when_asked(customers: Database) -> None:
    proto, _ = perceptron(FEATURES, 20, 3)
    query = compiled(customers, proto, "SELECT * FROM customers", "id")
    create_view(customers, query, "scores", replace=False)
    before = customers.tables()
    with pytest.raises(TensorjoinError, match="use --replace"):
        create_view(customers, query, "scores", replace=False)
    create_view(customers, query, "scores", replace=True)
    assert customers.tables() == before


def test_a_query_without_a_key(customers: Database) -> None:
    """Its rows are numbered in its order."""
    proto, weights = perceptron(FEATURES, 20, 3)
    names = ", ".join(f"f{k}" for k in range(FEATURES))
    query = compiled(customers, proto, f"SELECT {names} FROM customers ORDER BY id DESC", None)
    outputs = run_query(customers, query, outputs_of(proto))
    labels, probabilities = perceive(weights, X[::-1])
    np.testing.assert_array_equal(outputs["label"], labels)
    np.testing.assert_allclose(outputs["probability"], probabilities, rtol=1e-5, atol=1e-6)


def test_no_rows(customers: Database) -> None:
    proto, _ = perceptron(FEATURES, 20, 3)
    names = ", ".join(f"f{k}" for k in range(FEATURES))
    query = compiled(customers, proto, f"SELECT {names} FROM customers WHERE id < 0", None)
    outputs = run_query(customers, query, outputs_of(proto))
    assert outputs["probability"].shape == (0, 3)


def test_a_sequence_for_each_row(customers: Database) -> None:
    """An input of two further axes: the columns are its elements in row-major order."""
    nodes = [
        helper.make_node("ReduceMax", ["X"], ["m"], axes=[1], keepdims=0),
        helper.make_node("Transpose", ["X"], ["t"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["t", "X"], ["g"]),
    ]
    outputs = [("m", FLOAT, ["n", 10]), ("g", FLOAT, ["n", 10, 10])]
    proto = model(nodes, [("X", FLOAT, ["n", 7, 10])], outputs, opset=13)
    names = ", ".join(f"f{k}" for k in range(FEATURES))
    query = compiled(customers, proto, f"SELECT {names} FROM customers ORDER BY id", None)
    found = run_query(customers, query, outputs_of(proto))
    x = X.reshape(ROWS, 7, 10)
    np.testing.assert_array_equal(found["m"], x.max(axis=1))
    np.testing.assert_allclose(found["g"], x.transpose(0, 2, 1) @ x, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("query", "key", "message"),
    [
        ("SELECT id FROM customers", None, "has 1 columns of features, not 70"),
        ("SELECT * FROM customers", "name", "has no column 'name' for --key"),
        ("SELEC * FROM customers", None, "must be one SELECT|is not understood"),
        ("SELECT 1; DROP TABLE customers", None, "must be one SELECT"),
        ("DROP TABLE customers", None, "must be one SELECT"),
    ],
)
def test_queries_that_do_not_fit(
    customers: Database, query: str, key: str | None, message: str
) -> None:
    proto, _ = perceptron(FEATURES, 20, 3)
    with pytest.raises(TensorjoinError, match=message):
        compiled(customers, proto, query, key)
    assert "customers" in customers.tables()


def test_a_model_that_mixes_examples(customers: Database) -> None:
    nodes = [helper.make_node("ReduceMean", ["X"], ["y"], axes=[0], keepdims=0)]
    proto = model(nodes, [("X", FLOAT, ["n", FEATURES])], [("y", FLOAT, [FEATURES])], opset=13)
    with pytest.raises(TensorjoinError, match="has no row for each example"):
        compiled(customers, proto, "SELECT * FROM customers", "id")


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query, through the engine's own package, as an analyst connects."""
    scheme, _, path = url.partition(":///")
    if scheme in ("sqlite", "duckdb"):
        opened: Any = (sqlite3 if scheme == "sqlite" else duckdb).connect(path)
        stop = opened.interrupt
    else:
        opened = psycopg.connect(url)
        stop = opened.cancel
    timer = Timer(PATIENCE, stop)
    timer.start()
    try:
        return opened.execute(query).fetchall()
    finally:
        timer.cancel()
        opened.close()


@pytest.mark.timeout(300)  # 58 s
@pytest.mark.parametrize("name", FAMILIES)
def test_as_onnxruntime(database: Database, database_url: str, name: str) -> None:
    """What onnxruntime says of a model's rows, the view says of a table that holds them."""
    proto = read_onnx(FOLDER / f"{name}.onnx")
    (port,) = inputs_of(proto)
    with np.load(FOLDER / f"{name}.npz") as stored:
        arrays = {key: array[: FAMILIES[name]] for key, array in stored.items()}
    x = arrays[f"input.{port.name}"].reshape(FAMILIES[name], -1)
    kind = "INT" if x.dtype.kind == "i" else "REAL"
    kinds = {"id": "INT", **{f"f{k}": kind for k in range(x.shape[1])}}
    columns = [
        exp.ColumnDef(this=identifier(column), kind=exp.DataType.build(kind))
        for column, kind in kinds.items()
    ]
    schema = exp.Schema(this=exp.Table(this=identifier("examples")), expressions=columns)
    database.execute(database.statement(exp.Create(this=schema, kind="TABLE")))
    features = {f"f{k}": x[:, k] for k in range(x.shape[1])}
    fill(database, {"examples": {"id": np.arange(len(x)), **features}})
    query = compiled(database, proto, "SELECT * FROM examples", "id")
    create_view(database, query, "scores", replace=False)
    create_view(database, query, "scores", replace=True)
    labels, probabilities = (arrays[f"output.{p.name}"] for p in outputs_of(proto))
    text = 'SELECT * FROM "scores" ORDER BY "id"'
    found = [database.query(Statement(text))]
    database.close()
    found.append(ask(database_url, text))
    for rows in found:
        assert [row[1] for row in rows] == labels.tolist()
        np.testing.assert_allclose([row[2:] for row in rows], probabilities, rtol=0, atol=1e-5)
    assert len(ask(database_url, 'SELECT "id" FROM "scores" WHERE "id" = 7')) == 1


def test_a_wide_table_of_doubles(customers: Database) -> None:
    """Chunks of a wide table are no float32 where the model's input is none."""
    weights = np.zeros((FEATURES, 3))
    weights[:2] = [[1], [-1]]
    node = helper.make_node("MatMul", ["X", "w"], ["Y"])
    double = helper.np_dtype_to_tensor_dtype(np.dtype(np.float64))
    inputs, outputs = [("X", double, ["n", FEATURES])], [("Y", double, ["n", 3])]
    proto = model([node], inputs, outputs, {"w": weights})
    rest = ", ".join(f"f{k}" for k in range(2, FEATURES))
    query = f"SELECT 20230101 + id AS f0, 20230100 AS f1, {rest} FROM customers"
    found = run_query(customers, compiled(customers, proto, query, None), outputs_of(proto))
    np.testing.assert_array_equal(np.sort(found["Y"][:, 0]), 10 * np.arange(ROWS) + 1)
