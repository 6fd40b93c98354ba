"""ONNX models on real engines: shapes, values on which shapes depend, names, weights, errors."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from models.onnx_models import FLOAT, INT64, model, perceive, perceptron
from onnx import helper

from tensorjoin.backends.database import Database
from tensorjoin.errors import TensorjoinError, UnsupportedError
from tensorjoin.frontends.onnx.model import read_onnx
from tensorjoin.runtime.onnx_model import OnnxModel


def test_another_number_of_rows(database: Database) -> None:
    """A model whose first extent is not known is compiled anew for each that is met."""
    proto, weights = perceptron(5, 70, 3)
    prepared = OnnxModel(proto, database)
    for rows in (1, 4, 4, 2):
        x = np.random.default_rng(rows).standard_normal((rows, 5)).astype(np.float32)
        outputs = prepared.run({"X": x})
        labels, probabilities = perceive(weights, x)
        np.testing.assert_array_equal(outputs["label"], labels)
        np.testing.assert_allclose(outputs["probability"], probabilities, rtol=1e-5, atol=1e-6)
        assert outputs["probability"].dtype == np.float32


def test_a_shape_that_depends_on_a_value(database: Database) -> None:
    node = helper.make_node("Reshape", ["x", "shape"], ["y"])
    inputs = [("x", FLOAT, [2, 3]), ("shape", INT64, ["k"])]
    prepared = OnnxModel(model([node], inputs, [("y", FLOAT, None)]), database)
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    for shape in ([3, 2], [6], [1, -1]):
        outputs = prepared.run({"x": x, "shape": np.array(shape)})
        np.testing.assert_array_equal(outputs["y"], x.reshape(shape))


def test_all_tables_are_temporary(database: Database) -> None:
    proto, _ = perceptron(5, 70, 3)
    before = database.tables()
    prepared = OnnxModel(proto, database)
    prepared.run({"X": np.zeros((2, 5), np.float32)})
    prepared.run({"X": np.zeros((3, 5), np.float32)})
    assert prepared.compiled is not None
    prepared.drop(prepared.compiled)
    assert database.tables() == before


@pytest.mark.parametrize(
    "name", ['it"s; DROP TABLE t', "ü" * 50, "a/b.c", "input.x", "select", "x " * 60]
)
def test_names_of_any_spelling(database: Database, name: str) -> None:
    node = helper.make_node("Neg", [name], [f"{name}'"])
    proto = model([node], [(name, FLOAT, [2])], [(f"{name}'", FLOAT, [2])])
    outputs = OnnxModel(proto, database).run({name: np.array([1, -2], np.float32)})
    np.testing.assert_array_equal(outputs[f"{name}'"], [-1, 2])


def test_infinities_and_nan_go_in_and_come_out(database: Database) -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    x = np.array([np.nan, np.inf, -np.inf, 0], np.float32)
    outputs = OnnxModel(model([node], [("x", FLOAT, [4])], [("y", FLOAT, [4])]), database).run(
        {"x": x}
    )
    np.testing.assert_array_equal(outputs["y"], x)


def test_functions_of_the_model_are_expanded(database: Database) -> None:
    double = helper.make_function(
        "mine",
        "Double",
        ["a"],
        ["b"],
        [helper.make_node("Add", ["a", "a"], ["b"])],
        [helper.make_opsetid("", 21)],
    )
    node = helper.make_node("Double", ["x"], ["y"], domain="mine")
    proto = model([node], [("x", FLOAT, [2])], [("y", FLOAT, [2])])
    proto.functions.append(double)
    proto.opset_import.append(helper.make_opsetid("mine", 1))
    outputs = OnnxModel(proto, database).run({"x": np.array([1, 2], np.float32)})
    np.testing.assert_array_equal(outputs["y"], [2, 4])


def refusal(database: Database, x: object, dtype: type = np.float32) -> str:
    proto, _ = perceptron(5, 7, 3)
    inputs = {} if x is None else {"X": np.asarray(x, dtype)}
    with pytest.raises(TensorjoinError) as error:
        OnnxModel(proto, database).run(inputs)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_inputs_that_do_not_fit(database: Database) -> None:
    assert refusal(database, None) == "the input 'X' is missing"
    assert refusal(database, np.zeros((2, 4))) == "the input 'X' is (2, 4), not ?x5"
    assert refusal(database, np.zeros(5)) == "the input 'X' is (5,), not ?x5"
    assert (
        refusal(database, np.zeros((2, 5)), np.float64) == "the input 'X' is float64, not float32"
    )


def test_an_unknown_operator_is_named(database: Database) -> None:
    node = helper.make_node("RandomNormal", [], ["y"], shape=[2])
    with pytest.raises(UnsupportedError, match="the operator RandomNormal has no decomposition"):
        OnnxModel(model([node], [], [("y", FLOAT, [2])]), database).run({})


# External data


def saved(proto: onnx.ModelProto, folder: Path) -> Path:
    """The model with its weights in a file of their own."""
    path = folder / "model.onnx"
    onnx.save(proto, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    return path


def test_external_data(database: Database, tmp_path: Path) -> None:
    proto, weights = perceptron(5, 200, 3)
    loaded = read_onnx(saved(proto, tmp_path))
    x = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)
    outputs = OnnxModel(loaded, database, tmp_path).run({"X": x})
    np.testing.assert_allclose(outputs["probability"], perceive(weights, x)[1], atol=1e-6)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("location", "../weights.bin", "outside of the model's folder"),
        ("location", "/etc/passwd", "outside of the model's folder"),
        ("location", "nowhere.bin", "cannot read"),
        ("offset", "1000000", "ends before the tensor"),
        ("offset", "-4", "ends before the tensor"),
    ],
)
def test_external_data_that_is_refused(
    database: Database, tmp_path: Path, key: str, value: str, message: str
) -> None:
    proto, _ = perceptron(5, 200, 3)
    folder = tmp_path / "model"
    folder.mkdir()
    loaded = onnx.load(saved(proto, folder), load_external_data=False)
    shutil.copy(folder / "weights.bin", tmp_path)
    entries = loaded.graph.initializer[0].external_data
    known = {entry.key: entry for entry in entries}
    (known[key] if key in known else entries.add(key=key)).value = value
    with pytest.raises(TensorjoinError, match=message):
        OnnxModel(loaded, database, folder).run({"X": np.zeros((1, 5), np.float32)})


@pytest.mark.parametrize("type", [np.float64, np.int64, np.int32])
def test_large_weights_that_are_no_float32(database: Database, type: type) -> None:
    """Neither is stored in chunks of float32, in which 20230101 - 20230100 would be 0."""
    weights = np.zeros((300, 131), type)
    weights[:2] = [[1], [-1]]
    x = np.zeros((2, 300), type)
    x[:, :2] = [20230101, 20230100]
    element = helper.np_dtype_to_tensor_dtype(np.dtype(type))
    proto = helper.make_model(
        helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], ["y"])],
            "product",
            [helper.make_tensor_value_info("x", element, x.shape)],
            [helper.make_tensor_value_info("y", element, [2, 131])],
            [onnx.numpy_helper.from_array(weights, "w")],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    np.testing.assert_array_equal(OnnxModel(proto, database).run({"x": x})["y"], x @ weights)


@pytest.mark.parametrize("between", ["none", "tanh", "row", "scalar"])
def test_rotations_of_pairs(database: Database, between: str) -> None:
    """A projection whose pairs are rotated, and what may stand between; heads of 2 x 32."""
    rng = np.random.default_rng(0)
    arrays = {
        "w": rng.normal(size=(384, 384)) / 10,
        "s": rng.normal(size=() if between == "scalar" else (4, 1)),
        "x": rng.normal(size=(4, 384)),
        "r": rng.normal(size=(4, 2, 2, 32)),
    }
    arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
    scaling = {
        "none": [],
        "tanh": [helper.make_node("Tanh", ["y"], ["z"])],
        "row": [helper.make_node("Mul", ["y", "s"], ["z"])],
        "scalar": [helper.make_node("Mul", ["y", "s"], ["z"])],
    }[between]
    nodes = [
        helper.make_node("Gemm", ["x", "w"], ["y"], transB=1),
        *scaling,
        helper.make_node("Split", ["z" if scaling else "y", "sizes"], ["q", "v"], axis=1),
        helper.make_node("Reshape", ["q", "heads"], ["h"]),
        helper.make_node("Einsum", ["h", "r"], ["t"], equation="phrf,psrf->phsf"),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "rotations",
        [value(name, FLOAT, arrays[name].shape) for name in ("x", "r", "s")],
        [value("t", FLOAT, [4, 4, 2, 32]), value("v", FLOAT, [4, 128])],
        [
            onnx.numpy_helper.from_array(arrays["w"], "w"),
            onnx.numpy_helper.from_array(np.array([256, 128]), "sizes"),
            onnx.numpy_helper.from_array(np.array([4, 4, 2, 32]), "heads"),
        ],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    inputs = {name: arrays[name] for name in ("x", "r", "s")}
    y = arrays["x"] @ arrays["w"].T
    z = {"none": y, "tanh": np.tanh(y), "row": y * arrays["s"], "scalar": y * arrays["s"]}[between]
    found = OnnxModel(proto, database).run(inputs)
    rotated = np.einsum("phrf,psrf->phsf", z[:, :256].reshape(4, 4, 2, 32), arrays["r"])
    np.testing.assert_allclose(found["t"], rotated, atol=1e-4)
    np.testing.assert_allclose(found["v"], z[:, 256:], atol=1e-4)
