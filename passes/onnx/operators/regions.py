"""Regions of interest brought to one size (He et al. 2017, Mask R-CNN)."""

from dataclasses import dataclass

from xdsl.dialects import math
from xdsl.dialects.builtin import i64

from tensorjoin.passes.onnx.array import Array, constant, contract, gather, iota, where
from tensorjoin.passes.onnx.node import Node, decomposes
from tensorjoin.passes.onnx.operators.elementwise import absolute, apply, floor, maximum
from tensorjoin.passes.onnx.operators.sampling import Taps, clipped


@dataclass(frozen=True)
class Bins:
    """How regions [region] are cut in bins along an axis."""

    starts: Array
    """[region]: where the first bin begins."""
    sizes: Array
    """[region]: how long a bin is."""
    number: int
    """Of bins in a region."""
    points: int
    """Of a bin; 0 for as many as it has elements, the last of which may be cut off."""

    @property
    def counts(self) -> Array:
        """The number of points in a bin of each region, if only one number then []."""
        if self.points:
            return constant(float(self.points), self.sizes.element)
        return apply(math.CeilOp, self.sizes)

    def taps(self, extent: int) -> Taps:
        """
        [region, bin, point, tap]: the elements around points, and their weights, which are 0 for
        points beyond the axis; out of range where a bin has no such point.
        """
        element = self.starts.element
        sizes = self.sizes.unsqueeze([1])
        starts = self.starts.unsqueeze([1]) + iota(self.number).cast(element) * sizes
        starts = starts.unsqueeze([2])
        if self.points:
            exists = None
            steps = (self.sizes * (1 / self.points)).reshape([self.sizes.size, 1, 1])
            points = iota(self.points).cast(element)
        else:
            counts = self.counts.reshape([self.sizes.size, 1, 1])
            is_any = counts > 0.0
            steps = where(is_any, sizes.unsqueeze([2]), constant(1.0, element))
            steps = steps / where(is_any, counts, constant(1.0, element))
            # Points are more than half an element apart. So many may lie on the axis, of those
            # from the first that does.
            first = apply(math.CeilOp, (-1.0 - starts) / steps - 0.5)
            first = maximum(first, constant(0.0, element))
            points = first + iota(2 * extent + 3).cast(element)
            exists = (points < counts).unsqueeze([3])
        places = (starts + (points + 0.5) * steps).unsqueeze([3])
        is_beyond = (places < -1.0) | (places > float(extent))
        places = clipped(places, 0, extent - 1)
        taps = floor(places) + iota(2).cast(element)
        weights = where(is_beyond, constant(0.0, element), 1.0 - absolute(places - taps))
        ids = clipped(taps, 0, extent - 1).cast(i64)
        return Taps(ids if exists is None else where(exists, ids, constant(-1, i64)), weights)


@decomposes("RoiAlign")
def roi_align(node: Node, x: Array, rois: Array, batch_indices: Array) -> Array:
    mode, points = node.text("mode", "avg").lower(), node.integer("sampling_ratio", 0)
    if mode == "max" and points == 0:
        raise node.refuse("the largest of a number of points that depends on the region")
    default = "half_pixel" if node.version >= 16 else "output_half_pixel"
    half_pixel = node.text("coordinate_transformation_mode", default) == "half_pixel"
    corners = rois * node.float("spatial_scale", 1.0) - (0.5 if half_pixel else 0.0)
    x1, y1, x2, y2 = (corners.slice(1, k, 1).squeeze([1]) for k in range(4))

    found = x.take(batch_indices, 0)
    count = constant(1.0, x.element)
    for axis, (name, start, end) in enumerate((("height", y1, y2), ("width", x1, x2)), 2):
        length = end - start
        if not half_pixel:
            length = maximum(length, constant(1.0, length.element))
        number = node.integer(f"output_{name}", 1)
        bins = Bins(start, length / float(number), number, points)
        found = folded(found, bins.taps(x.shape[axis]), axis, mode, sparse=points == 0)
        count = count * bins.counts
    found = found.filled(0)
    if mode == "max":
        return found
    count = maximum(count, constant(1.0, count.element))
    return found / (count if count.rank == 0 else count.reshape([count.size, 1, 1, 1]))


def folded(x: Array, taps: Taps, axis: int, mode: str, sparse: bool) -> Array:
    """An axis of x [region, channel, height, width] looked up, and folded to [bin]."""
    assert taps.weights is not None
    table = "rciw" if axis == 2 else "rchi"
    points, bins = table.replace("i", "pkt"), table.replace("i", "p")
    found = gather(f"{table},rpkt->{points}", x, taps.ids, sparse)
    if mode == "avg":
        return contract(f"{points},rpkt->{bins}", found, taps.weights, sparse=sparse)
    # Weights are not negative: the largest may be sought on one axis after the other.
    weights = taps.weights.unsqueeze([1, 5 if axis == 2 else 2])
    return (found * weights).max([axis + 1, axis + 2])
