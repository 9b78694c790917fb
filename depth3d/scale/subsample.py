"""Many points, such as a sensor's: a few hundred of them say what all of them say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depth3d.scale.hint import Anchors
from depth3d.scale.prior import Trend

MOST = 400
_GRIDS = (96, 64, 48, 36, 28, 22, 17, 13, 10, 7, 5, 3)
"""Cells along the picture's diagonal, and half as many from the near end to the far one."""


def thin(anchors: Anchors, trend: Trend, diagonal_px: float) -> Anchors:
    """At most about 400 anchors: of each cell in u, v and d the one whose depth is the cell's median.

    A median is not misled by a few outliers, and what lies in one cell shares the network's error, so that the others
    would add little.
    """
    if len(anchors.d) <= MOST:
        return anchors
    t = np.clip(trend.level(anchors.d), -0.5, 1.5)
    for cells in _GRIDS:
        where = np.floor(np.column_stack([anchors.uv / diagonal_px * cells, t * cells / 2])).astype(np.int64)
        _, cell = np.unique(where, axis=0, return_inverse=True)
        if cell.max() < MOST:
            break
    return anchors.keeping(_medians(cell.ravel(), anchors.inverse_m))


def _medians(cell: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N,) which of the values are their cell's lower median."""
    order = np.lexsort((values, cell))
    starts = np.flatnonzero(np.diff(cell[order], prepend=-1))
    counts = np.diff(starts, append=len(order))
    kept = np.zeros(len(cell), bool)
    kept[order[starts + (counts - 1) // 2]] = True
    return kept
