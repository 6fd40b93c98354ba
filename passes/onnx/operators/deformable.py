"""Convolutions that look at places which are moved (Dai et al. 2017, Zhu et al. 2019)."""

from tensorjoin.passes.onnx.array import Array, along, iota
from tensorjoin.passes.onnx.node import Node, decomposes
from tensorjoin.passes.onnx.operators.convolution import SPATIAL, weighted, windows_of
from tensorjoin.passes.onnx.operators.normalization import per_channel
from tensorjoin.passes.onnx.operators.sampling import Sampler, Taps, sampled


@decomposes("DeformConv")
def deform_conv(
    node: Node,
    x: Array,
    w: Array,
    offset: Array,
    b: Array | None = None,
    mask: Array | None = None,
) -> Array:
    sizes, groups = w.shape[2:], node.integer("offset_group", 1)
    rank, (n, c) = len(sizes), x.shape[:2]
    chosen = windows_of(node, x.shape[2:], sizes)
    counts = [window.count for window in chosen]
    offset = offset.reshape([n, groups, *sizes, rank, *counts])
    factors = [] if mask is None else [mask.reshape([n, groups, *sizes, *counts])]

    taps: list[Taps] = []
    for axis, window in enumerate(chosen):
        moved = offset.slice(2 + rank, axis, 1).squeeze([2 + rank])
        starts = iota(window.count) * window.stride - window.before
        steps = iota(window.size) * window.dilation
        place = along(steps, 2 + axis, moved.rank) + along(starts, 2 + rank + axis, moved.rank)
        taps.append(Sampler().taps(moved + place.cast(moved.element), window.extent))
    x = x.reshape([n, groups, c // groups, *x.shape[2:]])
    found = sampled(x, taps, 2, factors).reshape([n, c, *sizes, *counts])
    letters = SPATIAL[: 2 * rank]
    y = weighted(found, letters, w, letters[:rank], node.integer("group", 1), sparse=True)
    y = y.filled(0)
    return y if b is None else y + per_channel(b, y.rank)
