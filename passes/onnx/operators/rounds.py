"""How often a loop is unrolled at most."""

from tensorjoin.passes.onnx.node import Node

MOST_ROUNDS = 400
"""Each round is a part of a statement, in which an engine may unite 500 tables and no more."""


def check_rounds(node: Node, number: int) -> None:
    """Raises UnsupportedError where a loop is too long to be unrolled."""
    if number > MOST_ROUNDS:
        raise node.refuse(f"more than {MOST_ROUNDS} rounds are not unrolled")
