"""Models of scikit-learn and onnxruntime's own operators, on every engine: what onnxruntime says."""

from pathlib import Path

import numpy as np
import pytest

from tensorjoin.backends.database import Database
from tensorjoin.frontends.onnx.model import read_onnx
from tensorjoin.runtime.onnx_model import OnnxModel

FOLDER = Path(__file__).parent / "references" / "onnx"


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.onnx")))
def test_as_onnxruntime(database: Database, name: str):
    with np.load(FOLDER / f"{name}.npz") as stored:
        arrays = dict(stored)
    inputs = {k.removeprefix("input."): x for k, x in arrays.items() if k.startswith("input.")}
    outputs = OnnxModel(read_onnx(FOLDER / f"{name}.onnx"), database).run(inputs)
    for key, found in outputs.items():
        expected = arrays[f"output.{key}"]
        assert found.shape == expected.shape
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
        else:
            np.testing.assert_array_equal(found, expected)
