"""How often a loop is unrolled at most."""

from tensorjoin.passes.onnx.node import Node


def check_rounds(node: Node, number: int) -> None:
    """Raises UnsupportedError where a loop is too long to be unrolled."""
    if number > node.max_rounds:
        raise node.refuse(f"more than {node.max_rounds} rounds are not unrolled")
