"""
Decision trees, as `frontends/onnx/tree_tables.py` writes them down.

Every example stands at a row of each tree's nodes and goes on to one of its branches, as often as
the deepest tree asks for: a leaf's branches lead to itself.
"""

from functools import reduce

from xdsl.dialects import arith
from xdsl.dialects.builtin import f32, f64, i1, i64

from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.onnx.array import (
    Array,
    compare,
    constant,
    elementwise,
    gather,
    lowest,
    where,
)
from tensorjoin.passes.onnx.array import (
    highest as largest,
)
from tensorjoin.passes.onnx.node import Node, decomposes
from tensorjoin.passes.onnx.operators.elementwise import rounded
from tensorjoin.passes.onnx.operators.scores import (
    binary,
    examples,
    highest,
    integer_labels,
    labelled,
    post_transform,
    transformed,
)

PREDICATES = ("le", "lt", "ge", "gt", "eq", "ne")
"""In the order of opset 5's `nodes_modes`."""

AGGREGATES = ("AVERAGE", "SUM", "MIN", "MAX")


def leaves(node: Node, x: Array) -> Array:
    """[rows, trees]: the leaf that each example arrives at."""
    if not node.has("roots"):
        raise node.refuse("its trees are not in the form that the importer gives them")
    width = node.integer("width")
    if width > x.shape[1]:
        raise TensorjoinError(f"{node.op_type} asks for {width} features of {x.shape[1]}")
    state = node.table("roots")
    for _ in range(node.integer("depth")):
        state = node.table("branches").take(state * 2 + answers(node, x, state).cast(i64), 0)
    return state.broadcast_to([x.shape[0], state.shape[-1]])


def answers(node: Node, x: Array, state: Array) -> Array:
    """Whether the comparison holds at the row where each example stands."""
    feature, split = (node.table(name).take(state, 0) for name in ("features", "splits"))
    # Before the first step, all examples stand at the same rows.
    value = x.take(feature, 1) if state.rank == 1 else gather("nf,nt->nt", x, feature)
    kinds = [PREDICATES[int(kind)] for kind in node.tensor("comparisons")[0].flat]
    results = [compare(kind, value, split) for kind in kinds]
    if len(results) > 1:
        mode = node.table("modes").take(state, 0)
        chosen = [mode.equals(k) & result for k, result in enumerate(results)]
        results = [reduce(lambda a, b: a | b, chosen)]
    if not node.has("missing"):
        return results[0]
    is_missing = elementwise(lambda a: arith.CmpfOp(a, a, "uno"), value, element=i1)
    return results[0] | is_missing & node.table("missing").take(state, 0).differs(0)


def votes(node: Node, x: Array, aggregate: str) -> Array:
    """[rows, targets]: the weights of the leaves together."""
    arrived = leaves(node, x)
    weights = node.table("leaf_weights").take(arrived, 0)
    if weights.rank == 2:
        weights = weights.unsqueeze([2])
    match aggregate:
        case "SUM":
            return weights.sum([1])
        case "AVERAGE":
            return weights.sum([1]) / float(arrived.shape[1])
        case "MIN":
            total = weights.min([1])
            return where(total.equals(largest(f32)), constant(0.0, total.element), total)
        case "MAX":
            total = weights.max([1])
            return where(total.equals(lowest(f32)), constant(0.0, total.element), total)
        case _:
            raise node.refuse(f"no aggregate_function {aggregate!r}")


def base_values(node: Node, count: int) -> Array | None:
    """One for each target, if there are any."""
    for name in ("base_values", "base_values_as_tensor"):
        if node.has(name) and (base := node.table(name)).size > 0:
            if base.size != count:
                raise node.refuse(f"{base.size} base_values for {count} targets")
            return base
    return None


@decomposes("TreeEnsembleRegressor", "TreeEnsemble", domain="ai.onnx.ml")
def tree_ensemble(node: Node, x: Array) -> Array:
    if node.op_type == "TreeEnsemble":
        aggregate = AGGREGATES[node.integer("aggregate_function", 1)]
        element = x.element
    else:
        aggregate, element = node.text("aggregate_function", "SUM"), f32
    scores = votes(node, examples(x), aggregate)
    base = base_values(node, scores.shape[1])
    scores = scores if base is None else scores + base
    return transformed(scores, post_transform(node)).cast(element)


@decomposes("TreeEnsembleClassifier", domain="ai.onnx.ml")
def tree_ensemble_classifier(node: Node, x: Array) -> list[Array]:
    labels = integer_labels(node, "classlabels_int64s")
    if len(labels) < 2:
        raise node.refuse("a classifier of one class")
    scores = votes(node, examples(x), "SUM")
    base = base_values(node, scores.shape[1])
    # In single precision, halves of the trees for each class are a tie.
    scores = rounded(Array((scores if base is None else scores + base).value, f64), f32)
    transform = post_transform(node)
    if not node.has("single"):
        return [labelled(highest(scores), labels), transformed(scores, transform)]
    is_signed = bool(node.integer("is_signed"))
    is_second = (scores > (0.0 if is_signed else 0.5)).cast(i64).squeeze([1])
    if node.integer("single") == 0:
        return [labelled(is_second, labels), binary(scores, transform, is_signed)]
    # Weights of the second class alone leave the first one without a score.
    if base is not None:
        raise node.refuse("base_values for weights of the second class alone")
    pair = scores.pad(1, 1, 0, 0.0)
    return [labelled(is_second, labels), transformed(pair, transform)]
