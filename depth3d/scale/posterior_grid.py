"""The posterior at every pixel: computed on a grid of (v, u, t) and read between its nodes, which takes no time.

Lines of the grid go through the hints where those are few, so that the depth at a hint is the hint's.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import sample_known
from depth3d.scale.posterior import Posterior
from depth3d.scale.prior import Array

Map = NDArray[np.float32]

_FEW = 16
_MOST_WORK = 1e9
_FEW_CELLS, _LEAST_CELLS, _FINE_CELLS, _MOST_CELLS = 24, 12, 30, 64
_FEW_LEVELS, _LEVELS, _FINE_LEVELS = 24, 16, 40
_BINS = 4096
_ROWS = 64
_THREADS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """What is added to the logarithm of a d + b, and the standard deviation of the sum.

    Attributes:
        v: (V,) rows of nodes in pixels.
        u: (U,) columns of nodes in pixels.
        t: (T,) levels of nodes.
        nodes: (V, T, U) complex64: the real part is what is added, the imaginary one the standard deviation.
    """

    v: Array
    u: Array
    t: Array
    nodes: NDArray[np.complex64]


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
    u = _lines(0, width, max(across, 1), posterior.sites.place[:, 0] * posterior.diagonal_px)
    v = _lines(0, height, max(down, 1), posterior.sites.place[:, 1] * posterior.diagonal_px)
    t = _lines(min(t_ends[0], 0.0), max(t_ends[1], 1.0), levels, posterior.sites.t)
    if is_flat:
        u, v = np.array([0.0, width]), np.array([0.0, height])
    mean, sigma = posterior.on_mesh(v[:1] if is_flat else v, t, u[:1] if is_flat else u)
    log_range, log_near = posterior.middle
    trend = np.log(posterior.trend.shape(t, np.array([log_range])))[:, 0] + log_near
    mean = mean - trend[None, :, None]
    nodes = (mean + 1j * sigma).astype(np.complex64)
    return Grid(v, u, t, np.ascontiguousarray(np.broadcast_to(nodes, (len(v), len(t), len(u)))))


def _resolution(posterior: Posterior) -> tuple[int, int]:
    """Cells along the longer side, and levels, as many as there is time for."""
    hints = len(posterior.sites.t)
    if hints <= _FEW:
        return _FEW_CELLS, _FEW_LEVELS
    nodes = _MOST_WORK / hints**2
    levels = _FINE_LEVELS if nodes > 0.75 * _FINE_LEVELS * _FINE_CELLS**2 else _LEVELS
    cells = int(np.clip(np.sqrt(nodes / (0.75 * levels)), _LEAST_CELLS, _MOST_CELLS))
    return cells, levels


def _lines(low: float, high: float, count: int, through: Array) -> Array:
    even = np.linspace(low, high, count + 1)
    if len(through) > _FEW:
        return even
    inside = through[(through > low) & (through < high)]
    lines = np.unique(np.concatenate([even, inside]))
    # Two lines closer together than this are one; the ends stay.
    apart = np.diff(lines, prepend=-np.inf) > 1e-4 * (high - low)
    return lines[apart | (lines == high)] if high > low else np.array([low, low + 1.0])


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
    return out


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
