"""
ONNX models in onnx/, each with inputs and what onnxruntime computes of them.

Run as a program, it runs the stored models again and compares.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnx import ModelProto, load

FOLDER = Path(__file__).resolve().parent / "onnx"
TOLERANCE = 1e-5


def write(name: str, model: ModelProto, inputs: dict[str, np.ndarray]) -> None:
    path = FOLDER / f"{name}.onnx"
    path.write_bytes(model.SerializeToString())
    arrays = {f"input.{key}": array for key, array in inputs.items()}
    arrays |= {f"output.{key}": array for key, array in run(model, inputs).items()}
    np.savez_compressed(path.with_suffix(".npz"), **arrays)
    print(f"{name}: {path.stat().st_size} + {path.with_suffix('.npz').stat().st_size} bytes")


def check() -> int:
    failures = 0
    for path in sorted(FOLDER.glob("*.onnx")):
        with np.load(path.with_suffix(".npz")) as stored:
            arrays = dict(stored)
        inputs = {
            key.removeprefix("input."): array
            for key, array in arrays.items()
            if key.startswith("input.")
        }
        same = all(
            np.allclose(array, arrays[f"output.{key}"], TOLERANCE, TOLERANCE, equal_nan=True)
            for key, array in run(load(path), inputs).items()
        )
        failures += not same
        print(f"{path.stem}: {'ok' if same else 'differs'}")
    return 1 if failures else 0


def run(model: ModelProto, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, map(array_of, session.run(None, inputs)), strict=True))


def array_of(output: Any) -> np.ndarray:
    """An output as an array; a map from classes has its values in the order of the classes."""
    if isinstance(output, list):
        return np.array([[row[key] for key in sorted(row)] for row in output], np.float32)
    return np.asarray(output)


if __name__ == "__main__":
    sys.exit(check())
