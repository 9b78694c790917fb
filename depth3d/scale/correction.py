"""A smooth field of corrections over the picture, where many anchors show that one (a, b) is not enough."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth
from depth3d.core.errors import HintError
from depth3d.scale.fit import ScaleFit

LEAST_ANCHORS = 12

_REACHES = (0.08, 0.16, 0.32, 0.64)
"""Tried correlation lengths in the picture, as shares of its diagonal."""
_DEPTH_REACHES = (0.05, 0.15, 0.45)
"""Tried correlation lengths in d, as shares of the anchors' range."""
_TRIED_ANCHORS = 500
_USED_ANCHORS = 1500
_GRID = (28, 28, 14)
_ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True, eq=False)
class Corrected:
    """Relative inverse depth after correction; the same (a, b) turn it into metres.

    Attributes:
        inverse_depth: corrected relative inverse depth.
        fit: the fit, its scatter and notes brought up to date.
        error_before: root mean square of the leave-one-out errors of 1/z before, in 1/m.
        error_after: the same with the correction; None where it was not kept.
    """

    inverse_depth: InverseDepth
    fit: ScaleFit
    error_before: float
    error_after: float | None


def correct_inverse_depth(inverse_depth: InverseDepth, fit: ScaleFit) -> Corrected:
    """Add a smooth function of place and depth to a d + b, if that predicts left-out anchors better.

    Gaussian process regression of the anchors' residuals in 1/z on (u, v, d), so that the correction does not cross
    depth edges; its reach is the one with the least leave-one-out error (Rasmussen and Williams, Gaussian Processes
    for Machine Learning, 2006, 5.4.2). It is kept only if that error is below the one without correction.

    Args:
        inverse_depth: relative inverse depth.
        fit: its fit to many anchors.

    Raises:
        HintError: fewer than 12 anchors with a place in the picture.
    """
    points = _Points.of(inverse_depth, fit)
    tried = points.thinned(_TRIED_ANCHORS)
    before = _rms(tried.error)
    best = min(
        (_Field(tried, reach * points.diagonal, depth_reach * points.d_range, before) for reach, depth_reach in
         product(_REACHES, _DEPTH_REACHES)),
        key=lambda field: field.leave_one_out,
    )  # fmt: skip
    if best.leave_one_out >= before:
        note = f"no smooth correction predicts left-out anchors better ({before:.3g} 1/m), so none is made"
        return Corrected(inverse_depth, replace(fit, notes=(*fit.notes, note)), before, None)
    field = _Field(points.thinned(_USED_ANCHORS), best.reach, best.depth_reach, before)
    corrected = replace(inverse_depth, values=_corrected(inverse_depth, fit, field))
    share = 1 - field.leave_one_out / before
    note = f"a smooth correction lowers the leave-one-out error of 1/z by {share:.0%}, to {field.leave_one_out:.3g} 1/m"
    better = replace(fit, d_sigma=field.leave_one_out / fit.a, notes=(*fit.notes, note))
    return Corrected(corrected, better, before, field.leave_one_out)


@dataclass(frozen=True, slots=True, eq=False)
class _Points:
    uv: NDArray[np.float64]
    d: NDArray[np.float64]
    error: NDArray[np.float64]
    sigma: NDArray[np.float64]
    diagonal: float

    @classmethod
    def of(cls, inverse_depth: InverseDepth, fit: ScaleFit) -> _Points:
        anchors = fit.anchors
        uv = np.zeros((0, 2)) if anchors is None else anchors.uv
        placed = np.asarray(np.isfinite(uv[:, 0]))
        if anchors is None or placed.sum() < LEAST_ANCHORS:
            raise HintError(
                f"refining the scale needs at least {LEAST_ANCHORS} points of known depth, got {int(placed.sum())}; "
                "give a file of sparse points"
            )
        anchors = anchors.keeping(placed)
        error = anchors.inverse_m - (fit.a * anchors.d + fit.b)
        return cls(anchors.uv, anchors.d, error, anchors.sigma, math.hypot(*inverse_depth.size))

    @property
    def d_range(self) -> float:
        return float(np.ptp(self.d)) or 1.0

    def thinned(self, most: int) -> _Points:
        """Evenly chosen rows, in an order that is shuffled once and for all."""
        if len(self.d) <= most:
            return self
        rows = np.sort(np.random.default_rng(0).permutation(len(self.d))[:most])
        return _Points(self.uv[rows], self.d[rows], self.error[rows], self.sigma[rows], self.diagonal)


class _Field:
    """The regression for one pair of reaches."""

    def __init__(self, points: _Points, reach: float, depth_reach: float, scatter: float) -> None:
        self.points, self.reach, self.depth_reach = points, reach, depth_reach
        self._strength = scatter**2
        covariance = self._kernel(points.uv, points.d)
        # Anchors of one place share what the field cannot explain; half the scatter is taken as such noise.
        covariance[np.diag_indices_from(covariance)] += points.sigma**2 + 0.25 * self._strength
        inverse = np.linalg.inv(covariance)
        self._weights = inverse @ points.error
        self.leave_one_out = _rms(self._weights / np.diag(inverse))

    def at(self, uv: NDArray[np.float64], d: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N,) the correction of 1/z in 1/m."""
        parts = range(0, len(d), _ROWS_AT_ONCE)
        return np.concatenate(
            [self._kernel(uv[i : i + _ROWS_AT_ONCE], d[i : i + _ROWS_AT_ONCE]) @ self._weights for i in parts]
        )

    def _kernel(self, uv: NDArray[np.float64], d: NDArray[np.float64]) -> NDArray[np.float64]:
        place = ((uv[:, None, :] - self.points.uv[None, :, :]) ** 2).sum(axis=2) / self.reach**2
        depth = ((d[:, None] - self.points.d[None, :]) / self.depth_reach) ** 2
        return np.asarray(self._strength * np.exp(-(place + depth) / 2))


def _corrected(inverse_depth: InverseDepth, fit: ScaleFit, field: _Field) -> NDArray[np.float32]:
    """The field on a coarse grid of (v, u, d), read trilinearly at every pixel's own d."""
    from scipy.ndimage import map_coordinates

    width, height = inverse_depth.size
    low, high = field.points.d.min() - field.depth_reach, field.points.d.max() + field.depth_reach
    axes = [np.linspace(0, height, _GRID[0]), np.linspace(0, width, _GRID[1]), np.linspace(low, high, _GRID[2])]
    v, u, d = (axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))
    grid = (field.at(np.stack([u, v], axis=1), d) / fit.a).reshape(_GRID).astype(np.float32)
    out = inverse_depth.values.copy()
    columns = np.broadcast_to((np.arange(width) + 0.5) / width * (_GRID[1] - 1), (width,))
    for row in range(height):
        d_row = np.nan_to_num(inverse_depth.values[row], nan=low)
        level = np.clip((d_row - low) / (high - low), 0, 1) * (_GRID[2] - 1)
        line = np.full(width, (row + 0.5) / height * (_GRID[0] - 1))
        out[row] += map_coordinates(grid, [line, columns, level], order=1, mode="nearest")
    return out


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))
