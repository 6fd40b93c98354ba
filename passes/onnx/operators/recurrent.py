"""Recurrent layers, unrolled over time; both directions take each step together."""

from collections.abc import Callable, Mapping, Sequence

from xdsl.dialects.builtin import i64

from tensorjoin.passes.onnx.array import Array, concat, constant, contract, full, stack, where
from tensorjoin.passes.onnx.node import Node, decomposes
from tensorjoin.passes.onnx.operators.activations import Activation, activations, clipped
from tensorjoin.passes.onnx.operators.rounds import check_rounds

DIRECTIONS: Mapping[str, tuple[bool, ...]] = {
    "forward": (False,),
    "reverse": (True,),
    "bidirectional": (False, True),
}
"""Whether each direction of a layer goes backwards."""

Gate = Callable[[Array], Array]
Step = Callable[[Array, Sequence[Array]], list[Array]]
"""
From what the input adds to the gates, and the states before a step, to the states after it, the
hidden one first. All of them have the axes direction, batch and unit.
"""


def directions_of(node: Node) -> tuple[bool, ...]:
    name = node.text("direction", "forward")
    if name not in DIRECTIONS:
        raise node.refuse(f"there is no direction {name!r}")
    return DIRECTIONS[name]


def gates(node: Node, *defaults: str) -> list[Gate]:
    """The activation functions f, g, ... of the equations, their inputs clipped."""
    count, directions = len(defaults), len(directions_of(node))
    names = node.texts("activations", list(defaults) * directions)
    if len(names) < count * directions:
        raise node.refuse(f"{len(names)} activations do not make {count} for each direction")
    alphas, betas = (iter(node.floats(f"activation_{name}", [])) for name in ("alpha", "beta"))
    found = activations(names[: count * directions], alphas, betas)
    clip = node.float("clip") if node.has("clip") else None
    return [gate(found[place::count], clip) for place in range(count)]


def gate(functions: Sequence[Activation], clip: float | None) -> Gate:
    """A function for each direction."""

    def apply(x: Array) -> Array:
        x = x if clip is None else clipped(x, -clip, clip)
        if len(set(functions)) == 1:
            return functions[0](x)
        return concat([function(x.slice(0, k, 1)) for k, function in enumerate(functions)], 0)

    return apply


def part(x: Array, number: int, size: int, count: int = 1) -> Array:
    """Some of the gates, which lie side by side along the last axis, each of `size` units."""
    return x.slice(x.rank - 1, number * size, count * size)


def biases(b: Array | None, w: Array) -> tuple[Array, Array]:
    """What is added to the input's part of all gates, and to the state's part."""
    directions, width = w.shape[:2]
    if b is None:
        zero = full([directions, 1, width], 0.0, w.element)
        return zero, zero
    b = b.unsqueeze([1])
    return part(b, 0, width), part(b, 1, width)


def recurred(state: Array, r: Array) -> Array:
    """The state's part of all gates."""
    return contract("dbh,dgh->dbg", state, r)


def mirrored(x: Array, directions: Sequence[bool]) -> Array:
    """Steps as moments or moments as steps, which are the first axis; directions are the second."""
    ways = [x.slice(1, k, 1) for k in range(len(directions))]
    return concat(
        [w.reverse(0) if back else w for w, back in zip(ways, directions, strict=True)], 1
    )


def unrolled(
    node: Node,
    ahead: Array,
    lengths: Array | None,
    initial: Sequence[Array | None],
    hidden: int,
    step: Step,
) -> list[Array]:
    """
    The hidden states of all moments, and the last states. `ahead` is what the input adds to the
    gates: it does not depend on a state, and is one product for all moments.
    """
    directions = directions_of(node)
    count, ways, batch, _ = ahead.shape
    if ways != len(directions):
        raise node.refuse(f"weights of {ways} directions do not make {len(directions)}")
    check_rounds(node, count)
    is_batch_first = bool(node.integer("layout", 0))
    zero = full([ways, batch, hidden], 0.0, ahead.element)
    states = [
        zero if state is None else state.transpose([1, 0, 2]) if is_batch_first else state
        for state in initial
    ]
    ahead = mirrored(ahead, directions)
    found: list[Array] = []
    for number in range(count):
        after = step(ahead.slice(0, number, 1).squeeze([0]), states)
        if lengths is None:
            states = after
            found.append(after[0])
            continue
        # A sequence that has ended, or going backwards not begun, keeps its state and is zero.
        moments = [[[count - 1 - number if back else number]] for back in directions]
        goes_on = Array(lengths.value, i64).reshape([1, batch, 1]) > constant(moments, i64)
        states = [where(goes_on, new, old) for new, old in zip(after, states, strict=True)]
        found.append(where(goes_on, after[0], zero))
    hiddens = stack(found, 0) if found else full([0, *zero.shape], 0.0, zero.element)
    hiddens = mirrored(hiddens, directions)
    if is_batch_first:
        return [hiddens.transpose([2, 0, 1, 3]), *(s.transpose([1, 0, 2]) for s in states)]
    return [hiddens, *states]


def inputs_part(node: Node, x: Array, w: Array, bias: Array) -> Array:
    """What the input adds to the gates, with the axes moment, direction, batch and unit."""
    axes = "bti" if node.integer("layout", 0) else "tbi"
    return contract(f"{axes},dgi->tdbg", x, w) + bias


@decomposes("RNN")
def rnn(
    node: Node,
    x: Array,
    w: Array,
    r: Array,
    b: Array | None = None,
    lengths: Array | None = None,
    initial: Array | None = None,
) -> list[Array]:
    (f,) = gates(node, "Tanh")
    of_input, of_state = biases(b, w)

    def step(ahead: Array, states: Sequence[Array]) -> list[Array]:
        return [f(ahead + recurred(states[0], r))]

    ahead = inputs_part(node, x, w, of_input + of_state)
    return unrolled(node, ahead, lengths, [initial], r.shape[2], step)


@decomposes("GRU")
def gru(
    node: Node,
    x: Array,
    w: Array,
    r: Array,
    b: Array | None = None,
    lengths: Array | None = None,
    initial: Array | None = None,
) -> list[Array]:
    """The gates are the update, the reset, and the candidate for the next state."""
    f, g = gates(node, "Sigmoid", "Tanh")
    size = r.shape[2]
    of_input, of_state = biases(b, w)
    resets_product = bool(node.integer("linear_before_reset", 0))

    def step(ahead: Array, states: Sequence[Array]) -> list[Array]:
        (state,) = states
        product = recurred(state, r) + of_state if resets_product else recurred(state, early)
        both = f(part(ahead, 0, size, 2) + part(product, 0, size, 2))
        update, reset = part(both, 0, size), part(both, 1, size)
        if resets_product:
            recalled = reset * part(product, 2, size)
        else:
            recalled = recurred(reset * state, late)
        candidate = g(part(ahead, 2, size) + recalled)
        return [(1.0 - update) * candidate + update * state]

    early, late = r.slice(1, 0, 2 * size), r.slice(1, 2 * size, size)
    bias = of_input if resets_product else of_input + of_state
    return unrolled(node, inputs_part(node, x, w, bias), lengths, [initial], size, step)


@decomposes("LSTM")
def lstm(
    node: Node,
    x: Array,
    w: Array,
    r: Array,
    b: Array | None = None,
    lengths: Array | None = None,
    initial: Array | None = None,
    initial_cell: Array | None = None,
    peepholes: Array | None = None,
) -> list[Array]:
    """The gates are input, output, forget, and the candidate for the next cell."""
    f, g, h = gates(node, "Sigmoid", "Tanh", "Tanh")
    size = r.shape[2]
    of_input, of_state = biases(b, w)
    is_coupled = bool(node.integer("input_forget", 0))

    def peeping(gate: Array, number: int, cell: Array) -> Array:
        if peepholes is None:
            return gate
        return gate + part(peepholes.unsqueeze([1]), number, size) * cell

    def step(ahead: Array, states: Sequence[Array]) -> list[Array]:
        state, cell = states
        total = ahead + recurred(state, r)
        enter, leave, forget, candidate = (part(total, number, size) for number in range(4))
        entering = f(peeping(enter, 0, cell))
        kept = 1.0 - entering if is_coupled else f(peeping(forget, 2, cell))
        after = kept * cell + entering * g(candidate)
        return [f(peeping(leave, 1, after)) * h(after), after]

    ahead = inputs_part(node, x, w, of_input + of_state)
    return unrolled(node, ahead, lengths, [initial, initial_cell], size, step)
