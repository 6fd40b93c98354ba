"""Fourier transforms, of signals and of their frames, and the mel scale."""

from math import isqrt, pi, prod
from math import log as ln

from xdsl.dialects import math
from xdsl.dialects.builtin import f64

from tensorjoin.passes.onnx.array import (
    Array,
    along,
    concat,
    constant,
    contract,
    iota,
    stack,
    where,
)
from tensorjoin.passes.onnx.node import Node, checked_axis, decomposes
from tensorjoin.passes.onnx.operators.convolution import places
from tensorjoin.passes.onnx.operators.elementwise import apply, exp, floor, log, to_element
from tensorjoin.passes.onnx.windows import Window

MOST_PIECES = 16
"""Each is a part of a statement."""


def rotations(length: int, parts: int, is_inverse: bool) -> Array:
    """
    [step, part of a number, part of the rotated one]: by each step of the unit circle. A number may
    have no other part than the real one.
    """
    angle = iota(length).cast(f64) * (2 * pi / length)
    cos, sin = apply(math.CosOp, angle), apply(math.SinOp, angle)
    sin = sin if is_inverse else -sin
    return stack([stack([cos, sin], 1), stack([-sin, cos], 1)][:parts], 1)


def transformed(x: Array, axis: int, length: int, count: int, is_inverse: bool) -> Array:
    """
    The first `count` numbers of the transform; the last axis has their parts.

    In two steps, where the length has two factors (Cooley and Tukey 1965): places are a * columns
    + b, frequencies are c + rows * d.
    """
    x = x.slice(axis, 0, min(x.shape[axis], length))
    x = x.pad(axis, 0, length - x.shape[axis], 0.0)
    rows = max(n for n in range(1, isqrt(length) + 1) if length % n == 0)
    columns = length // rows
    before, after = x.shape[:axis], x.shape[axis + 1 :]
    x = x.reshape([prod(before), rows, columns, prod(after[:-1]), after[-1]])
    if rows > 1:
        circle = rotations(length, x.shape[-1], is_inverse)
        turns = turned(circle, iota(rows), iota(rows) * columns)
        x = contract("pabqx,acxy->pcbqy", x, turns)
    frequencies = iota(rows).unsqueeze([1]) + iota(-(-count // rows)) * rows
    circle = rotations(length, x.shape[-1], is_inverse)
    y = contract("pcbqx,bcdxy->pdcqy", x, turned(circle, iota(columns), frequencies))
    y = y.reshape([*before, y.shape[1] * rows, *after[:-1], 2]).slice(axis, 0, count)
    return Array((y / float(length) if is_inverse else y).value, x.element)


def turned(circle: Array, rows: Array, frequencies: Array) -> Array:
    """[row, *frequency, part, part]: how far each row is turned."""
    steps = rows.reshape([rows.size, *[1] * frequencies.rank]) * frequencies
    steps = steps - steps / circle.shape[0] * circle.shape[0]
    return circle.take(steps, 0)


def mirrored(x: Array, axis: int, length: int) -> Array:
    """Half of a spectrum for all of it: each number but those in the middle stands for two."""
    frequency = iota(x.shape[axis])
    is_single = frequency.equals(0) | (frequency * 2).equals(length)
    weights = where(is_single, constant(1.0, f64), constant(2.0, f64))
    return x * along(weights, axis, x.rank)


@decomposes("DFT")
def dft(node: Node, x: Array, length: Array | None = None, axis: Array | None = None) -> Array:
    where_ = node.integer("axis", 1) if node.version < 20 else -2
    where_ = checked_axis(where_ if axis is None else int(node.value(axis).item()), x.rank)
    is_inverse, is_half = (bool(node.integer(name, 0)) for name in ("inverse", "onesided"))
    extent = x.shape[where_]
    size = 2 * (extent - 1) if is_inverse and is_half else extent
    size = size if length is None else int(node.value(length).item())
    if not is_half:
        return transformed(x, where_, size, size, is_inverse)
    if not is_inverse:
        return transformed(x, where_, size, size // 2 + 1, is_inverse)
    half = x.slice(where_, 0, min(extent, size // 2 + 1))
    y = transformed(mirrored(half, where_, size), where_, size, size, is_inverse)
    return y.slice(x.rank - 1, 0, 1)


@decomposes("STFT")
def stft(
    node: Node, signal: Array, step: Array, window: Array | None = None, length: Array | None = None
) -> Array:
    size = signal.shape[1] if window is None else window.size
    size = size if length is None else int(node.value(length).item())
    x = framed(signal, size, int(node.value(step).item()))
    if window is not None:
        x = x * window.reshape([size, 1])
    count = size // 2 + 1 if node.integer("onesided", 1) else size
    return transformed(x, 2, size, count, is_inverse=False)


def framed(signal: Array, size: int, step: int) -> Array:
    """[batch, frame, place, part]: pieces as long as a step, of which each frame has several."""
    extent = signal.shape[1]
    frames, pieces = max(0, (extent - size) // step + 1), -(-size // step)
    if pieces > MOST_PIECES:
        return signal.take(places(Window(extent, size, step)), 1)
    x = signal.pad(1, 0, max(0, (frames + pieces - 1) * step - extent), 0.0)
    shape = [x.shape[0], frames, step, x.shape[2]]
    shifted = [x.slice(1, k * step, frames * step).reshape(shape) for k in range(pieces)]
    return concat(shifted, 2).slice(2, 0, size)


@decomposes("MelWeightMatrix")
def mel_weight_matrix(
    node: Node, count: Array, length: Array, rate: Array, lower: Array, upper: Array
) -> Array:
    """[bin of the spectrum, band]: the triangles of bands whose edges are equally far in mel."""
    bands, size = int(node.value(count).item()), int(node.value(length).item())
    low, high = (mel(edge.reshape([]).cast(f64)) for edge in (lower, upper))
    edges = hertz(iota(bands + 2).cast(f64) * ((high - low) / float(bands + 2)) + low)
    bins = floor(edges * float(size + 1) / rate.reshape([]).cast(f64))
    left, center, right = (bins.slice(0, k, bands) for k in range(3))
    j = iota(size // 2 + 1).cast(f64).unsqueeze([1])
    zero = constant(0.0, f64)
    rising = where((left <= j) & (j < center), (j - left) / (center - left), zero)
    falling = where((center < j) & (j < right), (right - j) / (right - center), rising)
    weights = where(j.equals(center), constant(1.0, f64), falling)
    return to_element(node, weights, node.integer("output_datatype", 1))


def mel(frequency: Array) -> Array:
    """2595 log10(1 + f / 700)"""
    return log(frequency / 700.0 + 1.0) * (2595 / ln(10))


def hertz(mel: Array) -> Array:
    return (exp(mel * (ln(10) / 2595)) - 1.0) * 700.0
