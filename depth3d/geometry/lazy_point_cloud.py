"""Point clouds that are placed only when asked for, so that clouds of many megapixels need no room."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import Unit
from depth3d.core.errors import GeometryError
from depth3d.core.point_map import RayGrid, cast_rays
from depth3d.core.rgbd import RGBD
from depth3d.core.short_repr import short_repr
from depth3d.geometry.point_cloud import CloudPart, PointCloud, known_rows

_RECORD = np.dtype([("xyz", "<f4", 3), ("rgb", "V3")])


@dataclass(frozen=True, slots=True, eq=False)
class PixelCloud:
    """One point for each pixel of known depth, in camera axes (x right, y down, z forward).

    It stands for the points of `to_cloud(rgbd)`, in the same order, and can be saved like
    them; but a point exists only while its part of the picture is written.

    Attributes:
        z: (H, W) float32 depth along the optical axis, NaN where unknown.
        rgb: (H, W, 3) uint8, sRGB.
        rays: the pixels' rays.
        unit: of every length, "m" or "arbitrary".
        every: whether every depth is known.

    Raises:
        GeometryError: no depth is known, or the points lie beyond what float32 can hold.
    """

    z: NDArray[np.float32]
    rgb: NDArray[np.uint8]
    rays: RayGrid
    unit: Unit = field(kw_only=True)
    every: bool = field(init=False)

    __repr__ = short_repr

    def __post_init__(self) -> None:
        farthest = np.max(self.z)  # NaN if one is unknown, so that whole pictures are not searched again
        object.__setattr__(self, "every", bool(np.isfinite(farthest)))
        if not self.every:
            farthest = np.fmax.reduce(self.z, axis=None)
        if np.isnan(farthest):
            raise GeometryError("geometry: no point is left; every depth is unknown or was cut away")
        slope = max(float(np.abs(self.rays.x_per_z).max()), float(np.abs(self.rays.y_per_z).max()), 1.0)
        if not float(farthest) * slope <= float(np.finfo(np.float32).max):
            raise GeometryError("geometry: a point is not finite")

    @property
    def count(self) -> int:
        """Number of points."""
        return self.z.size if self.every else int(np.count_nonzero(self.z == self.z))  # NaN equals nothing

    @property
    def has_rgb(self) -> bool:
        """Whether the points have colours: they do."""
        return True

    @property
    def has_normals(self) -> bool:
        """Whether the points have normals: they do not."""
        return False

    def spans(self, at_most: int) -> list[slice]:
        """What `part` takes, one after the other, for about `at_most` points each: some rows of the grid."""
        height, width = self.z.shape
        rows = max(1, at_most // width)
        return [slice(start, min(start + rows, height)) for start in range(0, height, rows)]

    def part(self, span: slice, *, turn: NDArray[np.float64] | None = None) -> CloudPart:
        """The points of one span, turned as `RayGrid.points_at` does."""
        z = self.z[span]
        xyz = self.rays.points_at(z, first_row=span.start, turn=turn)
        known = np.isfinite(z)
        return CloudPart(known_rows(xyz, known), known_rows(self.rgb[span], known), None)

    def records(self, span: slice, *, turn: NDArray[np.float64] | None = None) -> NDArray[np.void]:
        """The points of one span as (n,) records of 15 bytes: xyz, three little-endian float32, and rgb, three bytes.

        All is computed in its place, which takes half the time that `part` and copying take. Four bytes are moved
        faster than three: the fourth of each colour falls on the next record's x, which is written after it.
        """
        import cv2

        z, size = self.z[span], _RECORD.itemsize
        room = np.empty(z.size * size + 1, np.uint8)
        colours: NDArray[np.void] = np.ndarray(z.shape, "V4", room.data, size - 3, (z.shape[1] * size, size))
        colours[...] = cv2.cvtColor(self.rgb[span], cv2.COLOR_RGB2RGBA).view("V4")[..., 0]
        records: NDArray[np.void] = room[:-1].view(_RECORD).reshape(z.shape)
        self.rays.points_at(z, first_row=span.start, turn=turn, out=records["xyz"])
        return records.reshape(-1) if self.every else records[np.isfinite(z)]


Cloud = PointCloud | PixelCloud
"""Points that can be had in parts."""


def gather(cloud: Cloud) -> PointCloud:
    """All points of a cloud at once."""
    if isinstance(cloud, PointCloud):
        return cloud
    parts = [cloud.part(span) for span in cloud.spans(cloud.count)]
    return PointCloud(
        np.concatenate([part.xyz for part in parts]),
        np.concatenate([part.rgb for part in parts if part.rgb is not None]) if cloud.has_rgb else None,
        np.concatenate([part.normals for part in parts if part.normals is not None]) if cloud.has_normals else None,
        unit=cloud.unit,
    )


def to_pixel_cloud(rgbd: RGBD, *, max_points: int | None = None) -> PixelCloud:
    """The coloured points of a photo, to be written without ever being held together.

    Args:
        rgbd: photo, depth and camera, its lens distortion undone.
        max_points: take at most so many pixels, evenly spread over the picture.

    Raises:
        CameraError: the camera's distortion has not been undone.
        GeometryError: no depth is known.
        UsageError: `max_points` is not positive.
    """
    rays = cast_rays(rgbd.camera, rgbd.size, max_points=max_points)
    return PixelCloud(rays.picked(rgbd.depth.z), np.ascontiguousarray(rays.picked(rgbd.rgb)), rays, unit=rgbd.unit)
