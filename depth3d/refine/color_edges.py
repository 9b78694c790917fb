"""The photo's say in where a depth edge runs."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_WINDOW_CELLS = 1.5
"""How far around a pixel its colour is compared, in cells."""

_COARSE_RADIUS = 8
"""Wider windows are looked at on a reduced picture, as the fast guided filter does (He and Sun, arXiv 1505.00996)."""

_SAME_COLOUR = 8.0
"""Differences of colour below about this many of 255 levels are noise."""

_LEAST_VARIANCE = 1e-9
"""Of a map that spans about 0 to 1; what varies less is flat."""


def follow_colours(
    values: NDArray[np.float32], rgb: NDArray[np.uint8], *, cell_px: float, colour_weight: float
) -> NDArray[np.float32]:
    """Bend a map so that it is halfway between two surfaces where the border between them should run.

    By position alone, that is where the map itself is halfway. The guided filter (He, Sun and Tang, IEEE TPAMI 35
    (2013)) explains the map around each pixel by the photo's colours, as matting does. Both are averaged, and colours
    have the less say the less of the map's variance around a pixel they explain: texture says nothing about depth.

    Args:
        values: (H, W), known everywhere.
        rgb: (H, W, 3) the photo.
        cell_px: width of the map's edges in pixels.
        colour_weight: from 0, position alone, to 1, colour alone where it explains everything.
    """
    if colour_weight == 0:
        return values
    radius = max(1, round(_WINDOW_CELLS * cell_px))
    step = max(1, min(radius // _COARSE_RADIUS, *values.shape))  # a picture of one column keeps it
    coarse_radius = round(radius / step)
    by_colour = cv2.ximgproc.guidedFilter(rgb, values, coarse_radius, _SAME_COLOUR**2, scale=1 / step)
    weight = np.float32(colour_weight) * _explained(values, by_colour, coarse_radius, step)
    return np.asarray(values + weight * (by_colour - values), np.float32)


def _explained(
    values: NDArray[np.float32], by_colour: cv2.typing.MatLike, radius: int, step: int
) -> NDArray[np.float32]:
    """(H, W) share of the variance around each pixel that colours explain, 0 to 1.

    It is found on every `step`-th pixel of every `step`-th row, of which the window reaches `radius` to either side.
    """
    size, window = (values.shape[1], values.shape[0]), (2 * radius + 1, 2 * radius + 1)
    coarse = tuple(max(1, round(side / step)) for side in size)
    seen, explained = (cv2.resize(map_, coarse, interpolation=cv2.INTER_NEAREST_EXACT) for map_ in (values, by_colour))
    variance = cv2.blur(seen * seen, window) - cv2.blur(seen, window) ** 2
    left = cv2.blur((seen - explained) ** 2, window)
    share = np.clip(1 - left / np.maximum(variance, _LEAST_VARIANCE), 0, 1)
    return np.asarray(cv2.resize(share, size, interpolation=cv2.INTER_LINEAR), np.float32)
