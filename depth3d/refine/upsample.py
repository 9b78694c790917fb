"""Surfaces of cells painted onto pixels: smooth within a surface, with nothing between two."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.refine.cell_grid import nearest, positions, shifted
from depth3d.refine.edge_surfaces import TwoSurfaces

_REACH = 2
"""Cubic interpolation, which drew the map elsewhere, looks so many cells far."""

_STEP = 0.02
"""Neighbours whose planes differ by more than this share of the map's range are two surfaces."""

_SAME_SURFACE = 0.15
"""Planes that differ by much less than this share of the jump are parts of one surface."""

_LINE_PX, _WIDE_CELL_PX = 3, 5.0
"""Lines thinner than half of 3 pixels are artefacts of cells that disagree; of 5 pixels where cells are this wide."""

_BLOCK_PX = 1 << 15
"""Pixels that are painted together: few enough to stay in the processor's cache."""

_UNKNOWN = 1e9
"""Where planes of unknown cells lie: far from everything."""


def paint_edges(values: NDArray[np.float32], surfaces: TwoSurfaces, guide: NDArray[np.float32]) -> None:
    """Replace, in place, the pixels near depth edges by the surface they belong to; leave all others as they are.

    Each pixel takes the plane that its cell offers on its side, averaged bilinearly with those planes of the
    neighbouring cells that continue it.

    Args:
        values: (H, W) the map at the photo's size.
        surfaces: of (h, w) cells.
        guide: (H, W), a pixel is nearer where this is nearer than halfway between its cell's surfaces.
    """
    import cv2

    height, width = values.shape
    rows, columns = surfaces.mixed.shape
    down, across = _Line.of(height, rows), _Line.of(width, columns)
    edge = _edge_cells(surfaces).take(down.own, axis=0).take(across.own, axis=1)
    near, far = (np.nan_to_num(planes, nan=_UNKNOWN) for planes in (surfaces.near, surfaces.far))
    sharpness = np.asarray(1 / (_SAME_SURFACE * _local_jump(surfaces)), np.float32)

    def paint(lines: slice) -> None:
        seen = np.flatnonzero(edge[lines].any(axis=0))
        if len(seen) == 0:
            return
        y, x = down.part(lines), across.part(seen)
        own_near, own_far = (_planes_at(planes, y.own, x.own, y, x) for planes in (near, far))
        chosen = np.where(guide[lines, seen] * 2 > own_near + own_far, own_near, own_far)
        painted = _blended(near, far, chosen, sharpness[np.ix_(y.own, x.own)], y, x)
        # A pixel that is known may lie in a cell that is mostly unknown.
        wanted = edge[lines, seen] & (painted < _UNKNOWN / 2)
        values[lines, seen] = np.where(wanted, painted, values[lines, seen])

    step = max(1, _BLOCK_PX // width)
    blocks = [slice(top, min(top + step, height)) for top in range(0, height, step)]
    with ThreadPoolExecutor(cv2.getNumThreads()) as workers:  # numpy and OpenCV let other threads run meanwhile
        list(workers.map(paint, blocks))
    _remove_hairlines(values, edge, max(height / rows, width / columns))


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """Pixels along one axis of a map of cells.

    Attributes:
        at: (n,) float32 where they lie, in cells counted from the first cell's centre.
        own: (n,) the cell that each lies in.
        cells: how many there are.
    """

    at: NDArray[np.float32]
    own: NDArray[np.intp]
    cells: int

    @classmethod
    def of(cls, pixels: int, cells: int) -> _Line:
        """All pixels of a photo's side."""
        return cls(positions(pixels, cells), nearest(pixels, cells), cells)

    def part(self, which: slice | NDArray[np.intp]) -> _Line:
        """Some of the pixels."""
        return _Line(self.at[which], self.own[which], self.cells)

    def around(self) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32]]]:
        """The cell before each pixel and that behind it, with their shares in bilinear interpolation."""
        first = np.floor(self.at)
        share = self.at - first
        for step, part in ((0, 1 - share), (1, share)):
            yield np.clip(first.astype(np.intp) + step, 0, self.cells - 1), part


def _blended(
    near: NDArray[np.float32],
    far: NDArray[np.float32],
    chosen: NDArray[np.float32],
    sharpness: NDArray[np.float32],
    y: _Line,
    x: _Line,
) -> NDArray[np.float32]:
    """Average over the four cells around each pixel, counting of each its plane closest to `chosen`, if close."""
    total, weight = np.zeros_like(chosen), np.zeros_like(chosen)
    for cell_y, share_y in y.around():
        for cell_x, share_x in x.around():
            nearer, farther = (_planes_at(planes, cell_y, cell_x, y, x) - chosen for planes in (near, far))
            apart = np.where(np.abs(nearer) < np.abs(farther), nearer, farther)
            counted = np.exp(-np.square(apart * sharpness))
            counted *= share_y[:, None] * share_x
            total += counted * apart
            weight += counted
    return np.asarray(chosen + total / np.maximum(weight, np.float32(1e-6)))


def _planes_at(
    planes: NDArray[np.float32], cell_y: NDArray[np.intp], cell_x: NDArray[np.intp], y: _Line, x: _Line
) -> NDArray[np.float32]:
    """(n, m) values of the planes of cells, continued to the pixels in n rows and m columns.

    Rows of pixels share few rows of cells, so that what varies along x is computed once for each of these.
    """
    dy, dx = (y.at - cell_y.astype(np.float32))[:, None], x.at - cell_x.astype(np.float32)
    first, last = int(cell_y[0]), int(cell_y[-1])
    value, slope_x, slope_y = planes[:, first : last + 1].take(cell_x, axis=2)
    values = (value + slope_x * dx).take(cell_y - first, axis=0)
    values += slope_y.take(cell_y - first, axis=0) * dy
    return np.asarray(values, np.float32)


def _remove_hairlines(values: NDArray[np.float32], edge: NDArray[np.bool_], cell_px: float) -> None:
    """Take the median of the neighbours: it keeps planes and steps, and drops what is one or two pixels thin."""
    import cv2

    window = _LINE_PX + 2 if cell_px >= _WIDE_CELL_PX else _LINE_PX
    np.copyto(values, cv2.medianBlur(values, window), where=edge)


def _edge_cells(surfaces: TwoSurfaces) -> NDArray[np.bool_]:
    """Cells so close to a depth edge that interpolation would mix its two sides."""
    import cv2

    edge = surfaces.mixed.copy()
    value, slope_x, slope_y = surfaces.near
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        there = shifted(value, dy, dx, np.nan)
        edge |= np.abs(there - (value + slope_x * dx + slope_y * dy)) > _STEP
    window = np.ones((2 * _REACH + 1, 2 * _REACH + 1), np.uint8)
    return np.asarray(cv2.dilate(edge.astype(np.uint8), window) > 0, np.bool_)


def _local_jump(surfaces: TwoSurfaces) -> NDArray[np.float32]:
    """The greatest jump around each cell, but not less than what counts as a step."""
    import cv2

    window = np.ones((2 * _REACH + 1, 2 * _REACH + 1), np.uint8)
    return np.asarray(np.maximum(cv2.dilate(np.nan_to_num(surfaces.jump), window), _STEP), np.float32)
