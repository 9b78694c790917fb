"""Point clouds that are placed only when asked for, so that clouds of many megapixels need no room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.camera import Intrinsics
from depth3d.cloud import CloudPart, PointCloud, known_rows
from depth3d.depth import MetricDepth
from depth3d.errors import GeometryError
from depth3d.points import RayGrid, cast_rays


@dataclass(frozen=True, slots=True, eq=False)
class PixelCloud:
    """One point for each pixel of known depth, in camera axes (x right, y down, z forward) and metres.

    It stands for the points of `to_cloud(unproject(depth, camera), rgb)`, in the same order, and can be saved like
    them; but a point exists only while its part of the picture is written.

    Attributes:
        z: (H, W) float32 depth along the optical axis, NaN where unknown.
        rgb: (H, W, 3) uint8, sRGB.
        rays: the pixels' rays.

    Raises:
        GeometryError: no depth is known, or the points lie beyond what float32 can hold.
    """

    z: NDArray[np.float32]
    rgb: NDArray[np.uint8]
    rays: RayGrid

    def __post_init__(self) -> None:
        farthest = np.fmax.reduce(self.z, axis=None)
        if np.isnan(farthest):
            raise GeometryError("geometry: no point is left; every depth is unknown or was cut away")
        slope = max(float(np.abs(self.rays.x_per_z).max()), float(np.abs(self.rays.y_per_z).max()), 1.0)
        if not float(farthest) * slope <= float(np.finfo(np.float32).max):
            raise GeometryError("geometry: a point is not finite")

    @property
    def count(self) -> int:
        """Number of points."""
        return int(np.count_nonzero(self.z == self.z))  # NaN equals nothing

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

    def records(self, span: slice, record: np.dtype[np.void], *, turn: NDArray[np.float64]) -> NDArray[np.void]:
        """The points of one span as (n,) records with the fields xyz, three float32, and rgb, three bytes.

        The coordinates are computed in their places, which saves a third of the time that `part` and copying take.
        """
        z = self.z[span]
        records = np.empty(z.shape, record)
        self.rays.points_at(z, first_row=span.start, turn=turn, out=records["xyz"])
        records["rgb"] = self.rgb[span].view("V3")[..., 0]
        known = np.isfinite(z)
        return records.reshape(-1) if known.all() else records[known]


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
    )


def to_pixel_cloud(
    depth: MetricDepth, camera: Intrinsics, rgb: NDArray[np.uint8], *, max_points: int | None = None
) -> PixelCloud:
    """The coloured points of a photo, to be written without ever being held together.

    Args:
        depth: z along the optical axis in metres.
        camera: intrinsics of the same image size, without lens distortion.
        rgb: (H, W, 3) uint8 photo of the same size.
        max_points: take at most so many pixels, evenly spread over the picture.

    Raises:
        CameraError: the camera belongs to another image size, or its distortion has not been undone.
        GeometryError: no depth is known, or the photo has another size.
        UsageError: `max_points` is not positive.
    """
    rays = cast_rays(camera, depth.size, max_points=max_points)
    if (rgb.shape[1], rgb.shape[0]) != depth.size:
        raise GeometryError(f"the photo is {rgb.shape[1]}x{rgb.shape[0]}, its depth {depth.size[0]}x{depth.size[1]}")
    return PixelCloud(rays.picked(depth.metres), np.ascontiguousarray(rays.picked(rgb)), rays)
