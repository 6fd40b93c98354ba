"""
Integers that share a machine number: quantisation by groups, and lane packing. Knows no IR.

A group of elements w is round(w / s), with s = max|w| / (2^(bits-1) - 1): symmetric, by the largest
magnitude, as GGML's Q8_0. Several quantised rows, the lanes, are packed as the sum of w_r 2^(b r);
one sum of products with an integer vector x is then that of every lane,
sum(P x) = sum_r 2^(b r) S_r with S_r = sum(w_r x), and exact as long as each |S_r| < 2^(b-1) and
the total fits the number. Shifted to no negative lane but the last, it has the lanes for digits, of
which the last may be negative.
"""

import numpy as np
import numpy.typing as npt

ACTIVATION_BITS = 8
"""To so many bits activations are quantised, by groups, before they meet quantised weights."""
INTEGER_BITS = 63
"""The bits of an integer without its sign: beyond them, an engine may turn it into a float."""
DOUBLE_BITS = 53
"""The bits of the integers that a double holds, each of them exactly."""

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


def largest(bits: int) -> int:
    """The largest magnitude of a quantised element."""
    return (1 << (bits - 1)) - 1


def lane_bits(size: int, bits: int) -> int:
    """The bits of a lane that holds any sum of `size` products of weights and activations."""
    bound = size * largest(bits) * largest(ACTIVATION_BITS)
    return bound.bit_length() + 1


def most_lanes(size: int, bits: int, number_bits: int = INTEGER_BITS) -> int:
    """The lanes that one number of so many bits can hold."""
    lanes = 0
    while largest_sum(size, bits, lanes + 1) < 1 << number_bits:
        lanes += 1
    return lanes


def largest_sum(size: int, bits: int, lanes: int) -> int:
    """What no packed sum of `size` products exceeds, as it is or shifted by the bias."""
    width = lane_bits(size, bits)
    bound = size * largest(bits) * largest(ACTIVATION_BITS)
    return sum(bound << (width * lane) for lane in range(lanes)) + bias(width, lanes)


def lanes_refusal(size: int, bits: int, lanes: int, number_bits: int = INTEGER_BITS) -> str:
    """Why groups of `size` elements cannot have so many bits and lanes; empty if they can."""
    if not 2 <= bits <= ACTIVATION_BITS:
        return f"{bits} bits: weights have 2 to {ACTIVATION_BITS}"
    if not 1 <= lanes <= most_lanes(size, bits, number_bits):
        width = lane_bits(size, bits)
        return (
            f"{lanes} lanes of {width} bits each, which sums of {size} products may need,"
            f" do not fit the {number_bits} bits of"
            f" {'an integer' if number_bits == INTEGER_BITS else 'a double'}"
        )
    return ""


def bias(width: int, lanes: int) -> int:
    """What is added to packed sums so that no lane but the last is negative."""
    return sum(1 << (width * (lane + 1) - 1) for lane in range(lanes - 1))


def quantize(groups: Floats, bits: int) -> tuple[Integers, Floats]:
    """Groups [..., size] -> integers of the same shape, and the scale of each group [...]."""
    scales = (np.abs(groups).max(axis=-1) / np.float32(largest(bits))).astype(np.float32)
    divisors = np.where(scales == 0, np.float32(1), scales)[..., None]
    # The scale of the smallest numbers is rounded so far that a quotient may be out of range.
    integers = np.clip(np.rint(groups / divisors), -largest(bits), largest(bits))
    return integers.astype(np.int64), scales


def pack_lanes(rows: Integers, width: int, lanes: int) -> Integers:
    """Integers [n lanes, ...] -> [n, ...]: of `lanes` rows, the sum of row r times 2^(width r)."""
    split = rows.reshape(-1, lanes, *rows.shape[1:])
    weights = np.array([1 << (width * lane) for lane in range(lanes)], dtype=np.int64)
    return np.einsum("nl...,l->n...", split, weights)
