"""How far triangles are from the pixels they cover."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.geometry.mesh.error_bounds import Surface
from depth3d.geometry.mesh.working_mesh import WorkingMesh

_PIXELS_AT_ONCE = 1_000_000


def worst_residuals(triangles: NDArray[np.int64], working: WorkingMesh, surface: Surface) -> NDArray[np.float32]:
    """(T,) greatest difference of each triangle's plane from any signal at any grid point in it, its edges included.

    NaN where a triangle covers an unknown point, unless outlines may cross unknown ground.

    Args:
        triangles: (T, 3) vertex numbers of the sheet, none without area.
        working: where the vertices are.
        surface: the signals.
    """
    worst = np.zeros(len(triangles), np.float32)
    for part in _parts(triangles, working):
        spans = _spans(triangles[part], working, surface)
        for values, signal in zip(working.values, surface.signals, strict=True):
            found = _worst_of(triangles[part], spans, working, values, signal, surface)
            worst[part] = np.maximum(worst[part], found)
    return worst


@dataclass(frozen=True, slots=True, eq=False)
class _Spans:
    """Runs of grid points within triangles, one per triangle and grid row.

    Attributes:
        triangle: (S,) which triangle, ascending; each has at least one run.
        row: (S,) grid row.
        column: (S,) first grid column.
        count: (S,) grid points, at least 1.
    """

    triangle: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    count: NDArray[np.int64]


def _parts(triangles: NDArray[np.int64], working: WorkingMesh) -> Iterator[slice]:
    """Slices of triangles that cover a bounded number of pixels, however many there are."""
    x, y = working.x[triangles], working.y[triangles]
    boxes = (np.ptp(x, axis=1).astype(np.int64) + 1) * (np.ptp(y, axis=1).astype(np.int64) + 1)
    part_of = np.cumsum(boxes) // (2 * _PIXELS_AT_ONCE)
    ends = np.flatnonzero(np.diff(part_of, append=-1)) + 1
    start = 0
    for end in ends.tolist():
        yield slice(start, end)
        start = end


def _spans(triangles: NDArray[np.int64], working: WorkingMesh, surface: Surface) -> _Spans:
    grid_row = working.grid_index[triangles] // surface.shape[1]
    first_row = grid_row.min(axis=1)
    rows_of = grid_row.max(axis=1) - first_row + 1
    triangle = np.repeat(np.arange(len(triangles)), rows_of)
    row = np.arange(len(triangle)) - np.repeat(np.cumsum(rows_of) - rows_of - first_row, rows_of)
    level = -surface.rows[row]
    corner_x, corner_y = working.x[triangles].astype(np.float64), working.y[triangles].astype(np.float64)
    left, right = np.full(len(row), np.inf), np.full(len(row), -np.inf)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        xi, yi, xj, yj = (part[triangle] for part in (corner_x[:, i], corner_y[:, i], corner_x[:, j], corner_y[:, j]))
        met = (level >= np.minimum(yi, yj)) & (level <= np.maximum(yi, yj))
        with np.errstate(divide="ignore", invalid="ignore"):
            # Exact where the edge meets a whole column, because quotients of small integers are rounded correctly.
            at = xi + (level - yi) * (xj - xi) / (yj - yi)
        flat = yi == yj
        low, high = np.where(flat, np.minimum(xi, xj), at), np.where(flat, np.maximum(xi, xj), at)
        left, right = np.where(met, np.minimum(left, low), left), np.where(met, np.maximum(right, high), right)
    first_from = np.searchsorted(surface.columns, np.arange(surface.columns[-1] + 2))
    column = first_from[np.ceil(left).astype(np.int64)]
    count = first_from[np.floor(right).astype(np.int64) + 1] - column
    some = count > 0
    return _Spans(triangle[some], row[some], column[some], count[some])


def _worst_of(
    triangles: NDArray[np.int64],
    spans: _Spans,
    working: WorkingMesh,
    values: NDArray[np.float32],
    signal: NDArray[np.float32],
    surface: Surface,
) -> NDArray[np.float32]:
    x, y = working.x[triangles].astype(np.float64), working.y[triangles].astype(np.float64)
    v = values[triangles].astype(np.float64)
    (x1, x2), (y1, y2), (v1, v2) = ((part[:, 1] - part[:, 0], part[:, 2] - part[:, 0]) for part in (x, y, v))
    area = x1 * y2 - x2 * y1
    per_x, per_y = (v1 * y2 - v2 * y1) / area, (v2 * x1 - v1 * x2) / area
    at, width = spans.triangle, surface.shape[1]
    origin = v[at, 0] - per_x[at] * x[at, 0] - per_y[at] * (surface.rows[spans.row] + y[at, 0])
    begin = np.cumsum(spans.count) - spans.count
    column = np.arange(int(spans.count.sum())) + np.repeat(spans.column - begin, spans.count)
    residual = np.repeat(per_x[at], spans.count) * surface.columns.astype(np.float64)[column]
    residual += np.repeat(origin, spans.count)
    residual -= signal.reshape(-1)[column + np.repeat(spans.row * width, spans.count)]
    np.abs(residual, out=residual)
    first_of_triangle = begin[np.searchsorted(at, np.arange(len(triangles)))]
    greatest = np.fmax if surface.outline_px > 0 else np.maximum  # fmax passes over NaN
    return np.asarray(greatest.reduceat(residual, first_of_triangle), np.float32)
