"""Which elements of an axis make the elements of a resized one (ONNX, Resize). Knows no IR."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.polynomial.polynomial import polyval

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def keys_kernel(a: float) -> tuple[Sequence[float], Sequence[float]]:
    """
    Cubic convolution (Keys 1981, equation 4): polynomials of the distance, up to 1 and up to 2,
    their constant coefficients first.
    """
    return (1.0, 0.0, -(a + 3), a + 2), (-4 * a, 8 * a, -5 * a, a)


@dataclass(frozen=True)
class ResizedAxis:
    """An axis of `extent` elements, or what lies between the ends of `roi`, brought to `size`."""

    extent: int
    size: int
    scale: float
    roi: tuple[float, float] = (0.0, 1.0)

    @property
    def is_identity(self) -> bool:
        return self.size == self.extent and self.scale == 1.0 and self.roi == (0.0, 1.0)

    def coordinates(self, transformation: str) -> Floats:
        """[place]: where on the axis each place of the resized one lies."""
        place = np.arange(self.size, dtype=np.float64)
        half_pixel = (place + 0.5) / self.scale - 0.5
        last, length = self.extent - 1, self.extent * self.scale
        match transformation:
            case "half_pixel":
                return half_pixel
            case "half_pixel_symmetric":
                return self.extent / 2 * (1 - self.size / length) + half_pixel
            case "pytorch_half_pixel":
                return half_pixel if self.size > 1 else 0 * place
            case "tf_half_pixel_for_nn":
                return (place + 0.5) / self.scale
            case "asymmetric":
                return place / self.scale
            case "align_corners":
                # The length is not rounded here: this is what the conformance tests expect.
                return 0 * place if length == 1 else place * last / (length - 1)
            case "tf_crop_and_resize":
                start, end = self.roi
                if self.size == 1:
                    return 0.5 * (start + end) * last + place
                return start * last + place * (end - start) * last / (self.size - 1)
            case _:
                raise ValueError(f"no coordinate_transformation_mode is {transformation!r}")

    def is_outside(self, transformation: str) -> npt.NDArray[np.bool_]:
        """[place]: whether it lies beyond the ends of the axis."""
        coordinates = self.coordinates(transformation)
        return (coordinates < 0) | (coordinates > self.extent - 1)


@dataclass(frozen=True)
class Interpolation:
    """How an element that lies between others is made of them."""

    mode: str
    transformation: str = "asymmetric"
    nearest_mode: str = "floor"
    cubic_coefficient: float = -0.75
    antialias: bool = False
    exclude_outside: bool = False

    def nearest(self, axis: ResizedAxis) -> Integers:
        """[place]: the element nearest to it."""
        coordinates = axis.coordinates(self.transformation)
        below = np.floor(coordinates)
        rest = coordinates - below
        rounded_up = {
            "round_prefer_floor": rest > 0.5,
            "round_prefer_ceil": rest >= 0.5,
            "floor": np.zeros_like(rest, np.bool_),
            "ceil": rest > 0,
        }
        if self.nearest_mode not in rounded_up:
            raise ValueError(f"no nearest_mode is {self.nearest_mode!r}")
        places = below.astype(np.int64) + rounded_up[self.nearest_mode]
        return places.clip(0, axis.extent - 1)

    def weighted(self, axis: ResizedAxis) -> tuple[Integers, Floats]:
        """[place, tap]: the elements around it, and their weights."""
        coordinates = axis.coordinates(self.transformation)[:, None]
        # A filter that is to blur, when there are fewer places than elements, is stretched.
        stretch = max(1.0, 1 / axis.scale) if self.antialias else 1.0
        first = int(np.floor(-self.radius * stretch)) + 1
        taps = np.floor(coordinates).astype(np.int64) + np.arange(first, 2 - first)
        weights = self.filter((taps - coordinates) / stretch)
        if self.exclude_outside:
            weights = weights * ((taps >= 0) & (taps < axis.extent))
        if self.exclude_outside or self.antialias:
            total = weights.sum(axis=1, keepdims=True)
            weights = weights / np.where(total == 0, 1.0, total)
        return taps.clip(0, axis.extent - 1), weights

    @property
    def radius(self) -> int:
        """How far the filter reaches."""
        return 2 if self.mode == "cubic" else 1

    def filter(self, distance: Floats) -> Floats:
        """The tent, or the cubic convolution kernel."""
        t = np.abs(distance)
        if self.mode == "linear":
            return np.maximum(1 - t, 0)
        if self.mode != "cubic":
            raise ValueError(f"no mode is {self.mode!r}")
        near, far = (polyval(t, piece) for piece in keys_kernel(self.cubic_coefficient))
        return np.where(t <= 1, near, np.where(t < 2, far, 0.0))
