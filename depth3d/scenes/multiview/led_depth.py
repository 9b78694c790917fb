"""Depth led by points: what a network sees in one photo of a set, bent to what is known there.

A photo of a set sees hundreds of points whose depth is known to some per cent; what a network sees is right in its
details and wrong in the large. So 1/z = a d + b + f(u, v, d), where f is a Gaussian process that is smooth over the
picture and does not cross steps of d (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006). Where
the network sees the points in another order than they lie in, a is 0 and the points alone speak: no photo is refused.
Points that disagree with all others count less, as the weights of Student's t distribution have it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import HintError
from depth3d.scale import SparsePoints
from depth3d.scale.hint import Anchors

LEAST_POINTS = 3

_REACHES = (0.06, 0.12, 0.25, 0.5)
"""Tried correlation lengths in the picture, as shares of its diagonal."""
_DEPTH_REACHES = (0.1, 0.3)
"""Tried correlation lengths in d, as shares of the points' range."""
_TRIED_POINTS = 350
_USED_POINTS = 1000
_GRID = (26, 34, 10)
_FREEDOM = 4.0
"""Degrees of freedom of Student's t: how readily a point is taken to be wrong."""
_ROUNDS = 6
_FARTHEST_SHARE = 0.02
"""Of the points' median 1/z: below this nothing is told from infinity."""


@dataclass(frozen=True, slots=True, eq=False)
class LedDepth:
    """Depth that follows points.

    Attributes:
        depth: with the standard deviation of each pixel; the unit is the points' own, called "arbitrary".
        farthest: depth of the farthest points.
        points: how many points led it.
        notes: sentences for the user.
    """

    depth: MetricDepth
    farthest: float
    points: int
    notes: tuple[str, ...]


def lead_by_points(inverse_depth: InverseDepth, camera: Intrinsics, points: Sequence[SparsePoints]) -> LedDepth:
    """Bend what a network saw to points of known depth.

    Args:
        inverse_depth: what the network saw.
        camera: intrinsics of the same size, without lens distortion.
        points: at least three; outliers expected.

    Raises:
        HintError: fewer than three points lie where something is known.
    """
    parts = [part for hint in points for part in hint.equations(inverse_depth, camera)]
    anchors = Anchors.joined([part for part in parts if isinstance(part, Anchors)])
    if len(anchors.d) < LEAST_POINTS:
        raise HintError(f"{len(anchors.d)} points of known depth, at least {LEAST_POINTS} are needed to lead its depth")
    diagonal = math.hypot(*inverse_depth.size)
    shuffled = np.random.default_rng(0).permutation(len(anchors.d))
    proportional = inverse_depth.zero_is_infinity
    tried = _Rows.of(anchors, np.sort(shuffled[:_TRIED_POINTS]), diagonal, proportional)
    line = _line(tried, proportional)
    fields = [_Field(tried, line, reach, depth_reach) for reach, depth_reach in product(_REACHES, _DEPTH_REACHES)]
    best = min(fields, key=lambda field: field.leave_one_out)
    if len(anchors.d) > _TRIED_POINTS:
        used = _Rows.of(anchors, np.sort(shuffled[:_USED_POINTS]), diagonal, proportional)
        best = _Field(used, line, best.reach, best.depth_reach)
    inverse, sigma = _everywhere(inverse_depth, best)
    depth = _to_depth(inverse, sigma, float(np.median(anchors.inverse_m)), inverse_depth.source)
    notes = () if line.a > 0 else ("the network sees its points in another order; depth follows the points alone",)
    nearest_to_infinity = float(np.quantile(anchors.inverse_m, 0.01))
    return LedDepth(depth, 1 / max(nearest_to_infinity, 1e-12), len(anchors.d), notes)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Points, their places as shares of the diagonal and d as shares of its range; y is 1/z."""

    uv: NDArray[np.float64]
    d: NDArray[np.float64]
    y: NDArray[np.float64]
    sigma: NDArray[np.float64]
    diagonal: float
    d_low: float
    d_range: float

    @classmethod
    def of(cls, anchors: Anchors, rows: NDArray[np.intp], diagonal: float, proportional: bool) -> _Rows:
        low, high = np.quantile(anchors.d, (0.02, 0.98))
        low = 0.0 if proportional else low
        span = float(high - low) or float(np.ptp(anchors.d)) or 1.0
        d = (anchors.d[rows] - low) / span
        uv = anchors.uv[rows] / diagonal
        return cls(uv, d, anchors.inverse_m[rows], anchors.sigma[rows], diagonal, float(low), span)


@dataclass(frozen=True, slots=True)
class _Line:
    """The overall 1/z = a d + b, d as a share of the points' range, and the scatter of points about it."""

    a: float
    b: float
    scatter: float


def _line(rows: _Rows, proportional: bool) -> _Line:
    """The robust line with a >= 0; through the origin where d is known to be proportional to 1/z."""
    if proportional:
        a = float(np.median(rows.y / np.maximum(rows.d, 1e-6)))
        error = rows.y - a * rows.d
        return _Line(a, 0.0, max(1.4826 * float(np.median(np.abs(error))), 1e-3 * float(np.median(rows.y))))
    a, b = _start(rows)
    for _ in range(_ROUNDS):
        error = rows.y - a * rows.d - b
        scatter = max(1.4826 * float(np.median(np.abs(error))), 1e-9)
        weight = _student(error / np.hypot(rows.sigma, scatter)) / (rows.sigma**2 + scatter**2)
        mean_d, mean_y = np.average(rows.d, weights=weight), np.average(rows.y, weights=weight)
        spread = float(np.sum(weight * (rows.d - mean_d) ** 2))
        slope = float(np.sum(weight * (rows.d - mean_d) * (rows.y - mean_y))) / spread if spread > 0 else 0.0
        a = max(slope, 0.0)
        b = float(mean_y - a * mean_d)
    error = rows.y - a * rows.d - b
    return _Line(a, b, max(1.4826 * float(np.median(np.abs(error))), 1e-3 * float(np.median(rows.y))))


def _start(rows: _Rows) -> tuple[float, float]:
    """The median of slopes between pairs (Theil and Sen), not below 0, and the median intercept."""
    first, second = np.random.default_rng(1).integers(0, len(rows.d), (2, 4000))
    step = rows.d[second] - rows.d[first]
    apart = np.abs(step) > 0.1
    slope = float(np.median((rows.y[second] - rows.y[first])[apart] / step[apart])) if apart.any() else 0.0
    slope = max(slope, 0.0)
    return slope, float(np.median(rows.y - slope * rows.d))


def _student(error: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of Student's t by errors in standard deviations."""
    return np.asarray((_FREEDOM + 1) / (_FREEDOM + error**2))


class _Field:
    """f(u, v, d) for one pair of reaches, its noise found with its outliers."""

    def __init__(self, rows: _Rows, line: _Line, reach: float, depth_reach: float) -> None:
        self.rows, self.line, self.reach, self.depth_reach = rows, line, reach, depth_reach
        error = rows.y - line.a * rows.d - line.b
        kernel = line.scatter**2 * self._shape(rows.uv, rows.d)
        noise = rows.sigma**2 + (0.5 * line.scatter) ** 2
        nugget = 0.5 * line.scatter
        for _ in range(_ROUNDS):
            self._inverse = np.linalg.inv(kernel + np.diag(noise))
            self._weights = self._inverse @ error
            left_out = self._weights / np.diag(self._inverse)
            expected = np.sqrt(rows.sigma**2 + nugget**2)
            noise = (rows.sigma**2 + nugget**2) / _student(left_out / expected)
            nugget = max(_excess(left_out, rows.sigma), 0.02 * line.scatter)
        self.nugget = nugget
        self.leave_one_out = float(np.mean(np.minimum(np.abs(left_out), 3 * line.scatter)))

    def at(self, uv: NDArray[np.float64], d: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """F and its standard deviation, each (N,), at places as shares."""
        cross = self.line.scatter**2 * self._shape(uv, d)
        mean = cross @ self._weights
        gained = np.einsum("ij,ij->i", cross @ self._inverse, cross)
        return mean, np.sqrt(np.maximum(self.line.scatter**2 - gained, 0) + self.nugget**2)

    def _shape(self, uv: NDArray[np.float64], d: NDArray[np.float64]) -> NDArray[np.float64]:
        u, v = (uv[:, k, None] - self.rows.uv[None, :, k] for k in (0, 1))
        away = u * u + v * v
        step = np.exp(-(((d[:, None] - self.rows.d[None, :]) / self.depth_reach) ** 2) / 2)
        near = np.exp(-away / (2 * self.reach**2)) * step
        # The network's own range is bent everywhere alike, and its picture leans as a whole.
        wide = np.exp(-away / (2 * max(4 * self.reach, 0.5) ** 2)) * step
        return np.asarray(0.6 * near + 0.4 * wide)


def _excess(left_out: NDArray[np.float64], sigma: NDArray[np.float64]) -> float:
    """The scatter of left-out points beyond what they are known to."""
    seen = 1.4826 * float(np.median(np.abs(left_out)))
    return math.sqrt(max(seen**2 - float(np.median(sigma)) ** 2, 0.0))


def _everywhere(inverse_depth: InverseDepth, field: _Field) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """1/z and its standard deviation at every pixel: f on a coarse grid of (v, u, d), read linearly in between."""
    from scipy.ndimage import map_coordinates

    rows, (width, height) = field.rows, inverse_depth.size
    d = (inverse_depth.values - np.float32(rows.d_low)) / np.float32(rows.d_range)
    low, high = min(float(rows.d.min()), 0.0) - field.depth_reach, max(float(rows.d.max()), 1.0) + field.depth_reach
    axes = [np.linspace(0, height / rows.diagonal, _GRID[0]), np.linspace(0, width / rows.diagonal, _GRID[1])]
    v, u, level = (axis.ravel() for axis in np.meshgrid(*axes, np.linspace(low, high, _GRID[2]), indexing="ij"))
    mean, sigma = field.at(np.stack([u, v], axis=1), level)
    means, sigmas = (part.reshape(_GRID).astype(np.float32) for part in (mean, sigma))
    inverse, out_sigma = np.empty_like(d), np.empty_like(d)
    across = (np.arange(width, dtype=np.float32) + np.float32(0.5)) / width * (_GRID[1] - 1)
    for row in range(height):
        place = np.clip((np.nan_to_num(d[row], nan=low) - low) / (high - low), 0, 1) * (_GRID[2] - 1)
        at = [np.full(width, (row + 0.5) / height * (_GRID[0] - 1)), across, place]
        inverse[row] = field.line.a * d[row] + field.line.b + map_coordinates(means, at, order=1, mode="nearest")
        out_sigma[row] = map_coordinates(sigmas, at, order=1, mode="nearest")
    if field.line.a == 0:
        inverse[np.isnan(d)] = np.nan
    return inverse, out_sigma


def _to_depth(inverse: NDArray[np.float32], sigma: NDArray[np.float32], typical: float, source: str) -> MetricDepth:
    with np.errstate(invalid="ignore"):
        known = np.where(inverse > _FARTHEST_SHARE * typical, inverse, np.float32(np.nan))
    if np.isnan(known).all():
        raise HintError("its points put everything beyond infinity; check that the model is of this photo")
    z = np.asarray(1 / known, np.float32)
    return MetricDepth(z, np.asarray(z * z * sigma, np.float32), source, unit="arbitrary")
