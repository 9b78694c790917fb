"""Unprojection: depth and a camera become points in space."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth, Unit
from depth3d.core.errors import CameraError, GeometryError, UsageError
from depth3d.core.short_repr import short_repr

_Pixel = TypeVar("_Pixel", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class PointMap:
    """Points still on the pixel grid, in camera axes (x right, y down, z forward).

    The grid may be thinner than the photo: grid cell (i, j) is the photo's pixel in row `rows[i]`, column `columns[j]`.

    Attributes:
        xyz: (H, W, 3) float32; all three NaN where depth is unknown.
        rows: (H,) int64, photo row of each grid row, ascending.
        columns: (W,) int64, photo column of each grid column, ascending.
        photo_size: (width, height) of the photo in pixels.
        unit: of every length, "m" or "arbitrary".
    """

    xyz: NDArray[np.float32]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    photo_size: tuple[int, int]
    unit: Unit = field(kw_only=True)

    __repr__ = short_repr

    @property
    def z(self) -> NDArray[np.float32]:
        """(H, W) float32 view of the depth along the optical axis."""
        return self.xyz[..., 2]

    @property
    def known(self) -> NDArray[np.bool_]:
        """(H, W) True where there is a point."""
        return np.isfinite(self.z)

    def colours(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, the photo's colour at each grid cell.

        Raises:
            GeometryError: the photo has another size than the depth.
        """
        if (rgb.shape[1], rgb.shape[0]) != self.photo_size:
            raise GeometryError(
                f"the photo is {rgb.shape[1]}x{rgb.shape[0]}, its depth {self.photo_size[0]}x{self.photo_size[1]}"
            )
        if self.xyz.shape[:2] == rgb.shape[:2]:
            return rgb
        return rgb[self.rows[:, None], self.columns[None, :]]


@dataclass(frozen=True, slots=True, eq=False)
class RayGrid:
    """The rays of chosen pixels of an ideal camera.

    Attributes:
        rows: (H,) int64, photo row of each grid row, ascending.
        columns: (W,) int64, photo column of each grid column, ascending.
        x_per_z: (W,) float32, x of each column's points at depth 1.
        y_per_z: (H,) float32, y of each row's points at depth 1.
        photo_size: (width, height) of the photo in pixels.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    x_per_z: NDArray[np.float32]
    y_per_z: NDArray[np.float32]
    photo_size: tuple[int, int]

    __repr__ = short_repr

    def picked(self, image: NDArray[_Pixel]) -> NDArray[_Pixel]:
        """The chosen pixels of an image of the photo's size; the image itself where all are chosen."""
        if image.shape[:2] == (len(self.rows), len(self.columns)):
            return image
        return image[self.rows[:, None], self.columns[None, :]]

    def points_at(
        self,
        z: NDArray[np.float32],
        *,
        first_row: int = 0,
        turn: NDArray[np.float64] | None = None,
        out: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """(h, W, 3) points at depth z (h, W), for h rows of the grid from `first_row` on.

        A `turn` by right angles, or a mirror, (3, 3) of one 1 or -1 in each row and column, is applied on the way and
        costs nothing. The points go to `out` if it is given, which may be a field of records.
        """
        y_per_z = self.y_per_z[first_row : first_row + len(z)]
        per_z = (self.x_per_z[None, :], y_per_z[:, None], np.ones((1, 1), np.float32))
        xyz = np.empty((*z.shape, 3), np.float32) if out is None else out
        for axis, row in enumerate(np.eye(3) if turn is None else turn):
            component = int(np.abs(row).argmax())
            factor = per_z[component] * np.float32(row[component]) + np.float32(0)  # no negative zeros
            if factor.size == 1 and factor[0, 0] == 1:
                xyz[..., axis] = z
            else:
                np.multiply(z, factor, out=xyz[..., axis])
        return xyz


def cast_rays(camera: Intrinsics, size: tuple[int, int], *, max_points: int | None = None) -> RayGrid:
    """The rays of a camera's pixels.

    Args:
        camera: intrinsics without lens distortion.
        size: (width, height) of the depth that they are for.
        max_points: take at most so many pixels, evenly spread over the picture.

    Raises:
        CameraError: the camera belongs to another image size, or its distortion has not been undone.
        UsageError: `max_points` is not positive.
    """
    if camera.size != size:
        raise CameraError(f"the camera is for {camera.width}x{camera.height}, the depth is {size[0]}x{size[1]}")
    if not camera.is_ideal:
        raise CameraError("unproject: undo the lens distortion first; only an ideal camera has straight rays")
    rows, columns = _grid(size, max_points)
    x_per_z = ((columns + (0.5 - camera.cx)) / camera.fx).astype(np.float32)
    y_per_z = ((rows + (0.5 - camera.cy)) / camera.fy).astype(np.float32)
    return RayGrid(rows, columns, x_per_z, y_per_z, size)


def unproject(depth: MetricDepth, camera: Intrinsics, *, max_points: int | None = None) -> PointMap:
    """Place every pixel at its depth: x = (u - cx) z / fx, y = (v - cy) z / fy (Hartley & Zisserman, 2nd ed., 6.1).

    Args:
        depth: z along the optical axis.
        camera: intrinsics of the same image size, without lens distortion.
        max_points: take at most so many pixels, evenly spread over the picture; each keeps its exact position.

    Raises:
        CameraError: the camera belongs to another image size, or its distortion has not been undone.
        UsageError: `max_points` is not positive.
    """
    rays = cast_rays(camera, depth.size, max_points=max_points)
    return PointMap(rays.points_at(rays.picked(depth.z)), rays.rows, rays.columns, depth.size, unit=depth.unit)


def grid_normals(points: PointMap) -> NDArray[np.float32]:
    """Unit normals towards the camera, (H, W, 3) float32, from each point's neighbours on the grid.

    Along each grid axis the neighbour with the smaller depth difference is used, so that a normal at a depth jump
    belongs to its own surface. Where no neighbour is known the normal looks straight at the camera.
    """
    along_u = smaller_step(points.xyz, axis=1, by=2)
    along_v = smaller_step(points.xyz, axis=0, by=2)
    normals = np.cross(along_v, along_u)
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        normals /= length
        towards_camera = -points.xyz / np.linalg.norm(points.xyz, axis=-1, keepdims=True)
    unclear = ~np.isfinite(normals).all(axis=-1)
    normals[unclear] = towards_camera[unclear]
    return normals


def _grid(size: tuple[int, int], max_points: int | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    width, height = size
    if max_points is not None and max_points < 1:
        raise UsageError(f"max points must be at least 1, got {max_points}")
    shrink = 1.0 if max_points is None else min(1.0, math.sqrt(max_points / (width * height)))
    # Very long pictures: one side stops at a single line, the other takes what is left of the budget.
    grid_width = max(1, int(width * shrink + 1e-9))
    grid_height = max(1, int(height * shrink + 1e-9))
    if max_points is not None:
        grid_width = min(grid_width, max_points)
        grid_height = min(grid_height, max_points // grid_width)
    return _evenly(height, grid_height), _evenly(width, grid_width)


def _evenly(length: int, count: int) -> NDArray[np.int64]:
    return ((np.arange(count) * 2 + 1) * length) // (2 * count)


def smaller_step(values: NDArray[np.float32], axis: int, *, by: int | None = None) -> NDArray[np.float32]:
    """The smaller of the steps to both neighbours, which at a depth jump is the one within the own surface.

    Args:
        values: (H, W) or (H, W, C), NaN where unknown.
        axis: 0 down, 1 to the right.
        by: which of C decides.

    Returns:
        The same shape; NaN where neither neighbour is known.
    """
    step = np.diff(values, axis=axis)
    missing = np.full_like(values[:1] if axis == 0 else values[:, :1], np.nan)
    forward, backward = np.concatenate([step, missing], axis=axis), np.concatenate([missing, step], axis=axis)
    size_forward, size_backward = (np.abs(one if by is None else one[..., by]) for one in (forward, backward))
    take_backward = np.isnan(size_forward) | (size_backward < size_forward)
    return np.where(take_backward if by is None else take_backward[..., None], backward, forward)
