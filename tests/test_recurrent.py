"""RNN, GRU and LSTM on real engines against the standard's equations, one sequence at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from models.onnx_models import FLOAT, model
from onnx import TensorProto, helper

from tensorjoin.backends.database import Database
from tensorjoin.errors import UnsupportedError
from tensorjoin.runtime.onnx_model import OnnxModel

Array = npt.NDArray[Any]
Function = Callable[[Array], Array]

MOMENTS, BATCH, INPUTS, SIZE = 3, 2, 2, 3
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


DEFAULTS: dict[str, Sequence[Function]] = {
    "RNN": (np.tanh,),
    "GRU": (sigmoid, np.tanh),
    "LSTM": (sigmoid, np.tanh, np.tanh),
}


@dataclass
class Cell:
    """One direction of a layer: its weights, its functions, and how it departs from the usual."""

    w: Array
    r: Array
    b: Array
    p: Array
    functions: Sequence[Function]
    resets_product: bool = False
    is_coupled: bool = False

    def step(self, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        """The states after a step."""
        f, *others = self.functions
        of_input, of_state = np.split(self.b, 2)
        ahead, product = self.w @ x + of_input, self.r @ h + of_state
        if len(self.w) == SIZE:
            return f(ahead + product), c
        if len(self.w) == 3 * SIZE:
            z, r, a = np.split(ahead, 3)
            zh, rh, ah = np.split(product, 3)
            z, r = f(z + zh), f(r + rh)
            if not self.resets_product:
                ah = self.r[2 * SIZE :] @ (r * h) + of_state[2 * SIZE :]
            candidate = others[0](a + (r * ah if self.resets_product else ah))
            return (1 - z) * candidate + z * h, c
        i, o, k, a = np.split(ahead + product, 4)
        pi, po, pf = np.split(self.p, 3)
        i = f(i + pi * c)
        k = 1 - i if self.is_coupled else f(k + pf * c)
        c = k * c + i * others[0](a)
        return f(o + po * c) * others[1](c), c


def clipped(function: Function, limit: float) -> Function:
    return lambda x: function(np.clip(x, -limit, limit))


def check(
    database: Database,
    op_type: str,
    functions: Sequence[Sequence[Function]] = (),
    lengths: Sequence[int] | None = None,
    has_states: bool = True,
    **attributes: Any,
) -> None:
    """Compare a layer with its cells; `functions` are those of each direction."""
    direction = attributes.get("direction", "forward")
    ways = 2 if direction == "bidirectional" else 1
    is_batch_first = bool(attributes.get("layout", 0))
    chance, gates = np.random.default_rng(0), GATES[op_type]

    def array(*shape: int) -> Array:
        return chance.standard_normal(shape).astype(np.float32)

    weights = {
        "w": array(ways, gates * SIZE, INPUTS),
        "r": array(ways, gates * SIZE, SIZE),
        "b": array(ways, 2 * gates * SIZE),
        "p": array(ways, 3 * SIZE),
    }
    cells = [
        Cell(
            *(weights[name][way] for name in "wrbp"),
            (functions or [DEFAULTS[op_type]] * ways)[way],
            bool(attributes.get("linear_before_reset", 0)),
            bool(attributes.get("input_forget", 0)),
        )
        for way in range(ways)
    ]
    x, h, c = (array(MOMENTS, BATCH, INPUTS), *(array(ways, BATCH, SIZE) for _ in "hc"))
    if not has_states:
        h, c = np.zeros_like(h), np.zeros_like(c)
    y, last_h, last_c = np.zeros((MOMENTS, ways, BATCH, SIZE)), np.zeros_like(h), np.zeros_like(c)
    for way, cell in enumerate(cells):
        for entry in range(BATCH):
            moments = list(range(MOMENTS if lengths is None else lengths[entry]))
            state, inner = h[way, entry], c[way, entry]
            for moment in moments[::-1] if way == 1 or direction == "reverse" else moments:
                state, inner = cell.step(x[moment, entry], state, inner)
                y[moment, way, entry] = state
            last_h[way, entry], last_c[way, entry] = state, inner

    def placed(state: Array) -> Array:
        return state.transpose(1, 0, 2) if is_batch_first else state

    inputs = {"x": placed(x), "h": placed(h), "c": placed(c)}
    expected = {
        "y": y.transpose(2, 0, 1, 3) if is_batch_first else y,
        "last_h": placed(last_h),
        "last_c": placed(last_c),
    }
    operands = ["x", "w", "r", "b", "n" if lengths else "", "h" if has_states else ""]
    if op_type == "LSTM":
        operands += ["c" if has_states else "", "p"]
    else:
        del expected["last_c"], weights["p"]
    ports = [(name, FLOAT, list(array.shape)) for name, array in inputs.items() if name in operands]
    given = {name: inputs[name] for name, _, _ in ports}
    if lengths:
        ports.append(("n", TensorProto.INT32, [BATCH]))
        given["n"] = np.array(lengths, np.int32)
    node = helper.make_node(op_type, operands, list(expected), hidden_size=SIZE, **attributes)
    outputs = [(name, FLOAT, list(array.shape)) for name, array in expected.items()]
    found = OnnxModel(model([node], ports, outputs, weights), database).run(given)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-4, atol=1e-6)


LAYERS = pytest.mark.parametrize("op_type", GATES)
WAYS = pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])


@LAYERS
@WAYS
def test_sequences_of_several_lengths(database: Database, op_type: str, direction: str):
    check(database, op_type, lengths=[3, 1], direction=direction)


@LAYERS
@WAYS
def test_batches_first(database: Database, op_type: str, direction: str):
    check(database, op_type, lengths=[2, 3], direction=direction, layout=1)


@LAYERS
def test_states_start_at_zero(database: Database, op_type: str):
    check(database, op_type, has_states=False)


@LAYERS
def test_inputs_of_functions_are_clipped(database: Database, op_type: str):
    functions = [clipped(function, 0.3) for function in DEFAULTS[op_type]]
    check(database, op_type, [functions], clip=0.3)


@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
def test_the_reset_after_the_product(database: Database, direction: str):
    check(database, "GRU", direction=direction, linear_before_reset=1)


def test_coupled_gates(database: Database):
    check(database, "LSTM", input_forget=1)


def hard(x: Array) -> Array:
    return np.clip(0.3 * x + 0.4, 0, 1)


def leaky(x: Array) -> Array:
    return np.where(x >= 0, x, 0.05 * x)


def scaled(x: Array) -> Array:
    return 2 * np.tanh(0.5 * x)


def affine(x: Array) -> Array:
    return x.copy()


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def softplus(x: Array) -> Array:
    return np.log1p(np.exp(x))


def softsign(x: Array) -> Array:
    return x / (1 + np.abs(x))


def elu(x: Array) -> Array:
    return np.where(x < 0, np.expm1(x), x)


def thresholded(x: Array) -> Array:
    return np.where(x > 1, x, 0)


def test_functions_take_the_next_alpha_and_beta(database: Database):
    """Softsign has neither; the last ones have their defaults."""
    check(
        database,
        "GRU",
        [(hard, softsign), (leaky, scaled)],
        direction="bidirectional",
        activations=["HardSigmoid", "softsign", "LeakyRelu", "ScaledTanh"],
        activation_alpha=[0.3, 0.05, 2.0],
        activation_beta=[0.4, 0.5],
    )


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("Affine", affine),
        ("Relu", relu),
        ("Softplus", softplus),
        ("Elu", elu),
        ("ThresholdedRelu", thresholded),
    ],
)
def test_functions(database: Database, name: str, function: Function):
    check(database, "RNN", [(function,)], activations=[name])


@pytest.mark.parametrize("name", ["Swish", "ScaledTanh"])
def test_functions_that_are_not_known(database: Database, name: str):
    with pytest.raises(UnsupportedError, match=f"the activation {name.lower()}"):
        check(database, "RNN", activations=[name])
