"""The photo's say in where a depth edge runs."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_WINDOW_CELLS = 1.5
"""How far around a pixel its colour is compared, in cells."""

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
    by_colour = cv2.ximgproc.guidedFilter(rgb, values, radius, _SAME_COLOUR**2)
    weight = np.float32(colour_weight) * _explained(values, by_colour, radius)
    return np.asarray(values + weight * (by_colour - values), np.float32)


def _explained(values: NDArray[np.float32], by_colour: cv2.typing.MatLike, radius: int) -> NDArray[np.float32]:
    """(H, W) share of the variance around each pixel that colours explain, 0 to 1."""
    window = (2 * radius + 1, 2 * radius + 1)
    variance = cv2.blur(values * values, window) - cv2.blur(values, window) ** 2
    left = cv2.blur((values - by_colour) ** 2, window)
    return np.asarray(np.clip(1 - left / np.maximum(variance, _LEAST_VARIANCE), 0, 1), np.float32)
