"""Where the grid is one surface, and where depth jumps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from depth3d.core.point_map import PointMap

T = TypeVar("T", bound=np.generic)

_INVISIBLE_JUMP = 0.01
"""A jump in 1/z smaller than this share of the nearest things' 1/z is not cut: a camera that moves so far that those
shift by 100 pixels opens a gap of one pixel there. Quantised far depth would otherwise crack all over."""

_ROUNDING = 2e-6
"""Depths are often whole millimetres, whose ratio may be the limit itself. It is let through whatever the unit."""


@dataclass(frozen=True, slots=True, eq=False)
class CutGrid:
    """Two triangles per cell of the grid, each kept or not.

    Attributes:
        rising: (H - 1, W - 1) True where a cell's diagonal runs from its bottom-left to its top-right corner, else
            from its top-left to its bottom-right one.
        left: (H - 1, W - 1) True where the triangle at the cell's left side is kept.
        right: (H - 1, W - 1) True where the one at its right side is kept.
        cut_by_ratio: triangles removed because their corners' depths differ too much.
        cut_by_angle: triangles removed because the camera saw them edge on.
    """

    rising: NDArray[np.bool_]
    left: NDArray[np.bool_]
    right: NDArray[np.bool_]
    cut_by_ratio: int
    cut_by_angle: int

    @property
    def whole(self) -> NDArray[np.bool_]:
        """(H - 1, W - 1) True for the cells of which both triangles are kept."""
        return self.left & self.right

    @property
    def count(self) -> int:
        """How many triangles are kept."""
        return int(self.left.sum()) + int(self.right.sum())

    def faces(self, cells: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """(M, 3) grid indices (row * W + column) of the kept triangles, counter-clockwise as seen from the camera.

        Args:
            cells: (H - 1, W - 1) True for the cells wanted; None for all.
        """
        height, width = self.left.shape
        index = np.arange((height + 1) * (width + 1)).reshape(height + 1, width + 1)
        top_left, top_right, bottom_left, bottom_right = _corners(index)
        left = self.left if cells is None else self.left & cells
        right = self.right if cells is None else self.right & cells
        # Down first, then right, with y pointing down: counter-clockwise for the camera.
        third = np.where(self.rising[left], top_right[left], bottom_right[left])
        fourth = np.where(self.rising[right], bottom_left[right], top_left[right])
        at_left = np.stack([top_left[left], bottom_left[left], third], axis=1)
        at_right = np.stack([bottom_right[right], top_right[right], fourth], axis=1)
        return np.concatenate([at_left, at_right])


def grid_faces(
    z: NDArray[np.float32], cut_ratio: float, *, xyz: NDArray[np.float32] | None = None, cut_angle_deg: float = 0.0
) -> NDArray[np.uint32]:
    """Faces (M, 3) of a full grid of depths, or of distances, cut as in `cut_grid`; NaN is unknown.

    Args:
        z: (H, W) depths or distances.
        cut_ratio: greatest ratio within one triangle.
        xyz: (H, W, 3) the points; None cuts by ratio alone.
        cut_angle_deg: least angle between a triangle and the ray that meets it.
    """
    return _cut(z, xyz, cut_ratio, cut_angle_deg).faces().astype(np.uint32)


def cut_grid(points: PointMap, *, cut_ratio: float, cut_angle_deg: float) -> CutGrid:
    """Split every cell along the diagonal whose ends are closer in 1/z, and drop the triangles across depth jumps.

    A triangle is dropped where its farthest corner is more than `cut_ratio` times as deep as its nearest, or where the
    ray through its middle meets it at less than `cut_angle_deg`; unless the jump in 1/z is below one per cent of the
    nearest things' 1/z (98th percentile). None of these depends on the unit.
    """
    return _cut(points.z, points.xyz, cut_ratio, cut_angle_deg)


def _cut(z: NDArray[np.float32], xyz: NDArray[np.float32] | None, cut_ratio: float, cut_angle_deg: float) -> CutGrid:
    inverse = np.float32(1) / z
    nearest = _nearest(inverse)
    top_left, top_right, bottom_left, bottom_right = _corners(inverse)
    falling, rise = np.abs(top_left - bottom_right), np.abs(top_right - bottom_left)
    rising = (rise < falling - np.float32(_ROUNDING * nearest)) | np.isnan(falling)
    third = np.where(rising, top_right, bottom_right)
    fourth = np.where(rising, bottom_left, top_left)
    kept, by_ratio, by_angle = [], 0, 0
    for at_left, three in ((True, (top_left, bottom_left, third)), (False, (bottom_right, top_right, fourth))):
        near, far = np.maximum.reduce(three), np.minimum.reduce(three)
        keep = np.isfinite(near)
        rows, columns = np.nonzero(near - far > np.float32(_INVISIBLE_JUMP * nearest))
        steep = near[rows, columns] > far[rows, columns] * np.float32(cut_ratio * (1 + _ROUNDING))
        edge_on = np.zeros(len(rows), bool)
        if xyz is not None:
            sine = _sine_to_ray(xyz, rows, columns, rising[rows, columns], at_left=at_left)
            edge_on = ~steep & ~(sine >= math.sin(math.radians(cut_angle_deg)))
        keep[rows[steep | edge_on], columns[steep | edge_on]] = False
        kept.append(keep)
        by_ratio, by_angle = by_ratio + int(steep.sum()), by_angle + int(edge_on.sum())
    return CutGrid(rising, kept[0], kept[1], by_ratio, by_angle)


def _corners(grid: NDArray[T]) -> tuple[NDArray[T], NDArray[T], NDArray[T], NDArray[T]]:
    """Top left, top right, bottom left and bottom right corner of every cell."""
    return grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]


def _sine_to_ray(
    xyz: NDArray[np.float32],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    rising: NDArray[np.bool_],
    *,
    at_left: bool,
) -> NDArray[np.float64]:
    """Sine of the angle between a triangle and the ray through its middle; NaN where it has no area."""
    if at_left:
        a, b = xyz[rows, columns], xyz[rows + 1, columns]
        c = xyz[np.where(rising, rows, rows + 1), columns + 1]
    else:
        a, b = xyz[rows + 1, columns + 1], xyz[rows, columns + 1]
        c = xyz[np.where(rising, rows + 1, rows), columns]
    normal = np.cross((b - a).astype(np.float64), (c - a).astype(np.float64))
    middle = (a + b + c).astype(np.float64)
    lengths = np.linalg.norm(normal, axis=1) * np.linalg.norm(middle, axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(np.einsum("ij,ij->i", normal, middle)) / lengths, np.float64)


def _nearest(inverse: NDArray[np.float32]) -> float:
    known = inverse[np.isfinite(inverse)]
    return float(np.percentile(known, 98)) if known.size else 0.0
