"""The photo's say in where a depth edge runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_WINDOW_CELLS = 1.5
"""How far around a pixel its colour is compared, in cells."""

_SAME_COLOUR = 8.0
"""Differences of colour below about this many of 255 levels are noise."""


def follow_colours(
    values: NDArray[np.float32], rgb: NDArray[np.uint8], *, cell_px: float, colour_weight: float
) -> NDArray[np.float32]:
    """Bend a map so that it is halfway between two surfaces where the border between them should run.

    By position alone, that is where the map itself is halfway. The guided filter (He, Sun and Tang, IEEE TPAMI 35
    (2013)) explains the map around each pixel by the photo's colours, as matting does; both are averaged.

    Args:
        values: (H, W), known everywhere.
        rgb: (H, W, 3) the photo.
        cell_px: width of the map's edges in pixels.
        colour_weight: from 0, position alone, to 1, colour alone.
    """
    import cv2

    if colour_weight == 0:
        return values
    radius = max(1, round(_WINDOW_CELLS * cell_px))
    by_colour = cv2.ximgproc.guidedFilter(rgb, values, radius, _SAME_COLOUR**2)
    return np.asarray((1 - colour_weight) * values + colour_weight * by_colour, np.float32)
