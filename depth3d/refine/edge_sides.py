"""What lies on the nearer and on the farther side of each cell of a small map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depth3d.refine.cell_grid import extremes, offsets, ring, shifted
from depth3d.refine.local_planes import Patches

_REACH = 3
"""How many cells away the centre of a patch may lie that says how a surface continues."""

_SLACK = 0.1
"""A surface may lie beyond what the cells around span by this share of it, and a cell as much beyond its surface."""

_NOWHERE = 1e9


def either_side(
    values: NDArray[np.float64], patches: Patches, plane: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The surface on either side of each cell, continued to its centre.

    Of the plane patches that reach a cell the highest and the lowest count; patches farther away are asked only by
    cells that have found nothing on that side. What no patch reaches is the slope of a wide edge, which goes on to the
    surface that its next cell has found, or a thing too thin for a patch, and its crest stands for it.

    Args:
        values: (h, w), NaN where unknown.
        patches: planes fitted to them.
        plane: (h, w) which of the patches are part of a surface.

    Returns:
        The nearer and the farther side, (3, h, w) each: value, slope per cell in x, slope in y.
    """
    sides = (_Side(values, 1), _Side(values, -1))
    highest, lowest = extremes(values, 2)
    slack = _SLACK * (highest - lowest)
    for reach in range(1, _REACH + 1):
        wanted = [side.is_missing() for side in sides]
        for dy, dx in ring(reach):
            slope_x, slope_y = shifted(patches.slope_x, dy, dx, 0.0), shifted(patches.slope_y, dy, dx, 0.0)
            value = shifted(patches.value, dy, dx, 0.0) - slope_x * dx - slope_y * dy
            usable = shifted(plane, dy, dx, False) & (value <= highest + slack) & (value >= lowest - slack)
            for side, asked in zip(sides, wanted, strict=True):
                side.offer(usable & asked, value, slope_x, slope_y)
    for side in sides:
        side.climb()
        side.take_crest()
    return sides[0].planes, sides[1].planes


class _Side:
    """The surface on one side of each cell.

    Args:
        values: (h, w), the cells' own values.
        sign: 1 for the nearer side, where values are larger, -1 for the farther one.
    """

    def __init__(self, values: NDArray[np.float64], sign: int) -> None:
        self.planes = np.zeros((3, *values.shape))
        self.planes[0] = -sign * _NOWHERE
        self._values = values
        self._sign = sign
        highest, lowest = extremes(values, 1)
        self._outermost = highest if sign > 0 else lowest
        self._slack = _SLACK * (highest - lowest)

    def is_missing(self) -> NDArray[np.bool_]:
        """Where nothing was found that lies as far out on this side as the cell itself."""
        missing: NDArray[np.bool_] = self._sign * (self._values - self.planes[0]) > self._slack
        return missing

    def offer(
        self,
        where: NDArray[np.bool_],
        value: NDArray[np.float64],
        slope_x: NDArray[np.float64] | float,
        slope_y: NDArray[np.float64] | float,
    ) -> None:
        """Take planes that lie farther out than what was found so far."""
        better = where & (self._sign * (value - self.planes[0]) > 0)
        for part, source in zip(self.planes, (value, slope_x, slope_y), strict=True):
            np.copyto(part, source, where=better)

    def climb(self) -> None:
        """Where nothing was found, take what the outermost of the 3x3 cells has found."""
        missing = self.is_missing()
        found = self.planes.copy()
        for dy, dx in offsets(1):
            value, slope_x, slope_y = (shifted(part, dy, dx, 0.0) for part in found)
            is_outermost = shifted(self._values, dy, dx, np.nan) == self._outermost
            asked = missing & is_outermost & ~shifted(missing, dy, dx, True)
            self.offer(asked, value - slope_x * dx - slope_y * dy, slope_x, slope_y)

    def take_crest(self) -> None:
        """Where still nothing was found, take the value of the outermost of the 3x3 cells."""
        self.offer(self.is_missing(), self._outermost, 0.0, 0.0)
