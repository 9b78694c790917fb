"""The posterior of depth in numbers: a mixture of Gaussian processes, and what it says at points and on grids."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from depth3d.scale.prior import (
    LEVEL_REACH,
    Array,
    LocalStrength,
    Sites,
    Trend,
    correlation,
    fading,
    shared_covariance,
)
from depth3d.scale.problem import noise_at

_FEW_SITES = 16
_THREADS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """The logarithm of 1/z at every point, as a mixture of C Gaussian processes.

    Attributes:
        sites: (M,) the points that hints speak of.
        trend: how d becomes 1/z but for errors.
        reach: over which share of the diagonal errors are alike.
        diagonal_px: the picture's diagonal.
        weight: (C,) they add up to 1.
        log_range: (C,) logarithm of R.
        log_near: (C,) logarithm of N.
        noise: (C,) as in `Errors`.
        pull: (C, M) weights of the sites.
        kind: (C,) which of K spreads a component has.
        strength: (K,) as in `Errors`.
        precision: (K, M, M) as in `Solved`, times the strength's fourth power.
        slope: (K, M) as in `Solved`, times the strength squared.
        near_precision: (K,) as in `Solved`.
        spread: (M,) how large errors are at the sites, as a multiple of the strength.
        local: where errors are larger than elsewhere in this picture; None where the hints do not tell.
    """

    sites: Sites
    trend: Trend
    reach: float
    diagonal_px: float
    weight: Array
    log_range: Array
    log_near: Array
    noise: Array
    pull: Array
    kind: Array
    strength: Array
    precision: Array
    slope: Array
    near_precision: Array
    spread: Array
    local: LocalStrength | None = None

    @property
    def middle(self) -> tuple[float, float]:
        """The mean logarithms of R and of N."""
        return float(self.weight @ self.log_range), float(self.weight @ self.log_near)

    @property
    def errors(self) -> tuple[float, float]:
        """The strength and the noise, root mean square."""
        return math.sqrt(float(self.weight @ self.strength[self.kind] ** 2)), math.sqrt(
            float(self.weight @ self.noise**2)
        )

    def of_trend(self) -> Posterior:
        """What is known where errors have nothing to do with those at the hints."""
        none = replace(self, pull=np.zeros_like(self.pull), precision=np.zeros_like(self.precision))
        return replace(none, slope=np.zeros_like(self.slope), local=None)

    def at(self, sites: Sites) -> tuple[Array, Array]:
        """The mean and the standard deviation of log 1/z at points, (N,) each."""
        spread, alike = self._alike(sites.t, correlation(sites, self.sites, self.reach))
        return self._moments(sites.t, spread, alike)

    def on_mesh(self, v: Array, t: Array, u: Array) -> tuple[Array, Array]:
        """The same at all nodes of a grid, (V, T, U) each; v and u in pixels.

        With many hints in single precision.
        """
        precise: Any = np.float64 if len(self.sites.t) <= _FEW_SITES else np.float32
        small = self._as(precise)
        along = [
            _squares(axis / self.diagonal_px, at, self.reach)
            for axis, at in zip((u, v), self.sites.place.T, strict=True)
        ]
        by_u, by_v, by_t = (x.astype(precise) for x in (*along, _squares(t, self.sites.t, LEVEL_REACH * self.reach)))
        levels = np.repeat(t, len(u)).astype(precise)

        def row(i: int) -> tuple[Array, Array]:
            squares = by_u[None, :, :] + (by_v[i] + by_t)[:, None, :]
            spread, alike = small._alike(levels, fading(squares.reshape(len(levels), len(self.sites.t))))
            return small._moments(levels, spread, alike)

        with ThreadPoolExecutor(_THREADS) as pool:
            rows = list(pool.map(row, range(len(v))))
        mean, sigma = (np.stack([part[k] for part in rows]).reshape(len(v), len(t), len(u)) for k in (0, 1))
        return mean, sigma

    def _as(self, precise: Any) -> Posterior:
        arrays = (
            "weight",
            "log_range",
            "log_near",
            "noise",
            "pull",
            "strength",
            "precision",
            "slope",
            "near_precision",
            "spread",
        )
        return replace(self, **{name: getattr(self, name).astype(precise) for name in arrays})

    def _alike(self, t: Array, alike: Array) -> tuple[Array, Array]:
        """(N,) how large errors are at points, and (N, M) their covariances with those at the hints.

        Args:
            t: (N,) levels of the points.
            alike: (N, M) correlations, which are overwritten.
        """
        spread = self.trend.spread(t)
        if self.local is not None:
            spread = spread * self.local.factor(alike[:, : len(self.local.squares)])
        alike *= spread[:, None]
        alike *= self.spread
        return spread, alike

    def _moments(self, t: Array, spread: Array, alike: Array) -> tuple[Array, Array]:
        means = self._means(t, alike)
        mean = means @ self.weight
        of_kind = np.bincount(self.kind, self.weight, len(self.strength)).astype(alike.dtype)
        variance = (of_kind @ self.strength**2) * spread**2
        variance -= ((alike @ np.tensordot(of_kind, self.precision, 1)) * alike).sum(axis=1)
        variance += (1 - alike @ self.slope.T) ** 2 @ (of_kind / self.near_precision)
        means -= mean[:, None]
        variance += (means * means) @ self.weight
        if self.noise.any():
            variance += self._noise(t) ** 2 @ self.weight
        return mean, np.sqrt(np.maximum(variance, 0))

    def draws(self, sites: Sites, count: int, seed: int = 0) -> Array:
        """(count, N) values of log 1/z at points that are drawn together: errors of one draw belong to each other."""
        rng = np.random.default_rng(seed)
        alike = shared_covariance(sites, self.sites, self.trend, self.reach, self.local)
        means, noise = self._means(sites.t, alike), self._noise(sites.t)
        own = shared_covariance(sites, sites, self.trend, self.reach, self.local)
        drawn = np.empty((count, len(sites.t)))
        component = rng.choice(len(self.weight), count, p=self.weight)
        normal = rng.normal(size=(2, count, len(sites.t)))
        for kind in range(len(self.strength)):
            covariance = self.strength[kind] ** 2 * own - alike @ self.precision[kind] @ alike.T
            rise = 1 - alike @ self.slope[kind]
            covariance += np.outer(rise, rise) / self.near_precision[kind]
            values, axes = np.linalg.eigh(covariance)
            rows = self.kind[component] == kind
            drawn[rows] = normal[0, rows] @ (axes * np.sqrt(np.maximum(values, 0))).T
        return np.asarray(drawn + means.T[component] + noise.T[component] * normal[1])

    def covariance(self, sites: Sites) -> Array:
        """(N, N) of log 1/z at points."""
        alike = shared_covariance(sites, self.sites, self.trend, self.reach, self.local)
        means = self._means(sites.t, alike)
        apart = (means - (means @ self.weight)[:, None]) * np.sqrt(self.weight)
        of_kind = np.bincount(self.kind, self.weight, len(self.strength))
        rise = (1 - alike @ self.slope.T) * np.sqrt(of_kind / self.near_precision)
        total = (of_kind @ self.strength**2) * shared_covariance(sites, sites, self.trend, self.reach, self.local)
        total -= alike @ np.tensordot(of_kind, self.precision, 1) @ alike.T
        total += rise @ rise.T + apart @ apart.T
        total[np.diag_indices_from(total)] += self._noise(sites.t) ** 2 @ self.weight
        return np.asarray(total)

    def _means(self, t: Array, alike: Array) -> Array:
        means = np.log(self.trend.shape(t, self.log_range))
        means += self.log_near
        means += alike @ self.pull.T
        return np.asarray(means)

    def _noise(self, t: Array) -> Array:
        """(N, C)."""
        if not self.noise.any():
            return np.zeros((len(t), len(self.noise)))
        rows = [noise_at(self.trend, t, n, r) for n, r in zip(self.noise, self.log_range, strict=True)]
        return np.stack(rows, axis=1)


def _squares(axis: Array, at: Array, reach: float) -> Array:
    """(N, M) squared differences of coordinates, in reaches."""
    return np.asarray(((axis[:, None] - at[None, :]) / reach) ** 2)
