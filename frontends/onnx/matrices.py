"""Attributes that list the elements of a matrix, row by row."""

from collections.abc import Mapping

from onnx import NodeProto

ROWS: Mapping[tuple[str, str], tuple[str, int]] = {
    ("LinearClassifier", "coefficients"): ("intercepts", 0),
    ("LinearRegressor", "coefficients"): ("intercepts", 0),
    ("SVMClassifier", "coefficients"): ("vectors_per_class", -1),
}
"""By operator and attribute: as many rows as another attribute has elements, plus a number."""

COUNTED: Mapping[tuple[str, str], str] = {
    ("SVMClassifier", "support_vectors"): "vectors_per_class",
    ("SVMRegressor", "support_vectors"): "n_supports",
}
"""By operator and attribute: as many rows as the elements of another attribute make together."""


def matrix_shape(node: NodeProto, name: str, size: int) -> list[int]:
    """The shape of an attribute of so many elements; a vector where it is no matrix."""
    given = {attribute.name: attribute for attribute in node.attribute}
    key, rows = (node.op_type, name), 0
    if key in ROWS:
        other, offset = ROWS[key]
        if other in given:
            rows = len(given[other].floats) + len(given[other].ints) + offset
    elif key in COUNTED and COUNTED[key] in given:
        counts = given[COUNTED[key]]
        rows = counts.i + sum(counts.ints)
    return [rows, size // rows] if rows > 0 and size % rows == 0 else [size]
