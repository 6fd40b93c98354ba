"""
Tree ensembles of any opset -> one form, in which the rows of a table are nodes.

Leaves are rows 0, 1, ...; the other nodes follow. In place of `nodes_*`, `class_*`, `target_*` and
`leaf_*`, a node then has these attributes:

    roots         the row of each tree's root
    depth         how many steps lead from a root to a leaf at most
    width         how many features there must be
    features      of each row, the feature that is compared; 0 at a leaf
    splits        of each row, what it is compared to
    comparisons   the modes that occur, as numbers of opset 5's `nodes_modes`
    modes         of each row, its mode, where several occur
    missing       of each row, whether NaN goes to the true branch, where it does so at some
    branches      of each row, the row to go to if false, and if true; a leaf stays where it is
    leaf_weights  of each leaf, its weight for each target: 0 where it has none, or what loses
                  every minimum or maximum
    single        of a classifier of two classes that has weights of one class only, that class
    is_signed     whether some weight is negative
"""

from collections.abc import Mapping

import numpy as np
from onnx import NodeProto, helper, numpy_helper

from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.onnx.trees import (
    Numbers,
    Trees,
    Votes,
    elements,
    opset1,
    opset5,
    without_sets,
)

ENSEMBLES = ("TreeEnsembleClassifier", "TreeEnsembleRegressor", "TreeEnsemble")
AGGREGATES = ("AVERAGE", "SUM", "MIN", "MAX")
REPLACED = ("nodes_", "class_", "target_", "leaf_", "tree_roots", "membership_values")
"""What the names of attributes begin with that the one form replaces."""


def flattened(node: NodeProto) -> NodeProto:
    """A copy of a tree ensemble in the one form. Raises TensorjoinError where it is no forest."""
    given = {attribute.name: elements(attribute) for attribute in node.attribute}
    trees, votes = opset5(given) if node.op_type == "TreeEnsemble" else opset1(node, given)
    if trees.roots.size == 0:
        raise TensorjoinError(f"{node.op_type} has no trees")
    trees = without_sets(trees, given)
    copy = NodeProto()
    copy.CopyFrom(node)
    del copy.attribute[:]
    copy.attribute.extend(a for a in node.attribute if not a.name.startswith(REPLACED))
    for name, array in (rows(trees, votes.leaf_count) | weights(node, votes, given)).items():
        tensor = numpy_helper.from_array(np.ascontiguousarray(array))
        copy.attribute.append(helper.make_attribute(name, tensor))
    facts = {
        "depth": depth(trees),
        "width": int(trees.features.max(initial=-1)) + 1,
        "is_signed": int(bool(np.any(votes.weights < 0))),
    }
    if is_single(node, votes):
        facts["single"] = int(votes.targets[0])
    copy.attribute.extend(helper.make_attribute(name, value) for name, value in facts.items())
    return copy


def depth(trees: Trees) -> int:
    """Raises TensorjoinError where a branch leads back to its node."""
    steps, reached = 0, np.unique(trees.roots[trees.roots >= 0])
    while reached.size:
        steps += 1
        if steps > trees.modes.size:
            raise TensorjoinError("a branch of a tree leads back to its node")
        branches = np.concatenate([trees.true[reached], trees.false[reached]])
        reached = np.unique(branches[branches >= 0])
    return steps


def rows(trees: Trees, leaf_count: int) -> dict[str, Numbers]:
    """The tables of all rows, leaves first."""

    def row(branch: Numbers) -> Numbers:
        return np.where(branch < 0, -1 - branch, leaf_count + branch)

    def table(column: Numbers) -> Numbers:
        return np.concatenate([np.zeros(leaf_count, column.dtype), column])

    stay = np.arange(leaf_count)
    branches = [np.concatenate([stay, row(branch)]) for branch in (trees.false, trees.true)]
    comparisons, modes = np.unique(trees.modes, return_inverse=True)
    tables = {
        "roots": row(trees.roots),
        "features": table(trees.features),
        "splits": table(trees.splits),
        "comparisons": comparisons,
        "branches": np.stack(branches, axis=1).reshape(-1),
    }
    if comparisons.size > 1:
        tables["modes"] = table(modes)
    if trees.missing.any():
        tables["missing"] = table((trees.missing != 0).astype(np.int64))
    return tables


def is_single(node: NodeProto, votes: Votes) -> bool:
    is_binary = node.op_type == "TreeEnsembleClassifier" and votes.target_count == 2
    return is_binary and np.unique(votes.targets).size == 1


def weights(node: NodeProto, votes: Votes, given: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """The weights by leaf, and by target if there are several."""
    targets, count = votes.targets, votes.target_count
    if np.any((targets < 0) | (targets >= count)):
        raise TensorjoinError(f"a leaf of a tree has no target among {count}")
    if is_single(node, votes):
        targets, count = np.zeros_like(targets), 1
    name = given["aggregate_function"][0] if "aggregate_function" in given else "SUM"
    name = name if isinstance(name, str) else AGGREGATES[int(name)]
    combine, initial = {"MIN": (np.minimum, np.inf), "MAX": (np.maximum, -np.inf)}.get(
        name, (np.add, 0.0)
    )
    table = np.full((votes.leaf_count, count), initial)
    combine.at(table, (votes.leaves, targets), votes.weights)
    shape = [votes.leaf_count] if count == 1 else [votes.leaf_count, count]
    return {"leaf_weights": table.reshape(shape).astype(votes.weights.dtype)}
