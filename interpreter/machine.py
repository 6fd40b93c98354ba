"""Executes a module of `nn`, `ten` or `rel` with numpy: the oracle by which passes are checked."""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt
from xdsl.dialects.builtin import ModuleOp
from xdsl.interpreter import Interpreter
from xdsl.interpreters.arith import ArithFunctions
from xdsl.interpreters.func import FuncFunctions
from xdsl.interpreters.scf import ScfFunctions

from tensorjoin.interface import Procedure
from tensorjoin.interpreter.expressions import Parameters
from tensorjoin.interpreter.foreign import register_foreign
from tensorjoin.interpreter.nn import NnFunctions
from tensorjoin.interpreter.rel import RelFunctions
from tensorjoin.interpreter.scalars import widened
from tensorjoin.interpreter.ten import TenFunctions


@dataclass(frozen=True)
class Results:
    """What a function returns, and what it has written: arrays, or relations where it is `rel`."""

    returned: tuple[Any, ...]
    outputs: Mapping[str, Any]


@dataclass(frozen=True)
class Machine:
    """What a module finds when it runs; `state` is kept, and changed, from run to run."""

    weights: Mapping[str, npt.ArrayLike] = field(default_factory=dict[str, npt.ArrayLike])
    inputs: Mapping[str, Mapping[str, npt.ArrayLike]] = field(
        default_factory=dict[str, Mapping[str, npt.ArrayLike]]
    )
    parameters: Parameters = field(default_factory=dict[str, int | float])
    state: MutableMapping[str, Any] = field(default_factory=dict[str, Any])

    def run(
        self,
        module: ModuleOp,
        function: str = Procedure.FORWARD,
        arguments: Sequence[npt.ArrayLike] = (),
    ) -> Results:
        outputs: dict[str, Any] = {}
        interpreter = Interpreter(module)
        for functions in (
            ArithFunctions(),
            FuncFunctions(),
            ScfFunctions(),
            NnFunctions(self.weights, self.state),
            TenFunctions(self.weights, self.inputs, self.state, outputs),
            RelFunctions(self.weights, self.inputs, self.state, outputs, self.parameters),
        ):
            interpreter.register_implementations(functions)
        register_foreign(interpreter)
        values = tuple(widened(argument) for argument in arguments)
        return Results(interpreter.call_op(function, values), outputs)
