"""How many samples a depth edge of a map is wide: what tells how coarse the cells must be that see it as an edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depth3d.refine.cells import fill_unknown, fitted, nearest, shrink
from depth3d.refine.surfaces import find_surfaces

_COARSE = 96
"""Longer side, in cells, of the map on which edges are looked for; even soft ones are narrow there."""

_CLEAR_JUMP = 0.05
"""Jumps below this share of the map's range say little about sharpness."""


def edge_width(values: NDArray[np.float32]) -> float | None:
    """The jump of a typical edge over its steepest slope, in samples; None where the map has no clear edge.

    A step that was averaged over cells gives about 1, one blurred by a Gaussian of one sample 2.3, of two samples 3.4.

    Args:
        values: (h, w), NaN where unknown, scaled so that they span about 0 to 1.
    """
    import cv2

    height, width = values.shape
    coarse = shrink(values, fitted((width, height), _COARSE))
    surfaces = find_surfaces(coarse)
    jump = cv2.dilate(np.where(surfaces.mixed, surfaces.jump, np.float32(0)), np.ones((3, 3), np.uint8))
    clear = surfaces.mixed & (jump > _CLEAR_JUMP)
    if not clear.any():
        return None
    rows, columns = coarse.shape
    reach = int(np.ceil(max(height / rows, width / columns)))
    steepest = cv2.dilate(_slope(values), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    centres = steepest[nearest(rows, height)[:, None], nearest(columns, width)]
    weights = jump[clear].astype(np.float64)
    return _weighted_median(weights / np.maximum(centres[clear], 1e-6), weights)


def _slope(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Size of the gradient from differences of neighbours."""
    import cv2

    filled = fill_unknown(values)
    step = np.array([[-1, 1]], np.float32)
    across = cv2.filter2D(filled, -1, step, anchor=(1, 0), borderType=cv2.BORDER_REPLICATE)
    down = cv2.filter2D(filled, -1, step.T, anchor=(0, 1), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.magnitude(across, down), np.float32)


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(cumulative, cumulative[-1] / 2)])
