"""The geometry of windows that slide over axes, of convolutions and pools. Knows no IR."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Window:
    """Place k of window o looks at element o * stride + k * dilation - before of one axis."""

    extent: int
    size: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    ceil: bool = False

    @property
    def reach(self) -> int:
        """Elements from the first to the last place."""
        return (self.size - 1) * self.dilation + 1

    @property
    def is_identity(self) -> bool:
        """Whether window o looks at element o, and at no other."""
        return self.size == self.stride == 1 and self.before == self.after == 0

    @property
    def count(self) -> int:
        """How many windows there are (ONNX, MaxPool)."""
        room = self.extent + self.before + self.after - self.reach
        if not self.ceil:
            return max(0, room // self.stride + 1)
        count = -(-room // self.stride) + 1
        # A window may not begin in the padding behind.
        if (count - 1) * self.stride >= self.extent + self.before:
            count -= 1
        return max(0, count)

    @property
    def places(self) -> npt.NDArray[np.int64]:
        """[window, place]: the element looked at, maybe outside of the axis."""
        starts = np.arange(self.count)[:, None] * self.stride - self.before
        return starts + np.arange(self.size)[None, :] * self.dilation

    @property
    def inside(self) -> npt.NDArray[np.bool_]:
        """[window, place]: whether there is such an element."""
        return (self.places >= 0) & (self.places < self.extent)

    @property
    def padded(self) -> npt.NDArray[np.bool_]:
        """[window, place]: whether there is such an element, padding included."""
        return (self.places >= -self.before) & (self.places < self.extent + self.after)


def same_padding(extent: int, reach: int, stride: int, upper: bool) -> tuple[int, int]:
    """The padding that leaves ceil(extent / stride) windows, the odd one behind or before."""
    count = -(-extent // stride)
    total = max(0, (count - 1) * stride + reach - extent)
    return (total // 2, total - total // 2) if upper else (total - total // 2, total // 2)


def windows(
    extents: Sequence[int],
    sizes: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil: bool = False,
) -> list[Window]:
    """One window an axis, from the attributes that convolutions and pools share."""
    found: list[Window] = []
    for axis, extent in enumerate(extents):
        size, stride, dilation = sizes[axis], strides[axis], dilations[axis]
        before, after = pads[axis], pads[len(extents) + axis]
        reach = (size - 1) * dilation + 1
        if auto_pad.startswith("SAME"):
            before, after = same_padding(extent, reach, stride, auto_pad == "SAME_UPPER")
        elif auto_pad == "VALID":
            before = after = 0
        found.append(Window(extent, size, stride, dilation, before, after, ceil))
    return found
