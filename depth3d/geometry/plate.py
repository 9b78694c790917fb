"""Solids for 3D printing: the depth of a photo as a relief on a plate."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import GeometryError, UsageError
from depth3d.core.options import PlateOptions
from depth3d.core.short_repr import short_repr

_DEFAULTS = PlateOptions()

_CELL_MM = 0.2  # half of the usual nozzle
_LARGEST_MM = 5000.0
_MOST_CELLS = 1_000_000
_PERCENTILES = (0.5, 99.5)


@dataclass(frozen=True, slots=True, eq=False)
class Plate:
    """A closed body as it stands on the printer's bed: x to the picture's right, y to its top, z up, in millimetres.

    Attributes:
        xyz_mm: (N, 3) float32, finite; the bed is z = 0.
        faces: (M, 3) uint32 rows of vertex indices, counter-clockwise as seen from outside.

    Raises:
        GeometryError: no face, a vertex that is not finite, or an index out of range.
    """

    xyz_mm: NDArray[np.float32]
    faces: NDArray[np.uint32]

    __repr__ = short_repr

    def __post_init__(self) -> None:
        if len(self.faces) == 0 or int(self.faces.max()) >= len(self.xyz_mm):
            raise GeometryError("solid: no face, or a face names a vertex that is not there")
        if not np.isfinite(self.xyz_mm).all():
            raise GeometryError("solid: a vertex is not finite")


def to_plate(
    depth: InverseDepth | MetricDepth,
    *,
    width_mm: float = _DEFAULTS.plate_width_mm,
    relief_mm: float = _DEFAULTS.plate_height_mm,
    base_mm: float = _DEFAULTS.plate_base_mm,
) -> Plate:
    """Raise the picture out of a plate: near is high.

    Height is linear in 1/z between the farthest and the nearest half percent, so that planes stay planes and straight
    lines straight. From the front such a relief looks like the scene itself (Belhumeur, Kriegman and Yuille, The
    Bas-Relief Ambiguity, 1999). A hole of unknown depth, or the sky, is as low as the lowest on its rim. The unit of
    depth does not matter.

    Args:
        depth: relative or metric.
        width_mm: width of the plate; its height follows from the picture's shape.
        relief_mm: height of the nearest things over the farthest.
        base_mm: thickness of the plate under the farthest.

    Raises:
        UsageError: a length is not positive, or the plate is larger than 5 m.
    """
    height_px, width_px = (depth.values if isinstance(depth, InverseDepth) else depth.z).shape
    height_mm = width_mm * height_px / width_px
    for name, length in (("width", width_mm), ("height", height_mm), ("relief", relief_mm), ("base", base_mm)):
        if not 0 < length <= _LARGEST_MM:
            raise UsageError(f"plate: its {name} must lie between 0 and {_LARGEST_MM:g} mm, got {length:g} mm")
    level = _levels(depth, _grid_size((width_px, height_px), width_mm))
    rows, columns = level.shape
    x, y = np.linspace(0, width_mm, columns), np.linspace(height_mm, 0, rows)
    z = base_mm + relief_mm * level
    return _closed(np.stack(np.broadcast_arrays(x[None, :], y[:, None], z), axis=-1).astype(np.float32))


def _grid_size(size: tuple[int, int], width_mm: float) -> tuple[int, int]:
    """(columns, rows) of the vertices: as fine as a printer can show, no finer than the picture."""
    width, height = size
    finest = max(width_mm / _CELL_MM, width_mm * height / width / _CELL_MM)
    shrink = min(1.0, finest / max(width, height), (_MOST_CELLS / (width * height)) ** 0.5)
    return max(2, round(width * shrink)), max(2, round(height * shrink))


def _levels(depth: InverseDepth | MetricDepth, size: tuple[int, int]) -> NDArray[np.float32]:
    """Nearness from 0 to 1 on a grid of (columns, rows); each value is the mean over its part of the picture."""
    nearness = depth.values if isinstance(depth, InverseDepth) else np.float32(1) / depth.z
    known = np.isfinite(nearness)
    low, high = np.percentile(nearness[known], _PERCENTILES)
    if not high > low:
        return np.zeros(size[::-1], np.float32)
    level = np.clip((np.where(known, nearness, low) - np.float32(low)) / np.float32(high - low), 0, 1)
    level = level if known.all() else _without_holes(level.astype(np.float32), known)
    return np.clip(np.asarray(cv2.resize(level, size, interpolation=cv2.INTER_AREA), np.float32), 0, 1)


def _without_holes(level: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Each connected region of unknown level gets the lowest level that touches it."""
    count, hole = cv2.connectedComponents((~known).astype(np.uint8), connectivity=8)
    around = cv2.dilate(hole.astype(np.float32), np.ones((3, 3), np.uint8)).astype(np.int64)
    rim = known & (around > 0)
    lowest = np.ones(count, np.float32)
    np.minimum.at(lowest, around[rim], level[rim])
    return np.where(known, level, lowest[hole])


def _closed(top: NDArray[np.float32]) -> Plate:
    """The body between a grid of points (H, W, 3) and the bed: the grid, walls around it, and the floor."""
    height, width = top.shape[:2]
    index = np.arange(height * width, dtype=np.uint32).reshape(height, width)
    # Once around, counter-clockwise as seen from above; y grows towards row 0.
    around = np.concatenate([index[-1, :-1], index[:0:-1, -1], index[0, :0:-1], index[:-1, 0]])
    floor = top.reshape(-1, 3)[around] * np.array([1, 1, 0], np.float32)
    middle = (floor.min(axis=0) + floor.max(axis=0)) / 2
    below = np.arange(len(around), dtype=np.uint32) + np.uint32(index.size)
    centre = np.full(len(around), index.size + len(around), np.uint32)
    above_next, below_next = np.roll(around, -1), np.roll(below, -1)
    faces = [
        _grid_faces(top[..., 2], index),
        np.stack([below, below_next, above_next], axis=1),
        np.stack([below, above_next, around], axis=1),
        np.stack([below_next, below, centre], axis=1),
    ]
    return Plate(np.concatenate([top.reshape(-1, 3), floor, middle[None]]), np.concatenate(faces))


def _grid_faces(z: NDArray[np.float32], index: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Two triangles per cell, counter-clockwise from above; each cell is split where its surface bends least."""
    corners = (np.s_[:-1, :-1], np.s_[:-1, 1:], np.s_[1:, :-1], np.s_[1:, 1:])
    top_left, top_right, bottom_left, bottom_right = (z[corner] for corner in corners)
    rising = np.abs(top_right - bottom_left) < np.abs(top_left - bottom_right)
    splits = ((~rising, (0, 2, 3)), (~rising, (0, 3, 1)), (rising, (0, 2, 1)), (rising, (1, 2, 3)))
    faces = [np.stack([index[corners[k]][chosen] for k in triangle], axis=1) for chosen, triangle in splits]
    return np.concatenate(faces)
