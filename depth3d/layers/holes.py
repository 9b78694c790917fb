"""Small places without depth, given that of a neighbour."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_LARGEST_HOLE = 0.05
"""Share of the picture. A larger place is no hole in a surface but sky, or the end of what the sensor saw."""
_WIDEST_FRAME, _LEAST_OF_SIDE = 0.05, 0.75
"""Sensors see less than the camera beside them: along most of a side a strip without depth, this share of the picture
wide at most. Sky is wider."""
_COLOUR_SIGMA, _DISTANCE_SIGMA = 30.0, 8.0


def fill_holes(inverse: NDArray[np.float32], rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give each pixel of a hole the 1/z of the nearest known pixel to its left, right, top or bottom.

    Of the four the one with the most similar colour and the least distance is taken, so that no depth appears that was
    not there: an average of a thing and the wall behind it would be neither.

    Args:
        inverse: (H, W) 1/z, NaN where unknown.
        rgb: (H, W, 3) uint8 photo.

    Returns:
        (H, W) 1/z; NaN in places larger than holes.
    """
    inside = _filled(inverse, _holes(inverse), rgb)
    # The strips at the top and bottom first; then those at the sides, with the corners between.
    for turned in (False, True):
        strips = _strips(np.isnan(inside.T if turned else inside))
        inside = _filled(inside, strips.T if turned else strips, rgb)
    return inside


def _filled(inverse: NDArray[np.float32], holes: NDArray[np.bool_], rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    rows, columns = np.nonzero(holes)
    if len(rows) == 0:
        return inverse
    blurred = np.asarray(cv2.GaussianBlur(rgb, (0, 0), 1), np.float32)
    best = np.full(len(rows), np.inf, np.float32)
    filled = inverse.copy()
    for row, column, found in _neighbours(np.isfinite(inverse), rows, columns):
        colour = np.abs(blurred[rows, columns] - blurred[row, column]).sum(axis=1) / _COLOUR_SIGMA
        distance = (np.abs(row - rows) + np.abs(column - columns)) / _DISTANCE_SIGMA
        cost = np.where(found, colour + distance, np.inf).astype(np.float32)
        better = cost < best
        best[better] = cost[better]
        filled[rows[better], columns[better]] = inverse[row[better], column[better]]
    return _evened(filled, rows, columns)


def _holes(inverse: NDArray[np.float32]) -> NDArray[np.bool_]:
    unknown = np.isnan(inverse)
    _, label, statistics, _ = cv2.connectedComponentsWithStats(unknown.astype(np.uint8), connectivity=8)
    small = statistics[:, cv2.CC_STAT_AREA] <= _LARGEST_HOLE * inverse.size
    small[0] = False  # the known pixels
    return np.asarray(small[label])


def _strips(unknown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(H, W) True in narrow strips without depth along the whole top or bottom."""
    strips = np.zeros_like(unknown)
    for way in (slice(None), slice(None, None, -1)):
        outwards = np.logical_and.accumulate(unknown[way], axis=0)
        width = outwards.sum(axis=0)
        narrow = width <= _WIDEST_FRAME * len(unknown)
        if narrow.mean() >= _LEAST_OF_SIDE:
            strips[way] |= outwards & narrow
    return strips


def _neighbours(
    known: NDArray[np.bool_], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]]:
    """For each of four directions row and column of the first known pixel, and whether there is one."""
    found = []
    height, width = known.shape
    number = np.arange(width)
    left = np.maximum.accumulate(np.where(known, number, -1), axis=1)[rows, columns]
    right = np.minimum.accumulate(np.where(known, number, width)[:, ::-1], axis=1)[:, ::-1][rows, columns]
    for column, there in ((left, left >= 0), (right, right < width)):
        found.append((rows, np.where(there, column, 0), there))
    number = np.arange(height)[:, None]
    above = np.maximum.accumulate(np.where(known, number, -1), axis=0)[rows, columns]
    below = np.minimum.accumulate(np.where(known, number, height)[::-1], axis=0)[::-1][rows, columns]
    for row, there in ((above, above >= 0), (below, below < height)):
        found.append((np.where(there, row, 0), columns, there))
    return found


def _evened(filled: NDArray[np.float32], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
    """Rows and columns decided on their own: a median takes their teeth away."""
    for _ in range(2):
        lowest = np.nanmin(filled)
        median = cv2.medianBlur(np.where(np.isnan(filled), lowest, filled), 5)
        filled = filled.copy()
        known = np.isfinite(filled[rows, columns])
        filled[rows[known], columns[known]] = median[rows[known], columns[known]]
    return filled
