"""Rectangles packed into one picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_SIDE_PX = 8192
MARGIN_PX = 2
"""Room around each rectangle, so that neither filters nor rounding reach into another."""

_FILLED = 0.8
_SMALLER = 0.85


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """Rectangles in one picture.

    Attributes:
        width: of the picture.
        height: of the picture.
        place: (C, 2) left and top of each rectangle, its margin included.
        size: (C, 2) width and height of each without its margin.
        palette: top row of the single pixels at the bottom.
    """

    width: int
    height: int
    place: NDArray[np.float64]
    size: NDArray[np.float64]
    palette: int


def pack(wanted: NDArray[np.float64], single: int, *, most_side: int = MOST_SIDE_PX) -> Packed:
    """Put rectangles into rows, the highest first, and single pixels below; smaller where they would not fit.

    Args:
        wanted: (C, 2) width and height in pixels.
        single: how many single pixels.
        most_side: of the picture.
    """
    shrink = 1.0
    while True:
        size = np.maximum(wanted * shrink, 1.0)
        outer = np.ceil(size) + 2 * MARGIN_PX
        total = float(outer.prod(axis=1).sum()) + single
        widest = float(outer[:, 0].max()) if len(outer) else 1.0
        width = int(min(max(np.ceil(np.sqrt(total / _FILLED)), widest, 4), most_side))
        place, bottom = _rows_of(outer, width)
        height = bottom + -(-single // width)
        if (height <= most_side and widest <= width) or shrink < 1e-3:
            return Packed(width, max(height, 1), place, size, bottom)
        shrink *= _SMALLER


def _rows_of(outer: NDArray[np.float64], width: int) -> tuple[NDArray[np.float64], int]:
    place = np.zeros((len(outer), 2))
    left = top = row = 0
    for one in np.lexsort((np.arange(len(outer)), -outer[:, 1])):
        across, down = outer[one].astype(int).tolist()
        if left + across > width:
            left, top, row = 0, top + row, 0
        place[one] = left, top
        left, row = left + across, max(row, down)
    return place, top + row
