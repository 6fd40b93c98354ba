"""The cases of ONNX's backend tests, and what becomes of each on a target."""

import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import onnx
from onnx import ModelProto, TensorProto, numpy_helper
from onnx.backend.test.case.test_case import TestCase
from onnx.backend.test.loader import load_model_tests
from onnx.backend.test.runner import BackendIsNotSupposedToImplementIt, Runner

from tensorjoin.errors import TensorjoinError
from tensorjoin.onnx_backend import DatabaseBackend, DuckDBBackend, PostgresBackend, SQLiteBackend

BACKENDS: dict[str, type[DatabaseBackend]] = {
    "sqlite": SQLiteBackend,
    "duckdb": DuckDBBackend,
    "postgres": PostgresBackend,
}
KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")
SECONDS = 120
"""After which a case is given up."""
TOO_SLOW = "too slow"

NUMBERS = {
    getattr(TensorProto, name)
    for name in (
        *("FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16", "BOOL"),
        *("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"),
    )
}


@dataclass(frozen=True)
class Outcome:
    """What became of a case: `passes`, `refused`, or else `wrong`, `error` or `too slow`."""

    kind: str
    reason: str = ""


def cases() -> list[tuple[str, TestCase]]:
    """All cases but those whose weights would have to be fetched, each with its kind."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [(kind, case) for kind in KINDS for case in load_model_tests(kind=kind)]


def model_of(case: TestCase) -> ModelProto:
    if case.model is not None:
        return case.model
    assert case.model_dir is not None
    return onnx.load(Path(case.model_dir) / "model.onnx")


def data_sets(case: TestCase) -> Iterator[tuple[list[Any], list[Any]]]:
    """The inputs and the expected outputs of each run."""
    if case.data_sets is not None:
        for inputs, outputs in case.data_sets:
            yield [array(value) for value in inputs], [array(value) for value in outputs]
        return
    assert case.model_dir is not None
    for folder in sorted(Path(case.model_dir).glob("test_data_set_*")):
        yield stored(folder, "input"), stored(folder, "output")


def stored(folder: Path, kind: str) -> list[Any]:
    count = len(list(folder.glob(f"{kind}_*.pb")))
    tensors = [TensorProto() for _ in range(count)]
    for number, tensor in enumerate(tensors):
        tensor.ParseFromString((folder / f"{kind}_{number}.pb").read_bytes())
    return [numpy_helper.to_array(tensor) for tensor in tensors]


def array(value: Any) -> Any:
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else value


def scope(model: ModelProto) -> str | None:
    """Why a model is none for a database of numbers; None if it is one."""
    if any("training" in entry.domain for entry in model.opset_import):
        return "training"
    if any(node.op_type == "ImageDecoder" for node in model.graph.node):
        return "image decoding"
    for value in (*model.graph.input, *model.graph.output):
        kind = value.type.WhichOneof("value")
        if kind != "tensor_type":
            return f"{str(kind).removesuffix('_type')} values"
        element = value.type.tensor_type.elem_type
        if element == TensorProto.STRING:
            return "strings"
        if element not in NUMBERS:
            return "numbers of 8 bits or less that are not integers of 8 bits"
    return None


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    def stop(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


def outcome(case: TestCase, target: str) -> Outcome:
    """Run one case, as `onnx.backend.test` does, with the suite's own tolerances."""
    try:
        with time_limit(SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            prepared = BACKENDS[target].prepare(model_of(case))
            try:
                for inputs, expected in data_sets(case):
                    outputs = prepared.run(inputs)
                    Runner.assert_similar_outputs(expected, outputs, case.rtol, case.atol)
            finally:
                prepared.model.database.close()
    except BackendIsNotSupposedToImplementIt as error:
        return Outcome("refused", str(error))
    except AssertionError as error:
        return Outcome("wrong", " ".join(str(error).split())[:200])
    except KeyboardInterrupt:
        return Outcome(TOO_SLOW, f"more than {SECONDS} s")
    except TensorjoinError as error:
        return Outcome("error", str(error))
    except Exception as error:
        return Outcome("error", f"{type(error).__name__}: {error}"[:200])
    return Outcome("passes")
