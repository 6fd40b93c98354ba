"""Tensors whose elements are known when compiling, as the reference interpreter computes them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from xdsl.dialects.builtin import ModuleOp
from xdsl.interpreter import Interpreter
from xdsl.ir import Operation, SSAValue
from xdsl.utils.exceptions import InterpretationError

from tensorjoin.dialects import ten
from tensorjoin.errors import TensorjoinError, UnsupportedError
from tensorjoin.interpreter.foreign import register_foreign
from tensorjoin.interpreter.ten import TenFunctions


class NeedsValueError(TensorjoinError):
    """A shape depends on inputs: their values must be known when compiling."""

    def __init__(self, inputs: frozenset[str]):
        self.inputs = inputs
        names = ", ".join(sorted(inputs))
        super().__init__(f"a shape depends on the values of {names}: compile for given values")


@dataclass
class Evaluation:
    """Runs the ops that a tensor is made by, each once."""

    known: dict[SSAValue, npt.NDArray[Any]] = field(
        default_factory=dict[SSAValue, npt.NDArray[Any]]
    )
    interpreter: Interpreter = field(init=False)

    def __post_init__(self) -> None:
        self.interpreter = Interpreter(ModuleOp([]))
        self.interpreter.register_implementations(TenFunctions({}, {}, {}, {}))
        register_foreign(self.interpreter)

    def __call__(self, value: SSAValue) -> npt.NDArray[Any]:
        """Raises NeedsValueError where the tensor depends on inputs, or is a large weight."""
        if inputs := self.inputs_of(value):
            raise NeedsValueError(frozenset(inputs))
        return np.asarray(self.compute(value))

    def inputs_of(self, value: SSAValue) -> set[str]:
        """The inputs that a tensor depends on."""
        found: set[str] = set()
        seen: set[SSAValue] = set()
        waiting = [value]
        while waiting:
            current = waiting.pop()
            if current in seen or current in self.known:
                continue
            seen.add(current)
            owner = current.owner
            if isinstance(owner, ten.InputOp):
                found.add(owner.table.string_value().partition(".")[2])
            elif isinstance(owner, ten.WeightOp):
                raise UnsupportedError("a shape depends on a weight")
            elif isinstance(owner, Operation):
                waiting += owner.operands
        return found

    def compute(self, value: SSAValue) -> npt.NDArray[Any]:
        waiting = [value]
        while waiting:
            current = waiting[-1]
            owner = current.owner
            if not isinstance(owner, Operation):
                raise UnsupportedError("a shape depends on what a loop computes")
            missing = [operand for operand in owner.operands if operand not in self.known]
            if current in self.known:
                waiting.pop()
            elif missing:
                waiting += missing
            else:
                arguments = tuple(self.known[operand] for operand in owner.operands)
                try:
                    (self.known[current],) = self.interpreter.run_op(owner, arguments)
                except (InterpretationError, ValueError, IndexError, OverflowError) as error:
                    raise TensorjoinError(f"a shape cannot be computed: {error}") from error
                waiting.pop()
        return self.known[value]
