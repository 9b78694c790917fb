"""What a light mesh must keep of the grid it replaces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.point_map import PointMap

_STEP = 0.1
"""The sideways step of the camera that errors are seen from, as a share of the median depth."""


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Signals on the pixel grid; a triangle may replace each by its linear interpolation, within 1.

    Attributes:
        signals: (H, W) float32 each, in units of the error allowed; the first is proportional to 1/z and NaN where
            depth is unknown.
        columns: (W,) int64, photo column of each grid column, ascending.
        rows: (H,) int64, photo row of each grid row, ascending.
        texture_px: how far a triangle may shift its texture, in photo pixels; None without a texture.
        outline_px: how far an outline may retreat over the surface, in photo pixels; where it may, it may also cross
            unknown ground.
    """

    signals: tuple[NDArray[np.float32], ...]
    columns: NDArray[np.int64]
    rows: NDArray[np.int64]
    texture_px: float | None
    outline_px: float = 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the grid."""
        height, width = self.signals[0].shape
        return height, width

    def relaxed(self, factor: float, *, outline_px: float) -> Surface:
        """The same surface with `factor` times the error allowed, and with outlines that may retreat."""
        signals = tuple(signal / np.float32(factor) for signal in self.signals)
        texture_px = None if self.texture_px is None else self.texture_px * factor
        return Surface(signals, self.columns, self.rows, texture_px, outline_px)


def sideways_shift_px(points: PointMap) -> NDArray[np.float32]:
    """(H, W) how far each point moves in the picture, in photo pixels, when the camera steps aside by 10 % of z.

    The step is a tenth of the median depth. The shift f * step / z is proportional to 1/z, in which a plane is linear
    in pixel coordinates, and has no unit of length.
    """
    z = points.z
    step = np.float32(focal_px(points) * _STEP * float(np.nanmedian(z)))
    return step / z


def focal_px(points: PointMap) -> float:
    """The focal length in photo pixels, from how x / z grows from column to column; 0 for less than two columns."""
    known = points.known
    used = np.flatnonzero(known.any(axis=0))
    if len(used) < 2:
        return 0.0
    first, last = int(used[0]), int(used[-1])
    slopes = []
    for column in (first, last):
        row = int(np.argmax(known[:, column]))
        slopes.append(float(points.xyz[row, column, 0]) / float(points.xyz[row, column, 2]))
    return float(points.columns[last] - points.columns[first]) / (slopes[1] - slopes[0])


def uneven(positions: NDArray[np.int64], size: int) -> float:
    """How far grid positions lie from even spacing within blocks of `size` steps, as a share of the block."""
    blocks = (len(positions) - 1) // size
    if blocks == 0 or np.ptp(np.diff(positions)) == 0:
        return 0.0
    return float(np.abs(fractions(positions, size) - np.arange(size + 1) / size).max())


def fractions(positions: NDArray[np.int64], size: int) -> NDArray[np.float32]:
    """(blocks, size + 1) where grid positions lie between the ends of their block, from 0 to 1."""
    blocks = (len(positions) - 1) // size
    inside = positions[np.arange(blocks)[:, None] * size + np.arange(size + 1)]
    first, last = inside[:, :1], inside[:, -1:]
    return np.asarray((inside - first) / (last - first), np.float32)
