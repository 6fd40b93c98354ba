"""
The interface of `onnx.backend`: a class for each installed engine, called after it.

`onnx.backend.test.BackendTest(CLASS)` runs ONNX's own tests. A model that has no relational
form raises `BackendIsNotSupposedToImplementIt` with its reason.
"""

import os
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import onnx
from onnx import ModelProto, NodeProto, checker, helper
from onnx.backend.base import Backend, BackendRep, namedtupledict
from onnx.backend.test.runner import BackendIsNotSupposedToImplementIt

from tensorjoin.backend import MEMORY, backends
from tensorjoin.backend import Backend as EngineBackend
from tensorjoin.backends.connect import connect
from tensorjoin.errors import TensorjoinError, UnsupportedError
from tensorjoin.runtime.onnx_model import OnnxModel

Inputs = npt.ArrayLike | Sequence[npt.ArrayLike] | Mapping[str, npt.ArrayLike]


class Representation(BackendRep):
    """A model on a connection of its own, which is closed with it."""

    def __init__(self, model: OnnxModel):
        self.model = model
        weakref.finalize(self, model.database.close)

    def run(self, inputs: Inputs, **kwargs: Any) -> tuple[Any, ...]:
        """The outputs for inputs given in order or by name."""
        names = [port.name for port in self.model.inputs]
        if isinstance(inputs, Mapping):
            given = {name: np.asarray(value) for name, value in inputs.items()}
        else:
            values = inputs if isinstance(inputs, Sequence) else [inputs]
            given = {n: np.asarray(v) for n, v in zip(names, values, strict=True)}
        try:
            outputs = self.model.run(given)
        except UnsupportedError as error:
            raise BackendIsNotSupposedToImplementIt(str(error)) from error
        return namedtupledict("Outputs", list(outputs))(*outputs.values())


class DatabaseBackend(Backend):
    """Models in a database in memory, or in temporary tables of a server's."""

    backend: ClassVar[EngineBackend]

    @classmethod
    def database_url(cls) -> str:
        """In memory, or on the server that the environment names: TENSORJOIN_NAME_URL."""
        if cls.backend.place != "server":
            return f"{cls.backend.schemes[0]}:///{MEMORY}"
        variable = f"TENSORJOIN_{cls.backend.name.upper()}_URL"
        if not (url := os.environ.get(variable)):
            raise TensorjoinError(f"no server of {cls.backend.label}: name one by {variable}")
        return url

    @classmethod
    def prepare(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> Representation:
        """
        Compile a model, as far as the shapes of its inputs are known, on a connection of its own.

        `folder` is where external data may lie.
        """
        folder = kwargs.get("folder")
        database = connect(cls.database_url(), create=True)
        try:
            checker.check_model(model)  # pyright: ignore[reportUnknownMemberType]
            prepared = OnnxModel(model, database, None if folder is None else Path(folder))
            prepared.compile_known_shapes()
        except UnsupportedError as error:
            database.close()
            raise BackendIsNotSupposedToImplementIt(str(error)) from error
        except BaseException:
            database.close()
            raise
        return Representation(prepared)

    @classmethod
    def run_model(
        cls, model: ModelProto, inputs: Inputs, device: str = "CPU", **kwargs: Any
    ) -> tuple[Any, ...]:
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def run_node(
        cls,
        node: NodeProto,
        inputs: Sequence[npt.ArrayLike],
        device: str = "CPU",
        outputs_info: Sequence[tuple[np.dtype[Any], tuple[int, ...]]] | None = None,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """The outputs of one node; `opset_version` says by which opset it is read."""
        arrays = [np.asarray(value) for value in inputs]
        names = [name for name in node.input if name]
        given = [value_info(n, a.dtype, a.shape) for n, a in zip(names, arrays, strict=True)]
        if outputs_info is None:
            returned = [helper.make_empty_tensor_value_info(name) for name in node.output]
        else:
            returned = [
                value_info(n, d, s) for n, (d, s) in zip(node.output, outputs_info, strict=True)
            ]
        graph = helper.make_graph([node], "node", given, returned)
        version = kwargs.get("opset_version", onnx.defs.onnx_opset_version())
        opsets = [helper.make_opsetid(node.domain, version)]
        model = helper.make_model(graph, opset_imports=opsets)
        return cls.run_model(onnx.shape_inference.infer_shapes(model), arrays, device)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device == "CPU"


def value_info(name: str, dtype: np.dtype[Any], shape: Sequence[int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(dtype), shape)


def _classes() -> dict[str, type[DatabaseBackend]]:
    """The class of each installed backend: of the label X, XBackend."""
    return {
        f"{each.label}Backend": type(
            f"{each.label}Backend",
            (DatabaseBackend,),
            {"__doc__": f"Models in {each.label}.", "backend": each, "__module__": __name__},
        )
        for each in backends().values()
    }


_CLASSES = _classes()
__all__ = list(_CLASSES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> type[DatabaseBackend]:
    if name in _CLASSES:
        return _CLASSES[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
