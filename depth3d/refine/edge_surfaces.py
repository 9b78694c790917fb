"""The two surfaces that meet in each cell of a small map, told from the planes of undisturbed cells around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.refine.cell_grid import extremes, offsets, shifted
from depth3d.refine.edge_sides import either_side
from depth3d.refine.local_planes import Patches, fit_patches

_NOISE = 0.002
"""A patch whose cells deviate from its plane by less than this share of the map's range is undisturbed..."""

_DISTURBED = 0.01
"""...and so is one that deviates by less than this share of what the 5x5 cells around span."""

_LEAST_JUMP = 0.005
"""Two surfaces closer than this share of the map's range are one."""

_SLOPE_ENDS = (2, 3)
"""How many cells from its centre a slope between two surfaces is looked at, to see whether it levels off..."""

_LEVELLING = 0.25
"""...by this share of its steepness per cell."""


@dataclass(frozen=True, slots=True, eq=False)
class TwoSurfaces:
    """What each cell of a map shows: one plane, or a nearer and a farther one of which its value is a mixture.

    Attributes:
        near: (3, h, w) float32, the nearer plane: value at the cell's centre, slope per cell in x, slope in y.
        far: (3, h, w) float32, the farther plane; the same as `near` where the cell shows one surface only.
        mixed: (h, w) True where it shows two.
    """

    near: NDArray[np.float32]
    far: NDArray[np.float32]
    mixed: NDArray[np.bool_]

    @property
    def jump(self) -> NDArray[np.float32]:
        """(h, w) float32, how far the two planes are apart at the cell's centre; 0 where there is one."""
        return np.asarray(self.near[0] - self.far[0], np.float32)


def find_surfaces(values: NDArray[np.float32]) -> TwoSurfaces:
    """Tell cells that show one surface from cells that mix two.

    A cell belongs to one surface if some 3x3 patch that contains it is a plane. Any other one is a mixture of two,
    which plane patches beside it continue.

    Args:
        values: (h, w), larger is nearer, NaN where unknown, scaled so that they span about 0 to 1.
    """
    exact = values.astype(np.float64)
    patches = fit_patches(exact)
    highest, lowest = extremes(exact, 2)
    plane = patches.deviation <= np.maximum(_DISTURBED * (highest - lowest), _NOISE)
    plane &= ~_is_slope_of_edge(exact, patches)
    own, pure = _own_plane(exact, patches, plane)
    near, far = either_side(exact, patches, plane)
    mixed = np.isfinite(values) & ~pure & (near[0] - far[0] > _LEAST_JUMP)
    for layer in (near, far):
        layer[:, ~mixed] = own[:, ~mixed]
    return TwoSurfaces(near.astype(np.float32), far.astype(np.float32), mixed)


def _is_slope_of_edge(values: NDArray[np.float64], patches: Patches) -> NDArray[np.bool_]:
    """Whether a patch is no surface but the slope between two: steep, and levelling off at both of its ends."""
    found = np.zeros(values.shape, bool)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        slope = patches.slope_x * dx + patches.slope_y * dy
        steep = np.abs(slope) > _NOISE
        divisor = np.where(steep, slope, 1)
        for distance in _SLOPE_ENDS:
            ahead = shifted(values, dy * distance, dx * distance, np.nan) - patches.value - distance * slope
            behind = shifted(values, -dy * distance, -dx * distance, np.nan) - patches.value + distance * slope
            found |= steep & (ahead / divisor < -_LEVELLING) & (behind / divisor > _LEVELLING)
    return found


def _own_plane(
    values: NDArray[np.float64], patches: Patches, plane: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The cell's value with the slope of the flattest plane patch that contains it, and whether there is one."""
    own = np.zeros((3, *values.shape))
    own[0] = values
    least = np.full(values.shape, np.inf)
    deviations = np.where(plane, patches.deviation, np.inf)
    for dy, dx in offsets(1):
        # Of equally flat patches the most central one counts.
        deviation = shifted(deviations, dy, dx, np.inf) * (1 + 0.1 * (abs(dy) + abs(dx)))
        flatter = deviation < least
        np.copyto(least, deviation, where=flatter)
        np.copyto(own[1], shifted(patches.slope_x, dy, dx, 0.0), where=flatter)
        np.copyto(own[2], shifted(patches.slope_y, dy, dx, 0.0), where=flatter)
    return own, np.isfinite(least)
