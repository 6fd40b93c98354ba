"""
Modules of any level, executed by the reference interpreter: before a pass, and after it.

    from tensorjoin.testing.modules import assert_same_meaning

    def test_my_pass():
        assert_same_meaning(TEXT, MyPass())
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, TensorType, i1
from xdsl.ir import Attribute, Dialect
from xdsl.parser import Parser
from xdsl.passes import ModulePass
from xdsl.universe import Universe
from xdsl.utils.hints import isa

from tensorjoin.backend import Target
from tensorjoin.dialects import nn, ten
from tensorjoin.driver import compile_module
from tensorjoin.interpreter.machine import Machine, Results
from tensorjoin.interpreter.relations import Relation, tensor_of_table
from tensorjoin.stages import Stage

Array = npt.NDArray[Any]
Tables = Mapping[str, Mapping[str, npt.ArrayLike]]
"""By name, the columns of each table."""


@cache
def known_dialects() -> Mapping[str, Callable[[], Dialect]]:
    return Universe.get_multiverse().all_dialects


def context() -> Context:
    """A context that knows every dialect of xDSL, of this project and of installed packages."""
    ctx = Context()
    for name, load in known_dialects().items():
        ctx.register_dialect(name, load)
    return ctx


def parse(text: str) -> ModuleOp:
    """The verified module of `text`."""
    module = Parser(context(), text).parse_module()
    module.verify()
    return module


def applied(module: ModuleOp | str, *passes: ModulePass) -> ModuleOp:
    """A copy of the module after the passes, verified after each."""
    module = parse(module) if isinstance(module, str) else module.clone()
    for each in passes:
        each.apply(context(), module)
        module.verify()
    return module


def lowered(module: ModuleOp | str, target: Target, *stages: Stage) -> ModuleOp:
    """A copy of the module after the stages, for a target."""
    module = parse(module) if isinstance(module, str) else module.clone()
    compile_module(module, target, stages)
    return module


def function_of(module: ModuleOp) -> func.FuncOp:
    """The first function of a module."""
    return next(op for op in module.ops if isinstance(op, func.FuncOp))


def random_tensor(type: Attribute, generator: np.random.Generator, rows: int = 3) -> Array:
    """A tensor with `rows` where the extent is unknown; absent elements where it is sparse."""
    assert isa(type, TensorType)
    shape = [rows if extent < 0 else extent for extent in type.get_shape()]
    element = type.get_element_type()
    data: Array = generator.standard_normal(shape)
    if element == i1:
        data = data > 0
    elif "i" in str(element):
        data = generator.integers(0, rows, shape)
    if not ten.is_sparse(type):
        return data
    # The diagonal is there, so that no row and no column is empty.
    absent = (generator.random(shape) < 0.4) & (np.ptp(np.indices(shape), axis=0) > 0)
    return np.ma.array(data | ~absent if element == i1 else data, mask=absent)


def random_weights(module: ModuleOp, generator: np.random.Generator) -> dict[str, Array]:
    """A tensor for each weight that the module reads."""
    weights: dict[str, Array] = {}
    for op in module.walk():
        if isinstance(op, nn.WeightOp | ten.WeightOp):
            symbol = op.symbol.string_value()
            names = (
                [source.data for source in op.sources] if isinstance(op, ten.WeightOp) else [symbol]
            )
            height, *rest = ten.tensor(op.result).get_shape()
            if isinstance(op, nn.WeightOp) and op.transform is not None:
                transform = op.transform.transform
                names, (height, *rest) = [transform.tensor], transform.stored_shape((height, *rest))
            for layer in range(op.layers.value.data if op.layers else 1):
                for name in names:
                    shape = [height // len(names), *rest]
                    weights.setdefault(
                        name.replace("{}", str(layer)), generator.standard_normal(shape)
                    )
    return weights


def run(
    module: ModuleOp | str,
    *arguments: npt.ArrayLike,
    weights: Mapping[str, npt.ArrayLike] | None = None,
    inputs: Tables | None = None,
    state: dict[str, Any] | None = None,
    parameters: Mapping[str, int | float] | None = None,
) -> Results:
    """
    Run the first function of a module. Where its arguments have become tables, they are given as
    such: @arg0, @arg1, ...
    """
    module = parse(module) if isinstance(module, str) else module
    function = function_of(module)
    tables = dict(inputs or {})
    if arguments and not function.function_type.inputs:
        tables |= {f"arg{n}": {"v": argument} for n, argument in enumerate(arguments)}
        arguments = ()
    machine = Machine(weights or {}, tables, parameters or {}, {} if state is None else state)
    return machine.run(module, function.sym_name.data, arguments)


def evaluate(module: ModuleOp | str, *arguments: npt.ArrayLike, **tables: Any) -> Any:
    """The one value that the first function of a module returns."""
    (value,) = run(module, *arguments, **tables).returned
    return value


def assert_same(before: Array | Relation, after: Array | Relation) -> None:
    """Two tensors have the same elements; a table has the element in its last column."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        assert_same_rows(before, after)
        return
    if isinstance(before, Mapping):
        before, after = after, before
    assert not isinstance(before, Mapping)
    if isinstance(after, Mapping):
        *keys, value = after
        after = tensor_of_table(after, keys, value, before.shape)
    assert before.shape == after.shape
    absent = np.ma.getmaskarray(before)
    np.testing.assert_array_equal(absent, np.ma.getmaskarray(after))
    np.testing.assert_allclose(
        np.ma.getdata(after)[~absent], np.ma.getdata(before)[~absent], rtol=1e-6, atol=1e-6
    )


def assert_same_rows(before: Mapping[str, Array], after: Mapping[str, Array]) -> None:
    """Two relations have the same rows, in whatever order; the columns in order are the key."""
    assert list(before) == list(after)
    first, second = (
        [columns[name][np.lexsort(list(columns.values())[::-1])] for name in columns]
        for columns in (before, after)
    )
    for left, right in zip(first, second, strict=True):
        np.testing.assert_allclose(right, left, rtol=1e-6, atol=1e-6)


def assert_same_meaning(
    module: ModuleOp | str,
    *passes: ModulePass,
    arguments: Sequence[npt.ArrayLike] | None = None,
    weights: Mapping[str, npt.ArrayLike] | None = None,
    inputs: Tables | None = None,
    state: Mapping[str, Any] | None = None,
    rows: int = 3,
    seed: int = 0,
) -> ModuleOp:
    """
    Run a module before and after the passes and compare what it returns, outputs and keeps.

    Arguments and weights that are not given are random. Returns the module after the passes.
    """
    before = parse(module) if isinstance(module, str) else module
    after = applied(before, *passes)
    generator = np.random.default_rng(seed)
    if arguments is None:
        types = function_of(before).function_type.inputs
        arguments = [random_tensor(type, generator, rows) for type in types]
    weights = {**random_weights(before, generator), **(weights or {})}
    states = [dict(deepcopy(state or {})) for _ in range(2)]
    first, second = (
        run(m, *arguments, weights=weights, inputs=inputs, state=s)
        for m, s in zip((before, after), states, strict=True)
    )
    written = (
        [second.outputs[f"result{n}"] for n in range(len(first.returned))]
        if (first.returned and not second.returned)
        else second.returned
    )
    for left, right in zip(first.returned, written, strict=True):
        assert_same(left, right)
    for name, output in first.outputs.items():
        assert_same(output, second.outputs[name])
    if set(states[0]) == set(states[1]):
        for name, kept in states[0].items():
            assert_same(kept, states[1][name])
    return after
