"""How wide depth edges of a map are: what tells how coarse the cells must be, and which edges nobody saw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depth3d.refine.cell_grid import fill_unknown, fitted, nearest, shrink
from depth3d.refine.edge_surfaces import TwoSurfaces, find_surfaces

_COARSE = 96
"""Longer side, in cells, of the map on which edges are looked for; even soft ones are narrow there."""

_CLEAR_JUMP = 0.05
"""Jumps below this share of the map's range say little about sharpness."""

_WIDEST = 0.015
"""An edge wider than this share of the picture's longer side was not seen by the network; a step would be a guess.

A network of 256 pixels that sees an edge draws it over one or two of them, 0.4 to 0.8 %, one of 160 pixels up to 1.3 %;
where it only suspects one, as small networks do behind most things on a table, the slope takes 2 % and more."""

_NARROWEST_SAMPLES = 2.6
"""A step of a map, averaged over its samples and blurred by one of them, is at most so many samples wide."""

_NEIGHBOURHOOD = 2.0
"""Sigma, in cells, of the window in which edges are as wide as one another, so that an edge is kept or left whole."""


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
    weights = jump[clear].astype(np.float64)
    return _weighted_median(weights / np.maximum(_steepest(values, coarse.shape)[clear], 1e-6), weights)


def without_soft_edges(surfaces: TwoSurfaces, cells: NDArray[np.float32], values: NDArray[np.float32]) -> TwoSurfaces:
    """The surfaces, one instead of two wherever the map's edge is too wide for anybody to have seen a step there.

    Args:
        surfaces: what each of (h, w) cells shows.
        cells: (h, w) their values, NaN where unknown.
        values: (H, W) the map they are the means of.
    """
    import cv2

    if not surfaces.mixed.any():
        return surfaces
    jump = np.where(surfaces.mixed, surfaces.jump, np.float32(0)).astype(np.float32)
    whole_jump = cv2.dilate(jump, np.ones((5, 5), np.uint8))  # beside the middle of a wide slope only part is seen
    width = whole_jump / np.maximum(_steepest(values, jump.shape), np.float32(1e-6))

    def blurred(cells: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.GaussianBlur(cells, (0, 0), _NEIGHBOURHOOD), np.float32)

    logarithm = np.log(np.maximum(width, np.float32(0.1)))
    typical = np.exp(blurred(jump * logarithm) / np.maximum(blurred(jump), np.float32(1e-9)))
    soft = surfaces.mixed & (typical > max(_WIDEST * max(values.shape), _NARROWEST_SAMPLES))
    filled = fill_unknown(cells)
    around = np.pad(filled, 1, mode="edge")
    slope_x, slope_y = (around[1:-1, 2:] - around[1:-1, :-2]) / 2, (around[2:, 1:-1] - around[:-2, 1:-1]) / 2
    own = np.stack([filled, slope_x, slope_y])
    near, far = (np.where(soft, own, planes) for planes in (surfaces.near, surfaces.far))
    return TwoSurfaces(near, far, surfaces.mixed & ~soft)


def _steepest(values: NDArray[np.float32], cells: tuple[int, ...]) -> NDArray[np.float32]:
    """The steepest slope per sample within a cell's reach of each of (h, w) cells."""
    import cv2

    (height, width), (rows, columns) = values.shape, cells
    reach = int(np.ceil(max(height / rows, width / columns)))
    steepest = cv2.dilate(_slope(values), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    return np.asarray(steepest[nearest(rows, height)[:, None], nearest(columns, width)], np.float32)


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
