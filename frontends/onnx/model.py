"""An ONNX file, checked, its functions expanded and its shapes known."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError
from onnx import ModelProto, ValueInfoProto, checker
from onnx.inliner import inline_local_functions
from xdsl.dialects.builtin import ModuleOp, f32
from xdsl.ir import Attribute

from tensorjoin.dialects.onnx.elements import element_type
from tensorjoin.errors import TensorjoinError, UnsupportedError, one_line
from tensorjoin.frontends.onnx.functions import expanded
from tensorjoin.frontends.onnx.graph import import_graph
from tensorjoin.frontends.onnx.schemas import declare
from tensorjoin.frontends.onnx.tensors import TensorFile
from tensorjoin.frontends.onnx.types import maps_classes


@dataclass(frozen=True)
class Port:
    """An input or output: its name, element type, and shape with None for what is not known."""

    name: str
    element: Attribute
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class ImportedModel:
    """A module of `onnx`, and what fills its weights, by symbol."""

    module: ModuleOp
    tensors: TensorFile


def read_onnx(path: Path) -> ModelProto:
    """Raises TensorjoinError where the file is missing or no valid ONNX model."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TensorjoinError(f"cannot read {path}: {error.strerror}") from error
    # The checker looks for external data beside the file.
    return parsed(data, str(path), str(path))


def parse_onnx(data: bytes, name: str) -> ModelProto:
    """Raises TensorjoinError, with the name, where the data is no valid ONNX model."""
    return parsed(data, name, None)


def parsed(data: bytes, name: str, path: str | None) -> ModelProto:
    model = ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise TensorjoinError(f"{name} is not an ONNX model") from error
    if not model.HasField("graph") or not model.opset_import:
        raise TensorjoinError(f"{name} is not an ONNX model")
    check(model if path is None else path, name)
    return model


def check(model: ModelProto | str, name: str) -> None:
    """Raises TensorjoinError where a model breaks the rules of ONNX."""
    declare()
    try:
        checker.check_model(model)  # pyright: ignore[reportUnknownMemberType]
    except Exception as error:  # The C++ library's errors have no type of their own.
        raise TensorjoinError(f"{name} is not valid: {one_line(error)}") from error


def port(value: ValueInfoProto) -> Port:
    kind = value.type.WhichOneof("value")
    if maps_classes(value.type):
        return Port(value.name, f32, None)
    if kind != "tensor_type":
        what = "nothing" if kind is None else kind.removesuffix("_type")
        raise UnsupportedError(f"{value.name!r} is no tensor: no relation holds a {what}")
    type = value.type.tensor_type
    shape = None
    if type.HasField("shape"):
        shape = tuple(d.dim_value if d.HasField("dim_value") else None for d in type.shape.dim)
    return Port(value.name, element_type(type.elem_type), shape)


def inputs_of(model: ModelProto) -> list[Port]:
    """The inputs that the caller gives: an initializer is none."""
    known = {tensor.name for tensor in model.graph.initializer}
    return [port(value) for value in model.graph.input if value.name not in known]


def outputs_of(model: ModelProto) -> list[Port]:
    return [port(value) for value in model.graph.output]


def import_onnx(
    model: ModelProto,
    operators: Collection[tuple[str, str]],
    shapes: Mapping[str, Sequence[int]],
    values: Mapping[str, npt.NDArray[Any]],
    folder: Path | None = None,
) -> ImportedModel:
    """
    A model as a module of `onnx`, for inputs of the given shapes; the inputs in `values` are
    constants. Functions are expanded, but for those in `operators`.

    Raises TensorjoinError where the model is not valid, UnsupportedError for what it cannot hold.
    """
    specialised = ModelProto()
    specialised.CopyFrom(model)
    for value in specialised.graph.input:
        if value.name in shapes:
            set_shape(value, shapes[value.name])
    if specialised.functions:
        specialised = inlined(specialised)
    specialised = expanded(specialised, operators)
    tensors = TensorFile(folder)
    known = {name: np.asarray(value) for name, value in values.items()}
    return ImportedModel(import_graph(specialised, tensors, known), tensors)


def inlined(model: ModelProto) -> ModelProto:
    """A copy of a model whose own functions are expanded."""
    try:
        return inline_local_functions(model, convert_version=True)
    except Exception as error:  # The C++ library's errors have no type of their own.
        raise TensorjoinError(f"the model is not valid: {one_line(error)}") from error


def set_shape(value: ValueInfoProto, shape: Sequence[int]) -> None:
    type = value.type.tensor_type
    del type.shape.dim[:]
    type.shape.SetInParent()
    for extent in shape:
        type.shape.dim.add().dim_value = extent
