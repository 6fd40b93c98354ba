"""The interface of `onnx.backend`."""

import numpy as np
import pytest
from conftest import ENGINES
from models.onnx_models import FLOAT, model, perceive, perceptron
from onnx import helper
from onnx.backend.test.runner import BackendIsNotSupposedToImplementIt

from tensorjoin.onnx_backend import DatabaseBackend, DuckDBBackend, PostgresBackend, SQLiteBackend

BACKENDS = dict(zip(ENGINES, (SQLiteBackend, DuckDBBackend, PostgresBackend), strict=True))


@pytest.fixture(params=ENGINES)
def backend(
    request: pytest.FixtureRequest, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> type[DatabaseBackend]:
    monkeypatch.setenv("TENSORJOIN_POSTGRES_URL", postgres_url)
    return BACKENDS[request.param]


def test_prepare_and_run(backend: type[DatabaseBackend]) -> None:
    proto, weights = perceptron(5, 7, 3)
    prepared = backend.prepare(proto)
    x = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)
    labels, probabilities = perceive(weights, x)
    for inputs in ([x], {"X": x}, x):
        outputs = prepared.run(inputs)
        np.testing.assert_array_equal(outputs[0], labels)
        np.testing.assert_allclose(outputs.probability, probabilities, rtol=1e-5, atol=1e-6)


def test_run_node(backend: type[DatabaseBackend]) -> None:
    x = np.array([[1, -2], [3, -4]], np.float32)
    node = helper.make_node("Softplus", ["x"], ["y"])
    (y,) = backend.run_node(node, [x])
    np.testing.assert_allclose(y, np.log1p(np.exp(x)), rtol=1e-6)
    node = helper.make_node("Softmax", ["x"], ["y"])
    (y,) = backend.run_node(node, [x], opset_version=11)
    np.testing.assert_allclose(y, np.exp(x) / np.exp(x).sum(axis=1, keepdims=True), rtol=1e-6)


def test_what_is_not_supported_says_why(backend: type[DatabaseBackend]) -> None:
    node = helper.make_node("RandomNormal", [], ["y"], shape=[2])
    with pytest.raises(BackendIsNotSupposedToImplementIt, match="RandomNormal"):
        backend.run_model(model([node], [], [("y", FLOAT, [2])]), [])


def test_devices(backend: type[DatabaseBackend]) -> None:
    assert backend.supports_device("CPU")
    assert not backend.supports_device("CUDA")
