"""Optional values: whether there is one is known when compiling."""

from xdsl.dialects.builtin import i1

from tensorjoin.passes.onnx.array import Array, constant
from tensorjoin.passes.onnx.node import Node, decomposes


@decomposes("OptionalHasElement")
def optional_has_element(node: Node, x: Array | None = None) -> Array:
    return constant(x is not None, i1)


@decomposes("OptionalGetElement")
def optional_get_element(node: Node, x: Array | None = None) -> Array:
    if x is None:
        raise node.refuse("there is no element")
    return x
