"""An ONNX model run by an engine: compiled for the shapes of its inputs when they are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto
from sqlglot import exp
from xdsl.dialects.builtin import i1

from tensorjoin.backends.database import Database
from tensorjoin.backends.interrupts import held
from tensorjoin.backends.spelling import identifier
from tensorjoin.dialects.onnx.elements import numpy_type
from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.onnx.model import Port, inputs_of, outputs_of
from tensorjoin.interface import Procedure
from tensorjoin.onnx_program import Arrays, OnnxProgram, compile_onnx, short_name
from tensorjoin.passes.onnx.decompose_onnx import INPUT, OUTPUT
from tensorjoin.passes.onnx.evaluation import NeedsValueError
from tensorjoin.program import Table
from tensorjoin.runtime.executor import Executor
from tensorjoin.runtime.weights import load_weight


@dataclass
class OnnxModel:
    """
    A model on a connection; all its tables are temporary.

    It is compiled when it is first run, and again for other shapes of its inputs.
    """

    model: ModelProto
    database: Database
    folder: Path | None = None
    inputs: Sequence[Port] = field(init=False)
    outputs: Sequence[Port] = field(init=False)
    compiled: OnnxProgram | None = field(default=None, init=False)
    compiled_for: Mapping[str, Any] = field(default_factory=dict[str, Any], init=False)

    def __post_init__(self) -> None:
        self.inputs = inputs_of(self.model)
        self.outputs = outputs_of(self.model)

    def run(self, inputs: Arrays) -> dict[str, npt.NDArray[Any]]:
        """
        The outputs for these inputs, by name.

        Raises TensorjoinError where an input is missing, of another type, or does not fit.
        """
        arrays = {port.name: self.checked(port, inputs) for port in self.inputs}
        program = self.prepare(arrays)
        tables = {table.name: table for table in program.program.tables}
        with self.database.transaction(writes=False):
            for table in tables.values():
                if table.kind != "weight":
                    self.database.empty_table(table.name)
            for name, array in arrays.items():
                if (table := tables.get(self.table_name(f"{INPUT}{name}"))) is not None:
                    self.fill(table, array)
            Executor(self.database, program.program.procedures).run(Procedure.FORWARD)
            return {
                port.name: self.read(tables[self.table_name(f"{OUTPUT}{port.name}")], port)
                for port in self.outputs
            }

    def table_name(self, symbol: str) -> str:
        """The name of a table in the program's statements."""
        return self.database.target.temporary_name(short_name(symbol))

    def checked(self, port: Port, inputs: Arrays) -> npt.NDArray[Any]:
        if port.name not in inputs:
            raise TensorjoinError(f"the input {port.name!r} is missing")
        array = np.asarray(inputs[port.name])
        wanted = numpy_type(port.element)
        if array.dtype != wanted:
            raise TensorjoinError(f"the input {port.name!r} is {array.dtype}, not {wanted}")
        if port.shape is not None and (
            len(port.shape) != array.ndim
            or any(n is not None and n != m for n, m in zip(port.shape, array.shape, strict=True))
        ):
            shape = "x".join("?" if n is None else str(n) for n in port.shape)
            raise TensorjoinError(f"the input {port.name!r} is {array.shape}, not {shape}")
        return array

    def prepare(self, arrays: Arrays) -> OnnxProgram:
        """The program for arrays of these shapes, its tables created and its weights loaded."""
        if self.compiled is not None:
            if self.key(self.compiled, arrays) == self.compiled_for:
                return self.compiled
            with held():
                self.drop(self.compiled)
                self.compiled = None
        shapes = {name: array.shape for name, array in arrays.items()}
        compiled = compile_onnx(self.model, self.database.target, shapes, arrays, self.folder)
        self.install(compiled)
        self.compiled_for = self.key(compiled, arrays)
        return compiled

    def compile_known_shapes(self) -> None:
        """Compile before the first run, unless a shape or a value is missing for that."""
        shapes = {port.name: port.shape for port in self.inputs}
        known = {
            name: [n for n in shape if n is not None]
            for name, shape in shapes.items()
            if shape is not None
        }
        if any(shape is None or None in shape for shape in shapes.values()):
            return
        try:
            compiled = compile_onnx(self.model, self.database.target, known, {}, self.folder)
        except NeedsValueError:
            return
        self.install(compiled)
        self.compiled_for = {name: tuple(shape) for name, shape in known.items()}

    def install(self, compiled: OnnxProgram) -> None:
        """Create a program's tables and load its weights."""
        # Its tables and it, or neither.
        with held():
            with self.database.transaction(writes=False):
                for table in compiled.program.tables:
                    self.database.execute(table.create)
                    if table.kind == "weight":
                        load_weight(
                            self.database, compiled.tensors, table, lambda _: None, allows_nan=True
                        )
            self.compiled = compiled

    @staticmethod
    def key(compiled: OnnxProgram, arrays: Arrays) -> Mapping[str, Any]:
        """What a program was compiled for: the shape of an input, or its value."""
        return {
            name: array.tobytes() if name in compiled.constants else array.shape
            for name, array in arrays.items()
        }

    def drop(self, compiled: OnnxProgram) -> None:
        with self.database.transaction(writes=False):
            for table in compiled.program.tables:
                self.database.drop_table(table.name)

    def fill(self, table: Table, array: npt.NDArray[Any]) -> None:
        indices = np.indices(array.shape).reshape(array.ndim, -1) if array.ndim else ()
        keys = {name: np.asarray(index) for name, index in zip(table.keys, indices, strict=True)}
        wide = np.int64 if array.dtype.kind in "biu" else np.float64
        self.database.insert(table.name, {**keys, table.values[0]: array.astype(wide).reshape(-1)})

    def read(self, table: Table, port: Port) -> npt.NDArray[Any]:
        names = [*table.keys, table.values[0]]
        columns = [exp.Column(this=identifier(name)) for name in names]
        tree = exp.select(*columns).from_(exp.Table(this=identifier(table.name)))
        rows = self.database.query(self.database.statement(tree))
        shape = tuple(table.keys.values())
        if len(rows) != int(np.prod(shape)):
            raise TensorjoinError(f"the output {port.name!r} has {len(rows)} rows for {shape}")
        dtype = numpy_type(port.element)
        exact = np.int64 if dtype.kind in "biu" else np.float64
        result = np.zeros(shape, exact)
        if rows:
            *keys, values = zip(*rows, strict=True)
            numbers = np.array([np.nan if v is None else v for v in values])
            index = tuple(np.array(key, dtype=np.int64) for key in keys)
            result[index] = numbers.astype(exact) if index else numbers.astype(exact)[0]
        with np.errstate(over="ignore"):
            return result.astype(np.bool_ if port.element == i1 else dtype)
