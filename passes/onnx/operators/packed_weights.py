"""Products with weights of few bits, packed into bytes."""

from math import ceil

from xdsl.dialects.builtin import i64

from tensorjoin.passes.onnx.array import Array, constant, contract
from tensorjoin.passes.onnx.node import Node, decomposes

PACKED_BITS = (2, 4, 8)


def unpacked(packed: Array, bits: int) -> Array:
    """[.., bytes, number within the byte]: the first of them is in its lowest bits."""
    steps = constant([1 << (bits * place) for place in range(8 // bits)], i64)
    shifted = Array(packed.value, i64).unsqueeze([packed.rank]) / steps
    return shifted & constant((1 << bits) - 1, i64)


@decomposes("MatMulNBits", domain="com.microsoft")
def matmul_n_bits(
    node: Node,
    a: Array,
    packed: Array,
    scales: Array,
    zeros: Array | None = None,
    groups: Array | None = None,
    bias: Array | None = None,
) -> Array:
    """The bytes of a block keep their axes, by which they meet the rows of the other matrix."""
    bits, size = node.integer("bits", 4), node.integer("block_size")
    columns, depth = node.integer("N"), node.integer("K")
    if bits not in PACKED_BITS:
        raise node.refuse(f"weights of {bits} bits")
    if groups is not None:
        raise node.refuse("g_idx")
    if node.integer("weight_prepacked", 0):
        raise node.refuse("weights packed for another processor")
    blocks, each = ceil(depth / size), 8 // bits
    numbers = unpacked(packed.reshape([columns, blocks, size // each]), bits)
    offset = constant(float(1 << (bits - 1)), a.element)
    if zeros is not None:
        offset = zero_points(zeros, columns, blocks, bits).reshape([columns, blocks, 1, 1])
    scale = scales.reshape([columns, blocks, 1, 1])
    weight = (numbers.cast(a.element) - offset.cast(a.element)) * scale
    rows = a.reshape([a.size // max(depth, 1), depth]).pad(1, 0, blocks * size - depth, 0.0)
    rows = rows.reshape([rows.shape[0], blocks, size // each, each])
    product = Array(contract("mbjs,nbjs->mn", rows, weight).value, a.element)
    product = product.reshape([*a.shape[:-1], columns])
    return product if bias is None else product + bias


def zero_points(zeros: Array, columns: int, blocks: int, bits: int) -> Array:
    """[columns, blocks]: floats as they are, integers unpacked."""
    if zeros.is_float:
        return zeros.reshape([columns, blocks])
    numbers = unpacked(zeros.reshape([columns, zeros.size // columns]), bits)
    return numbers.reshape([columns, zeros.size // columns * (8 // bits)]).slice(1, 0, blocks)
