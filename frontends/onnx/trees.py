"""Tree ensembles as the opsets of ONNX write them down."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import AttributeProto, NodeProto, helper, numpy_helper

from tensorjoin.errors import TensorjoinError

Numbers = npt.NDArray[Any]

MODES = (
    *("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT"),
    *("BRANCH_EQ", "BRANCH_NEQ", "BRANCH_MEMBER"),
)
EQUAL, MEMBER = MODES.index("BRANCH_EQ"), MODES.index("BRANCH_MEMBER")


@dataclass(frozen=True)
class Trees:
    """
    Nodes that are no leaves; a branch is the number of one of them, or -1 less that of a leaf.
    """

    roots: Numbers
    features: Numbers
    splits: Numbers
    modes: Numbers
    missing: Numbers
    true: Numbers
    false: Numbers


@dataclass(frozen=True)
class Votes:
    """Which leaf gives which weight to which target."""

    leaves: Numbers
    targets: Numbers
    weights: Numbers
    leaf_count: int
    target_count: int


def elements(attribute: AttributeProto) -> Numbers:
    """The elements of an attribute that is a number, a text, a list of them or a tensor."""
    value = helper.get_attribute_value(attribute)
    match attribute.type:
        case AttributeProto.TENSOR:
            return numpy_helper.to_array(attribute.t)
        case AttributeProto.STRING | AttributeProto.STRINGS:
            texts = attribute.strings or [attribute.s]
            return np.array([text.decode("utf-8", "replace") for text in texts])
        case AttributeProto.FLOAT | AttributeProto.FLOATS:
            return np.atleast_1d(np.asarray(value, np.float32))
        case _:
            return np.atleast_1d(np.asarray(value, np.int64))


@dataclass(frozen=True)
class Columns:
    """Attributes of one prefix, whose elements belong together."""

    prefix: str
    given: Mapping[str, Numbers]
    length: int

    def __getitem__(self, name: str) -> Numbers:
        for key in (f"{self.prefix}_{name}", f"{self.prefix}_{name}_as_tensor"):
            if key in self.given:
                if len(self.given[key]) != self.length:
                    raise TensorjoinError(f"{key} has not {self.length} elements")
                return self.given[key]
        raise TensorjoinError(f"a tree ensemble lacks its attribute {self.prefix}_{name}")

    def flags(self, name: str) -> Numbers:
        """Zeros where the attribute is left out."""
        has_values = len(self.given.get(f"{self.prefix}_{name}", ())) > 0
        return self[name] if has_values else np.zeros(self.length, np.int64)


def opset1(node: NodeProto, given: Mapping[str, Numbers]) -> tuple[Trees, Votes]:
    """Leaves are nodes; a node is known by the number of its tree, and its own in it."""
    nodes = Columns("nodes", given, len(given.get("nodes_treeids", ())))
    modes = nodes["modes"]
    if unknown := set(modes.tolist()) - {*MODES[:MEMBER], "LEAF"}:
        raise TensorjoinError(f"a node of a tree has the mode {min(unknown)!r}")
    is_leaf = modes == "LEAF"
    inner = np.flatnonzero(~is_leaf)
    number = np.where(is_leaf, -np.cumsum(is_leaf), np.cumsum(~is_leaf) - 1)
    places = {key: row for row, key in enumerate(pairs(nodes["treeids"], nodes["nodeids"]))}

    def found(trees: Numbers, ids: Numbers) -> Numbers:
        try:
            return np.array([places[key] for key in pairs(trees, ids)], np.int64)
        except KeyError as error:
            tree, name = error.args[0]
            raise TensorjoinError(f"the tree {tree} has no node {name}") from error

    true, false = (
        found(nodes["treeids"][inner], nodes[name][inner])
        for name in ("truenodeids", "falsenodeids")
    )
    is_root = np.ones(nodes.length, bool)
    is_root[true] = is_root[false] = False
    roots = np.flatnonzero(is_root)
    _, first = np.unique(nodes["treeids"][roots], return_index=True)
    trees = Trees(
        number[roots[np.sort(first)]],
        nodes["featureids"][inner],
        nodes["values"][inner],
        np.array([MODES.index(mode) for mode in modes[inner].tolist()], np.int64),
        nodes.flags("missing_value_tracks_true")[inner],
        number[true],
        number[false],
    )
    is_classifier = node.op_type == "TreeEnsembleClassifier"
    prefix = "class" if is_classifier else "target"
    votes = Columns(prefix, given, len(given.get(f"{prefix}_ids", ())))
    voters = found(votes["treeids"], votes["nodeids"])
    # A node that is no leaf may carry weights, which nothing reaches.
    counts = is_leaf[voters]
    labels = max(len(given.get(f"classlabels_{type}", ())) for type in ("int64s", "strings"))
    return trees, Votes(
        -1 - number[voters[counts]],
        votes["ids"][counts],
        votes["weights"][counts],
        int(is_leaf.sum()),
        labels if is_classifier else target_count(given),
    )


def pairs(trees: Numbers, nodes: Numbers) -> list[tuple[int, int]]:
    return list(zip(trees.tolist(), nodes.tolist(), strict=True))


def target_count(given: Mapping[str, Numbers]) -> int:
    return int(given["n_targets"][0]) if "n_targets" in given else 1


def opset5(given: Mapping[str, Numbers]) -> tuple[Trees, Votes]:
    """Leaves are numbered apart from other nodes."""
    nodes = Columns("nodes", given, len(given.get("nodes_featureids", ())))
    leaves = Columns("leaf", given, len(given.get("leaf_targetids", ())))

    def branch(name: str) -> Numbers:
        ids, is_leaf = nodes[f"{name}nodeids"], nodes[f"{name}leafs"] != 0
        if np.any((ids < 0) | (ids >= np.where(is_leaf, leaves.length, nodes.length))):
            raise TensorjoinError("a branch of a tree leads to no node")
        return np.where(is_leaf, -1 - ids, ids)

    roots = given.get("tree_roots", np.zeros(0, np.int64))
    modes = nodes["modes"].astype(np.int64)
    if np.any((roots < 0) | (roots >= nodes.length)):
        raise TensorjoinError("a tree has no root")
    if np.any((modes < 0) | (modes >= len(MODES))):
        raise TensorjoinError("a node of a tree has no known mode")
    trees = Trees(
        roots,
        nodes["featureids"],
        nodes["splits"],
        modes,
        nodes.flags("missing_value_tracks_true"),
        branch("true"),
        branch("false"),
    )
    count = leaves.length
    voters = np.arange(count)
    return trees, Votes(voters, leaves["targetids"], leaves["weights"], count, target_count(given))


def without_sets(trees: Trees, given: Mapping[str, Numbers]) -> Trees:
    """A node that looks for its feature in a set -> a chain of nodes, one for each member."""
    owners = np.flatnonzero(trees.modes == MEMBER)
    if owners.size == 0:
        return trees
    sets = list[list[float]]([[]])
    for value in given.get("membership_values", np.zeros(0)).tolist():
        if np.isnan(value):
            sets.append([])
        else:
            sets[-1].append(value)
    if len(sets) < owners.size:
        raise TensorjoinError("a tree lacks the members of a set")
    features, splits, modes, missing, true, false = (
        list[Any](column.tolist())
        for column in (
            *(trees.features, trees.splits, trees.modes),
            *(trees.missing, trees.true, trees.false),
        )
    )
    for owner, members in zip(owners.tolist(), sets, strict=False):
        link, otherwise = owner, false[owner]
        modes[owner] = EQUAL
        if not members:
            true[owner] = otherwise
        for place, member in enumerate(members):
            if place > 0:
                false[link] = len(modes)
                link = len(modes)
                for column in (features, splits, modes, missing, true, false):
                    column.append(column[owner])
            splits[link] = member
        false[link] = otherwise
    dtype = np.result_type(trees.splits, given["membership_values"])
    return Trees(
        trees.roots,
        np.array(features),
        np.array(splits, dtype),
        *(np.array(column) for column in (modes, missing, true, false)),
    )
