"""The tensors of an ONNX file, by slices; external data is read from the model's folder only."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, numpy_helper
from onnx.helper import tensor_dtype_to_np_dtype

from tensorjoin.errors import TensorjoinError


@dataclass(frozen=True)
class Entry:
    """What is known of a tensor before its elements are read."""

    shape: tuple[int, ...]


@dataclass
class TensorFile:
    """Tensors by name; `folder` is where their external data may lie."""

    folder: Path | None = None
    protos: dict[str, TensorProto] = field(default_factory=dict[str, TensorProto])
    arrays: dict[str, npt.NDArray[Any]] = field(default_factory=dict[str, npt.NDArray[Any]])

    def add(self, name: str, tensor: TensorProto) -> None:
        self.protos[name] = tensor
        self.arrays.pop(name, None)

    @property
    def entries(self) -> dict[str, Entry]:
        return {name: Entry(tuple(proto.dims)) for name, proto in self.protos.items()}

    def read(self, name: str) -> npt.NDArray[Any]:
        """The whole tensor. Raises TensorjoinError where its data is missing or cut short."""
        if name not in self.arrays:
            self.arrays[name] = self._array(name)
        return self.arrays[name]

    def read_rows(self, name: str, start: int, end: int) -> npt.NDArray[Any]:
        """Some rows, floats as float32 or float64, integers as int64."""
        rows = self.read(name)[start:end]
        if rows.dtype.kind in "biu":
            return rows.astype(np.int64)
        return rows if rows.dtype.name in ("float32", "float64") else rows.astype(np.float32)

    def _array(self, name: str) -> npt.NDArray[Any]:
        proto = self.protos[name]
        try:
            if proto.data_location == TensorProto.EXTERNAL:
                return self._external(name, proto)
            return numpy_helper.to_array(proto)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise TensorjoinError(f"the tensor {name!r} cannot be read: {error}") from error

    def _external(self, name: str, proto: TensorProto) -> npt.NDArray[Any]:
        facts = {entry.key: entry.value for entry in proto.external_data}
        if self.folder is None or "location" not in facts:
            raise TensorjoinError(f"the tensor {name!r} is in another file, which is not named")
        folder = self.folder.resolve()
        path = (folder / facts["location"]).resolve()
        if not path.is_relative_to(folder):
            raise TensorjoinError(
                f"the tensor {name!r} is at {facts['location']!r}, outside of the model's folder"
            )
        dtype = np.dtype(tensor_dtype_to_np_dtype(proto.data_type))
        offset, shape = int(facts.get("offset", 0)), tuple(proto.dims)
        size = int(np.prod(shape)) * dtype.itemsize
        try:
            length = path.stat().st_size
        except OSError as error:
            raise TensorjoinError(f"cannot read {path}: {error.strerror}") from error
        if offset < 0 or offset + size > length or int(facts.get("length", size)) != size:
            raise TensorjoinError(f"{path} ends before the tensor {name!r} does")
        if size == 0:
            return np.zeros(shape, dtype)
        return np.memmap(path, dtype, "r", offset, shape)
