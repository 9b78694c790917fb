"""Planes fitted to the 3x3 cells around each cell of a small map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LEAST_SPREAD = 0.5
"""Determinant of the known cells' scatter below which they lie on a line and say nothing about a plane."""


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """The least-squares plane through the known cells of each 3x3 patch.

    Attributes:
        value: (h, w) float64, the plane's value at the patch's centre.
        slope_x: (h, w) float64, per cell.
        slope_y: (h, w) float64, per cell.
        deviation: (h, w) float64, root mean square of what the cells deviate; infinite where too few are known.
    """

    value: NDArray[np.float64]
    slope_x: NDArray[np.float64]
    slope_y: NDArray[np.float64]
    deviation: NDArray[np.float64]


def fit_patches(values: NDArray[np.float64]) -> Patches:
    """Fit a plane to each 3x3 patch of a map.

    Args:
        values: (h, w), NaN where unknown.
    """
    known = np.isfinite(values).astype(np.float64)
    filled = np.where(known > 0, values, 0)
    count = np.maximum(_sum(known), 1e-9)
    x, y, v = _sum(known, 1, 0) / count, _sum(known, 0, 1) / count, _sum(filled) / count
    xx = _sum(known, 2, 0) - count * x * x
    yy = _sum(known, 0, 2) - count * y * y
    xy = _sum(known, 1, 1) - count * x * y
    xv = _sum(filled, 1, 0) - count * x * v
    yv = _sum(filled, 0, 1) - count * y * v
    vv = _sum(filled * filled) - count * v * v
    spread = xx * yy - xy * xy
    usable = spread > _LEAST_SPREAD
    divisor = np.where(usable, spread, 1)
    slope_x = np.where(usable, (xv * yy - yv * xy) / divisor, 0)
    slope_y = np.where(usable, (yv * xx - xv * xy) / divisor, 0)
    square = np.maximum(vv - slope_x * xv - slope_y * yv, 0) / count
    return Patches(v - slope_x * x - slope_y * y, slope_x, slope_y, np.where(usable, np.sqrt(square), np.inf))


def _sum(cells: NDArray[np.float64], power_x: int = 0, power_y: int = 0) -> NDArray[np.float64]:
    """Sum over each 3x3 patch of cells * dx**power_x * dy**power_y."""
    import cv2

    steps = np.array([-1.0, 0.0, 1.0])
    return np.asarray(
        cv2.sepFilter2D(cells, cv2.CV_64F, steps**power_x, steps**power_y, borderType=cv2.BORDER_CONSTANT), np.float64
    )
