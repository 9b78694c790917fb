"""The posterior at every pixel: computed on a grid of (v, u, t) and read between its nodes, which takes no time.

About each hint lies a finer grid with the hint in its middle, so that depth and error there are the hint's.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import sample_known
from depth3d.scale.mixture import Posterior
from depth3d.scale.prior import Array, Sites

Map = NDArray[np.float32]

_FEW = 16
_MOST_WORK = 1e9
_FEW_CELLS, _LEAST_CELLS, _FINE_CELLS, _MOST_CELLS = 24, 12, 30, 64
_FEW_LEVELS, _LEVELS, _FINE_LEVELS = 24, 16, 40
_BINS = 4096
_ROWS = 64
_FINE = np.array([-1, -0.5, -0.2, 0, 0.2, 0.5, 1])
_MOST_HINTS = 128
_APART = 0.02
_THREADS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """What a grid misses about one hint: the same numbers, to be added; 0 on the outer faces.

    Attributes:
        v: (F,) rows of nodes in pixels.
        u: (F,) columns of nodes in pixels.
        t: (F,) levels of nodes.
        nodes: (F, F, F) complex64, over v, t and u.
    """

    v: Array
    u: Array
    t: Array
    nodes: NDArray[np.complex64]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """What is added to the logarithm of a d + b, and the standard deviation of the sum.

    Attributes:
        v: (V,) rows of nodes in pixels.
        u: (U,) columns of nodes in pixels.
        t: (T,) levels of nodes.
        nodes: (V, T, U) complex64: the real part is what is added, the imaginary one the standard deviation.
        boxes: about hints; no two of them overlap.
    """

    v: Array
    u: Array
    t: Array
    nodes: NDArray[np.complex64]
    boxes: tuple[Box, ...] = ()


def to_grid(posterior: Posterior, values: Map) -> Grid:
    """Compute the posterior at the nodes.

    Args:
        posterior: what the hints say.
        values: (H, W) relative inverse depth.
    """
    height, width = values.shape
    known = sample_known(values)
    t_ends = posterior.trend.level(np.array([known.min(), known.max()], np.float64))
    is_flat = not posterior.pull.any() and not posterior.strength.any()
    cells, levels = _resolution(posterior)
    cells = min(cells, max(width, height) // 2 + 1)
    across, down = (1, 1) if is_flat else (cells * width // max(width, height), cells * height // max(width, height))
    u, v = np.linspace(0, width, max(across, 1) + 1), np.linspace(0, height, max(down, 1) + 1)
    t = np.linspace(min(t_ends[0], 0.0), max(t_ends[1], 1.0), levels + 1)
    mean, sigma = posterior.on_mesh(v[:1] if is_flat else v, t, u[:1] if is_flat else u)
    mean -= _of_trend(posterior, t)[None, :, None]
    nodes = np.ascontiguousarray(np.broadcast_to(mean + 1j * sigma, (len(v), len(t), len(u))), np.complex64)
    grid = Grid(v, u, t, nodes)
    return grid if is_flat else replace(grid, boxes=_boxes(posterior, grid))


def _of_trend(posterior: Posterior, t: Array) -> Array:
    """What is subtracted at levels: the logarithm of a d + b."""
    log_range, log_near = posterior.middle
    return np.asarray(np.log(posterior.trend.shape(t, np.array([log_range])))[:, 0] + log_near)


def _resolution(posterior: Posterior) -> tuple[int, int]:
    """Cells along the longer side, and levels, as many as there is time for."""
    hints = len(posterior.sites.t)
    if hints <= _FEW:
        return _FEW_CELLS, _FEW_LEVELS
    nodes = _MOST_WORK / hints**2
    levels = _FINE_LEVELS if nodes > 0.75 * _FINE_LEVELS * _FINE_CELLS**2 else _LEVELS
    cells = int(np.clip(np.sqrt(nodes / (0.75 * levels)), _LEAST_CELLS, _MOST_CELLS))
    return cells, levels


def _boxes(posterior: Posterior, grid: Grid) -> tuple[Box, ...]:
    """About each hint, a cell of the grid to every side, or half-way to the next hint where that is nearer."""
    sites = posterior.sites
    middles = np.column_stack(
        [sites.place[:, 1] * posterior.diagonal_px, sites.t, sites.place[:, 0] * posterior.diagonal_px]
    )
    middles = np.unique(middles, axis=0)
    if len(middles) > _MOST_HINTS:
        return ()
    cell = np.array([axis[1] - axis[0] for axis in (grid.v, grid.t, grid.u)])
    apart = np.abs(middles[:, None, :] - middles[None, :, :]) / cell
    apart = apart.max(axis=2) + np.where(np.eye(len(middles)) > 0, np.inf, 0)
    half = np.minimum(1, apart.min(axis=1, initial=np.inf) / 2)
    middles, half = middles[half > _APART], half[half > _APART]
    if not len(middles):
        return ()
    axes = middles[:, :, None] + half[:, None, None] * cell[None, :, None] * _FINE
    missed = _missed(posterior, grid, axes[:, :, 1:-1])
    nodes = np.pad(missed, ((0, 0), (1, 1), (1, 1), (1, 1)))
    return tuple(Box(v, u, t, own) for (v, t, u), own in zip(axes, nodes, strict=True))


def _missed(posterior: Posterior, grid: Grid, axes: Array) -> NDArray[np.complex64]:
    """(B, F, F, F) the posterior less what a grid says, at the nodes of B boxes over v, t and u.

    Args:
        posterior: what the hints say.
        grid: without boxes.
        axes: (B, 3, F) coordinates of nodes along v, t and u.
    """
    v, t, u = (np.stack(part) for part in zip(*(np.meshgrid(*own, indexing="ij") for own in axes), strict=True))
    place = np.column_stack([u.ravel(), v.ravel()]) / posterior.diagonal_px
    mean, sigma = posterior.at(Sites(place, t.ravel()))
    exact = (mean - _of_trend(posterior, t.ravel()) + 1j * sigma).reshape(t.shape)
    return (exact - np.stack([_between_all(grid, *own) for own in axes])).astype(np.complex64)


def _between_all(grid: Grid | Box, v: Array, t: Array, u: Array) -> NDArray[np.complex64]:
    """(V, T, U) between nodes, at the crossings of some rows, levels and columns."""
    nodes = grid.nodes
    for axis, (own, at) in enumerate(((grid.v, v), (grid.t, t), (grid.u, u))):
        below, share = _between(own, at)
        shape = [-1 if k == axis else 1 for k in range(3)]
        low, high = nodes.take(below, axis), nodes.take(below + 1, axis)
        nodes = low + share.reshape(shape) * (high - low)
    return np.asarray(nodes, np.complex64)


def read_grid(grid: Grid, t: Map, rows: slice) -> NDArray[np.complex64]:
    """(R, W) the grid between its nodes, trilinearly, at the pixels of some rows, whose levels are `t`."""
    width = t.shape[1]
    columns, across = _between(grid.u, np.arange(width) + 0.5)
    row, down = _between(grid.v, np.arange(rows.start, rows.stop) + 0.5)
    first, step = grid.t[0], _BINS / (grid.t[-1] - grid.t[0])
    levels = _between(grid.t, first + (np.arange(_BINS) + 0.5) / step)[0]
    start, per_level = grid.t.astype(np.float32), (1 / np.diff(grid.t)).astype(np.float32)
    out = np.empty(t.shape, np.complex64)
    wide = len(grid.u)
    for i in range(len(t)):
        table = (grid.nodes[row[i]] * (1 - down[i]) + grid.nodes[row[i] + 1] * down[i]).astype(np.complex64).ravel()
        bins = ((t[i] - np.float32(first)) * np.float32(step)).astype(np.int32)
        level = levels[np.clip(bins, 0, _BINS - 1)]
        along = np.clip((t[i] - start[level]) * per_level[level], 0, 1)
        corner = level * wide + columns
        left = table[corner] + along * (table[corner + wide] - table[corner])
        corner += 1
        right = table[corner] + along * (table[corner + wide] - table[corner])
        out[i] = left + across * (right - left)
    for box in grid.boxes:
        _add_box(box, t, rows, out)
    return out


def _add_box(box: Box, t: Map, rows: slice, out: NDArray[np.complex64]) -> None:
    """Add what the grid misses about one hint, at the pixels of some rows."""
    top, bottom = np.clip(np.rint(box.v[[0, -1]]).astype(int), rows.start, rows.stop)
    left, right = np.clip(np.rint(box.u[[0, -1]]).astype(int), 0, t.shape[1])
    if top >= bottom or left >= right:
        return
    part = (slice(top - rows.start, bottom - rows.start), slice(left, right))
    level, along = _between(box.t, t[part])
    lines = _between_all(box, np.arange(top, bottom) + 0.5, box.t, np.arange(left, right) + 0.5)
    below = np.take_along_axis(lines, level[:, None, :], 1)[:, 0]
    above = np.take_along_axis(lines, level[:, None, :] + 1, 1)[:, 0]
    out[part] += below + along * (above - below)


def _between(nodes: Array, at: NDArray[Any]) -> tuple[NDArray[np.int32], Map]:
    """The node below each coordinate, and how far it lies towards the next, 0 to 1."""
    below = np.clip(np.searchsorted(nodes, at, side="right") - 1, 0, len(nodes) - 2)
    share = (at - nodes[below]) / (nodes[below + 1] - nodes[below])
    return below.astype(np.int32), np.clip(share, 0, 1).astype(np.float32)


def each_strip(height: int, work: Callable[[slice], None]) -> None:
    """Call `work` with slices of rows, in threads."""
    strips = [slice(top, min(top + _ROWS, height)) for top in range(0, height, _ROWS)]
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(work, strips))
