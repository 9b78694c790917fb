"""A photo with depth and camera: what clouds, meshes, layers and pictures are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth, Unit
from depth3d.core.errors import GeometryError, UsageError


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RGBD:
    """A photo, its depth and its camera, of one size.

    Attributes:
        rgb: (H, W, 3) uint8, sRGB.
        depth: depth along the optical axis, of the photo's size; its unit is that of every length made from it.
        camera: intrinsics of the photo's size.

    Raises:
        GeometryError: photo, depth and camera differ in size.
    """

    rgb: NDArray[np.uint8]
    depth: MetricDepth
    camera: Intrinsics

    def __post_init__(self) -> None:
        photo = (self.rgb.shape[1], self.rgb.shape[0])
        if not photo == self.depth.size == self.camera.size:
            raise GeometryError(
                f"the photo is {photo[0]}x{photo[1]}, its depth {self.depth.size[0]}x{self.depth.size[1]}, its camera "
                f"{self.camera.width}x{self.camera.height}"
            )

    def __repr__(self) -> str:
        width, height = self.size
        return f"RGBD({width}x{height}, unit={self.unit!r}, camera of {self.camera.fov_x_deg:.1f} degrees)"

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.depth.size

    @property
    def unit(self) -> Unit:
        """The unit of every length."""
        return self.depth.unit

    def ray(self, u: float, v: float) -> NDArray[np.float64]:
        """(3,) the direction seen at image point (u, v), with z = 1; pixel centres lie at +0.5.

        >>> RGBD(np.zeros((2, 4, 3), np.uint8), MetricDepth(np.ones((2, 4)), unit="m"), Intrinsics(4, 2, 2, 2, 2, 1)
        ...     ).ray(3, 1).tolist()
        [0.5, 0.0, 1.0]
        """
        return np.array([(u - self.camera.cx) / self.camera.fx, (v - self.camera.cy) / self.camera.fy, 1.0])

    def sample(self, u: float, v: float) -> NDArray[np.float64]:
        """(3,) the point seen at (u, v), in camera axes; NaN where no depth is known around it.

        Between pixel centres 1/z is interpolated, which is linear along planes; unknown neighbours are left out.

        Raises:
            UsageError: the pixel lies outside the photo.
        """
        width, height = self.size
        if not (0 <= u <= width and 0 <= v <= height):
            raise UsageError(f"the pixel {u:g},{v:g} lies outside the {width}x{height} photo")
        column, row = min(max(u - 0.5, 0.0), width - 1.0), min(max(v - 0.5, 0.0), height - 1.0)
        left, top = int(column), int(row)
        rows, columns = slice(top, top + 2), slice(left, left + 2)
        inverse = 1 / self.depth.z[rows, columns].astype(np.float64)
        across = np.array([1 - (column - left), column - left])[: inverse.shape[1]]
        down = np.array([1 - (row - top), row - top])[: inverse.shape[0]]
        weight = np.where(np.isfinite(inverse), down[:, None] * across, 0)
        total = float(weight.sum())
        mean = float(np.nansum(weight * inverse)) / total if total > 0 else np.nan
        return self.ray(u, v) / mean
