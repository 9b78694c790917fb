"""Surfaces of cells painted onto pixels: smooth within a surface, with nothing between two."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from depth3d.refine.cells import nearest, positions, shifted
from depth3d.refine.surfaces import TwoSurfaces

_REACH = 2
"""Cubic interpolation, which drew the map elsewhere, looks so many cells far."""

_STEP = 0.02
"""Neighbours whose planes differ by more than this share of the map's range are two surfaces."""

_SAME_SURFACE = 0.15
"""Planes that differ by much less than this share of the jump are parts of one surface."""

_LINE_PX, _WIDE_CELL_PX = 3, 5.0
"""Lines thinner than half of 3 pixels are artefacts of cells that disagree; of 5 pixels where cells are this wide."""

_BLOCK_PX = 1 << 16


def paint_edges(values: NDArray[np.float32], surfaces: TwoSurfaces, guide: NDArray[np.float32]) -> None:
    """Replace, in place, the pixels near depth edges by the surface they belong to; leave all others as they are.

    Each pixel takes the plane that its cell offers on its side, averaged bilinearly with those planes of the
    neighbouring cells that continue it.

    Args:
        values: (H, W) the map at the photo's size.
        surfaces: of (h, w) cells.
        guide: (H, W), a pixel is nearer where this is nearer than halfway between its cell's surfaces.
    """
    height, width = values.shape
    rows, columns = surfaces.mixed.shape
    cell_y, cell_x = nearest(height, rows), nearest(width, columns)
    edge = _edge_cells(surfaces)
    planes = np.concatenate([surfaces.near, surfaces.far]).reshape(6, -1)
    tolerance = _SAME_SURFACE * _local_jump(surfaces).ravel()
    pixel_y, pixel_x = positions(height, rows), positions(width, columns)

    def paint(lines: slice) -> None:
        y, x = np.nonzero(edge[cell_y[lines, None], cell_x])
        if len(y) == 0:
            return
        y += lines.start
        own_y, own_x, point_y, point_x = cell_y[y], cell_x[x], pixel_y[y], pixel_x[x]
        near, far = _planes_at(planes, columns, own_y, own_x, point_y, point_x)
        chosen = np.where(guide[y, x] * 2 > near + far, near, far)
        own = tolerance[own_y * columns + own_x]
        painted = _blended(planes, chosen, own, (rows, columns), point_y, point_x)
        seen = np.isfinite(painted)  # a pixel that is known may lie in a cell that is mostly unknown
        values[y[seen], x[seen]] = painted[seen]

    step = max(1, _BLOCK_PX // width)
    with ThreadPoolExecutor(os.cpu_count()) as workers:  # numpy lets other threads run while it computes
        list(workers.map(paint, [slice(top, top + step) for top in range(0, height, step)]))
    _remove_hairlines(values, edge[cell_y[:, None], cell_x], max(height / rows, width / columns))


def _blended(
    planes: NDArray[np.float32],
    chosen: NDArray[np.float32],
    tolerance: NDArray[np.float32],
    grid: tuple[int, int],
    y: NDArray[np.float32],
    x: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Average over the four cells around each point, counting of each its plane closest to `chosen`, if close."""
    rows, columns = grid
    first_y, first_x = np.floor(y).astype(np.intp), np.floor(x).astype(np.intp)
    part_y, part_x = y - first_y.astype(np.float32), x - first_x.astype(np.float32)
    total, weight = np.zeros_like(chosen), np.zeros_like(chosen)
    for step_y, share_y in ((0, 1 - part_y), (1, part_y)):
        cell_y = np.clip(first_y + step_y, 0, rows - 1)
        for step_x, share_x in ((0, 1 - part_x), (1, part_x)):
            cell_x = np.clip(first_x + step_x, 0, columns - 1)
            near, far = _planes_at(planes, columns, cell_y, cell_x, y, x)
            plane = np.where(np.abs(near - chosen) < np.abs(far - chosen), near, far)
            closeness = np.exp(-np.minimum(((plane - chosen) / tolerance) ** 2, 50))
            known = np.isfinite(plane)
            counted = np.where(known, share_y * share_x * closeness, np.float32(0))
            total += counted * np.where(known, plane, np.float32(0))
            weight += counted
    some = weight > 1e-6
    return np.where(some, total / np.where(some, weight, 1), chosen)


def _remove_hairlines(values: NDArray[np.float32], edge: NDArray[np.bool_], cell_px: float) -> None:
    """Take the median of the neighbours: it keeps planes and steps, and drops what is one or two pixels thin."""
    import cv2

    window = _LINE_PX + 2 if cell_px >= _WIDE_CELL_PX else _LINE_PX
    np.copyto(values, cv2.medianBlur(values, window), where=edge)


def _planes_at(
    planes: NDArray[np.float32],
    columns: int,
    cell_y: NDArray[np.intp],
    cell_x: NDArray[np.intp],
    y: NDArray[np.float32],
    x: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Values of the near and the far plane of cells, continued to points; of each plane (3, cells) value and slopes."""
    cell = cell_y * columns + cell_x
    dy, dx = y - cell_y.astype(np.float32), x - cell_x.astype(np.float32)
    value_n, slope_x_n, slope_y_n, value_f, slope_x_f, slope_y_f = (row[cell] for row in planes)
    return value_n + slope_x_n * dx + slope_y_n * dy, value_f + slope_x_f * dx + slope_y_f * dy


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
