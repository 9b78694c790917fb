"""Many views in one picture, for displays that send each into another direction (Looking Glass)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import UsageError
from depth3d.layers import Layers
from depth3d.render.stereo.stereo_rig import Rig, see

SPAN = 4.0
"""The outermost views are so many times as far apart as two eyes."""

_MOST_VIEWS = 128


def to_quilt(layers: Layers, rig: Rig, tile: tuple[int, int], grid: tuple[int, int]) -> NDArray[np.uint8]:
    """(H, W, 3) tiles: the one at the bottom left is seen from the left, the one at the top right from the right.

    Args:
        layers: the photo in layers.
        rig: two eyes; the outermost views are `SPAN` times as far apart.
        tile: (width, height) of a view in pixels.
        grid: (columns, rows).

    Raises:
        UsageError: fewer than two views, or more than anybody's display has.
    """
    check_grid(grid)
    columns, rows = grid
    sides = tuple(float(side) for side in np.linspace(-SPAN, SPAN, columns * rows))
    views = see(layers, rig, tile, sides)
    lines = [np.hstack(views[start : start + columns]) for start in range(0, len(views), columns)]
    return np.vstack(lines[::-1])


def check_grid(grid: tuple[int, int]) -> None:
    """Raise UsageError for fewer than two views, or more than anybody's display has."""
    columns, rows = grid
    if columns < 1 or rows < 1 or not 2 <= columns * rows <= _MOST_VIEWS:
        raise UsageError(f"a quilt has 2 to {_MOST_VIEWS} views in columns and rows, got {columns}x{rows}")


def quilt_name(grid: tuple[int, int], tile: tuple[int, int]) -> str:
    """What Looking Glass software reads at the end of a file's name.

    >>> quilt_name((8, 6), (420, 560))
    '_qs8x6a0.75'
    """
    return f"_qs{grid[0]}x{grid[1]}a{tile[0] / tile[1]:.4g}"
