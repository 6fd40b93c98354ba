"""Branches and loops, which are chosen and unrolled when compiling."""

from collections.abc import Sequence

from xdsl.dialects.builtin import TensorType, i1, i64
from xdsl.ir import SSAValue

from tensorjoin.dialects.ten import tensor
from tensorjoin.errors import TensorjoinError, UnsupportedError
from tensorjoin.passes.onnx.array import Array, constant, full, stack, where
from tensorjoin.passes.onnx.evaluation import NeedsValueError
from tensorjoin.passes.onnx.node import Node, checked_axis, decomposes
from tensorjoin.passes.onnx.operators.rounds import check_rounds


def holds(node: Node, condition: Array) -> bool:
    return bool(node.value(condition).all())


@decomposes("If")
def if_(node: Node, condition: Array) -> list[Array]:
    try:
        is_then = holds(node, condition)
    except (NeedsValueError, UnsupportedError) as unknown:
        return choice(node, condition, unknown)
    return node.inline(node.body("then_branch" if is_then else "else_branch"), [])


def choice(node: Node, condition: Array, unknown: TensorjoinError) -> list[Array]:
    """Both branches, to choose elements by a condition that is not known when compiling."""
    try:
        then, other = (node.inline(node.body(f"{name}_branch"), []) for name in ("then", "else"))
    except TensorjoinError as error:
        # Maybe only the branch to be taken has a decomposition.
        raise unknown from error
    if [x.shape for x in then] != [y.shape for y in other]:
        raise unknown
    chosen = condition.reshape([])
    return [where(chosen, x, y) for x, y in zip(then, other, strict=True)]


@decomposes("Loop")
def loop(
    node: Node, trips: Array | None = None, condition: Array | None = None, *carried: Array
) -> list[Array]:
    body, count = node.body("body"), len(carried)
    numbered, conditioned = body.args[:2]
    most = node.max_rounds + 1 if trips is None else int(node.value(trips).reshape(-1)[0])
    # Without a condition to start with, those that the body computes are ignored.
    is_conditional = condition is not None
    if not is_conditional:
        check_rounds(node, most)

    def turn(number: int, going: Array, state: Sequence[Array]) -> list[Array]:
        first = as_declared(constant(number, i64), numbered)
        return node.inline(body, [first, as_declared(going, conditioned), *state])

    going = constant(True, i1) if condition is None else condition
    state, rounds = list(carried), list[list[Array]]()
    while len(rounds) < most and (not is_conditional or holds(node, going)):
        check_rounds(node, len(rounds) + 1)
        going, *results = turn(len(rounds), going, state)
        state = results[:count]
        rounds.append(results[count:])
    # A round that nothing reads tells what none would have put out.
    likes = rounds[0] if rounds else turn(0, going, state)[1 + count :]
    outputs = (stacked([row[k] for row in rounds], like, 0) for k, like in enumerate(likes))
    return [*state, *outputs]


def as_declared(scalar: Array, argument: SSAValue) -> Array:
    """A scalar, or a vector of one element where a graph declares its argument so."""
    is_vector = isinstance(argument.type, TensorType) and len(tensor(argument).get_shape()) == 1
    return scalar.reshape([1] if is_vector else [])


def stacked(elements: Sequence[Array], like: Array, axis: int) -> Array:
    """What rounds put out; `like` is one of it."""
    if elements:
        return stack(elements, axis)
    return full([*like.shape[:axis], 0, *like.shape[axis:]], 0, like.element)


@decomposes("Scan")
def scan(node: Node, *operands: Array | None) -> list[Array]:
    count = node.integer("num_scan_inputs")
    given = [operand for operand in operands if operand is not None]
    if node.version < 9:
        lengths, given = operands[0], given[operands[0] is not None :]
        return scan_of_batches(node, given[:-count], given[-count:], lengths)
    states, sequences = given[:-count], given[-count:]
    axes = node.integers("scan_input_axes", [0] * count)
    axes = [checked_axis(axis, x.rank) for axis, x in zip(axes, sequences, strict=True)]
    directions = node.integers("scan_input_directions", [0] * count)
    length = sequences[0].shape[axes[0]]
    check_rounds(node, length)
    states, outputs, likes = scanned(node, states, sequences, axes, directions, length)
    axes = node.integers("scan_output_axes", [0] * len(likes))
    directions = node.integers("scan_output_directions", [0] * len(likes))
    return [
        *states,
        *(
            stacked(elements[::-1] if back else elements, like, checked_axis(axis, like.rank + 1))
            for elements, like, axis, back in zip(outputs, likes, axes, directions, strict=True)
        ),
    ]


def scan_of_batches(
    node: Node, states: Sequence[Array], sequences: Sequence[Array], lengths: Array | None
) -> list[Array]:
    """Scan of opset 8: a batch is the first axis, and its sequences may be of several lengths."""
    batch, longest = sequences[0].shape[:2]
    rounds = node.value_integers(lengths) or [longest] * batch
    check_rounds(node, sum(rounds))
    directions = node.integers("directions", [0] * len(sequences))
    results: list[list[Array]] = []
    for entry, length in enumerate(rounds):
        first, rows = ([element(x, 0, entry) for x in given] for given in (states, sequences))
        axes = [0] * len(rows)
        last, outputs, likes = scanned(node, first, rows, axes, directions, length)
        # What follows a sequence that is shorter than others has no meaning.
        padded = (
            stacked(elements, like, 0).pad(0, 0, longest - length, 0)
            for elements, like in zip(outputs, likes, strict=True)
        )
        results.append([*last, *padded])
    return [stack(entries, 0) for entries in zip(*results, strict=True)]


def scanned(
    node: Node,
    states: Sequence[Array],
    sequences: Sequence[Array],
    axes: Sequence[int],
    directions: Sequence[int],
    length: int,
) -> tuple[list[Array], list[list[Array]], list[Array]]:
    """The last states, the elements of each output in the order of rounds, and what is like one."""

    def turn(states: Sequence[Array], elements: Sequence[Array]) -> tuple[list[Array], list[Array]]:
        results = node.inline(node.body("body"), [*states, *elements])
        return results[: len(states)], results[len(states) :]

    rounds: list[list[Array]] = []
    for number in range(length):
        places = [length - 1 - number if back else number for back in directions]
        elements = list(map(element, sequences, axes, places))
        states, outputs = turn(states, elements)
        rounds.append(outputs)
    if rounds:
        return list(states), [list(row) for row in zip(*rounds, strict=True)], rounds[0]
    # A round that nothing reads tells what none would have put out.
    likes = turn(states, [x.sum([axis]) for x, axis in zip(sequences, axes, strict=True)])[1]
    return list(states), [[] for _ in likes], likes


def element(x: Array, axis: int, place: int) -> Array:
    return x.slice(axis, place, 1).squeeze([axis])
