"""
Writes models of scikit-learn as ONNX, and what onnxruntime computes with them, to onnx/.

Run it in an environment of its own (requirements-ml.txt, beside this file).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.ensemble import (
    GradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeRegressor
from stored import FOLDER, write

ROWS = 200

MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")
Model = tuple[str, ModelProto, dict[str, np.ndarray]]


def generate() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, model, inputs in (*trained(), *made_by_hand()):
        write(name, model, inputs)


def trained() -> Iterator[Model]:
    cancer, digits, iris = (
        load(return_X_y=True) for load in (load_breast_cancer, load_digits, load_iris)
    )
    few = (cancer[0][:, :10], cancer[1])
    classifiers = {
        "forest": (RandomForestClassifier(10, max_depth=8, random_state=0), few),
        "forest-digits": (RandomForestClassifier(5, max_depth=6, random_state=0), digits),
        "boosting": (GradientBoostingClassifier(n_estimators=20, random_state=0), few),
        "boosting-iris": (GradientBoostingClassifier(n_estimators=10, random_state=0), iris),
        "logistic": (LogisticRegression(max_iter=5000), few),
        "logistic-iris": (LogisticRegression(max_iter=500), iris),
        "logistic-digits": (LogisticRegression(max_iter=500), digits),
        "scaled": (make_pipeline(StandardScaler(), LogisticRegression()), few),
        "scaled-iris": (make_pipeline(StandardScaler(), LogisticRegression()), iris),
        "perceptron": (MLPClassifier((16,), max_iter=200, random_state=0), digits),
        "vectors": (SVC(), few),
        "vectors-iris": (SVC(), iris),
        "vectors-probabilities": (SVC(probability=True, random_state=0), few),
        "vectors-iris-probabilities": (SVC(probability=True, random_state=0), iris),
    }
    for name, (estimator, (x, y)) in classifiers.items():
        x = x.astype(np.float32)
        estimator.fit(x, y)
        options = {"zipmap": False}
        yield name, to_onnx(estimator, x[:1], options=options), {"X": spread(x)}
        if name in ("forest", "logistic-iris"):
            yield f"{name}-map", to_onnx(estimator, x[:1]), {"X": spread(x)}
    regressors = {
        "tree-regression": DecisionTreeRegressor(random_state=0, max_depth=10),
        "forest-regression": RandomForestRegressor(10, max_depth=6, random_state=0),
        "linear-regression": LinearRegression(),
        "vectors-regression": SVR(),
    }
    x, y = few[0].astype(np.float32), cancer[0][:, 12]
    for name, estimator in regressors.items():
        estimator.fit(x, y)
        yield name, to_onnx(estimator, x[:1]), {"X": spread(x)}


def spread(x: np.ndarray) -> np.ndarray:
    """Rows from all over a table."""
    return x[np.linspace(0, len(x) - 1, min(ROWS, len(x))).astype(int)]


def made_by_hand() -> Iterator[Model]:
    for seed, aggregate in enumerate(("SUM", "AVERAGE", "MIN", "MAX")):
        for transform in ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"):
            yield random_trees(f"trees-{aggregate}-{transform}".lower(), seed, aggregate, transform)
    yield random_trees("trees-double", 4, "SUM", "NONE", is_double=True)


def random_trees(
    name: str, seed: int, aggregate: str, transform: str, is_double: bool = False
) -> Model:
    """Trees of all comparisons, their nodes in no order; features may be missing."""
    chance = np.random.default_rng(seed)
    features, targets = 4, 3
    nodes: dict[str, list[Any]] = {
        key: []
        for key in (
            *("treeids", "nodeids", "featureids", "values", "modes"),
            *("truenodeids", "falsenodeids", "missing_value_tracks_true"),
        )
    }
    votes: dict[str, list[Any]] = {key: [] for key in ("treeids", "nodeids", "ids", "weights")}
    for tree in range(4):
        branches = grown(chance, 3)
        names = chance.permutation(len(branches)).tolist()
        for number, branch in zip(names, branches, strict=True):
            nodes["treeids"].append(tree)
            nodes["nodeids"].append(number)
            nodes["featureids"].append(int(chance.integers(features)))
            nodes["values"].append(float(chance.integers(-2, 3) / 2))
            nodes["modes"].append("LEAF" if branch is None else str(chance.choice(MODES)))
            nodes["truenodeids"].append(0 if branch is None else names[branch[0]])
            nodes["falsenodeids"].append(0 if branch is None else names[branch[1]])
            nodes["missing_value_tracks_true"].append(int(chance.integers(2)))
            for target in range(targets if branch is None else 0):
                votes["treeids"].append(tree)
                votes["nodeids"].append(number)
                votes["ids"].append(target)
                votes["weights"].append(float(np.float32(chance.standard_normal())))
    attributes = {f"nodes_{key}": value for key, value in nodes.items()}
    attributes |= {f"target_{key}": value for key, value in votes.items()}
    attributes["base_values"] = [0.5, -0.25, 0.125]
    if is_double:
        for key in ("nodes_values", "target_weights", "base_values"):
            tensor = numpy_helper.from_array(np.array(attributes.pop(key), np.float64))
            attributes[f"{key}_as_tensor"] = tensor
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["X"],
        ["Y"],
        domain="ai.onnx.ml",
        n_targets=targets,
        aggregate_function=aggregate,
        post_transform=transform,
        **attributes,
    )
    element = TensorProto.DOUBLE if is_double else TensorProto.FLOAT
    graph = helper.make_graph(
        [node],
        "trees",
        [helper.make_tensor_value_info("X", element, [None, features])],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, [None, targets])],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    x = (chance.integers(-3, 4, (50, features)) / 2).astype("f8" if is_double else "f4")
    x[chance.random(x.shape) < 0.1] = np.nan
    return name, helper.make_model(graph, opset_imports=opsets, ir_version=8), {"X": x}


def grown(chance: np.random.Generator, depth: int) -> list[tuple[int, int] | None]:
    """The branches of each node of a tree; a leaf has none."""
    if depth == 0 or chance.random() < 0.2:
        return [None]
    true, false = grown(chance, depth - 1), grown(chance, depth - 1)
    moved = [
        [None if pair is None else (pair[0] + offset, pair[1] + offset) for pair in branch]
        for branch, offset in ((true, 1), (false, 1 + len(true)))
    ]
    return [(1, 1 + len(true)), *moved[0], *moved[1]]


if __name__ == "__main__":
    generate()
