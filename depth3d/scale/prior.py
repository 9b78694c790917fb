"""What is assumed before any hint: a trend in relative inverse depth, and a field of errors around it.

    log 1/z(p) = log N + log(r + (1 - r) t(p)) + e(p)

t is relative inverse depth, 0 at the picture's 2nd percentile and 1 at its 98th. N is 1/z at t = 1 and r = 1/R, where
R is how many times as deep the far end is as the near one; N (r + (1 - r) t) is a d + b in other letters. e is a
Gaussian process (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, "R&W"): the network's error,
relative to 1/z and therefore added to its logarithm, which also keeps 1/z positive. Errors of neighbouring pixels are
alike if their d is alike too. With a known trend this is kriging, with an unknown one universal kriging (Matheron, Le
krigeage universel, 1969; Cressie, Statistics for Spatial Data, 1993, 3.4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEVEL_REACH = 1.5
"""Reach in t, per reach in shares of the diagonal."""

_FINE_SHARE = 0.06
"""Share of the errors' variance that reaches only a third as far; the third is written out in `fading`."""

_FLOOR = 0.02
"""The trend stays above this share of its value at the 2nd percentile: nothing is put at or beyond infinity."""

_LEVELS = (0.0, 1.5)
_LEVEL_SHIFT = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Sites:
    """Points of the picture.

    Attributes:
        place: (M, 2) u and v as shares of the picture's diagonal.
        t: (M,) relative inverse depth, 0 at its 2nd percentile, 1 at its 98th.
    """

    place: Array
    t: Array

    def keeping(self, rows: NDArray[np.bool_]) -> Sites:
        """Only some points."""
        return Sites(self.place[rows], self.t[rows])


@dataclass(frozen=True, slots=True)
class Trend:
    """1/z as far as it follows d.

    Attributes:
        d_low: d at t = 0.
        span: change of d from t = 0 to t = 1, positive.
        proportional: True where 1/z is proportional to d; then the range is known.
    """

    d_low: float
    span: float
    proportional: bool

    def level(self, d: Array) -> Array:
        """The t of relative inverse depths."""
        return np.asarray((np.asarray(d, np.float64) - self.d_low) / self.span)

    def shape(self, t: Array, log_range: Array) -> Array:
        """(M, G) the trend with N = 1, for each of G logarithms of R."""
        t = np.asarray(t)[:, None]
        if self.proportional:
            d = np.maximum(self.d_low + t * self.span, 1e-9 * self.span)
            return np.repeat(d / (self.d_low + self.span), len(log_range), axis=1)
        least = np.exp(-np.asarray(log_range))[None, :]
        return np.asarray(np.maximum(least + (1 - least) * t, _FLOOR * least))

    def steepness(self, log_range: float) -> float:
        """Change of that shape with t."""
        return self.span / (self.d_low + self.span) if self.proportional else 1 - math.exp(-log_range)

    def spread(self, t: Array) -> Array:
        """(M,) how much larger errors are at t than in the middle, t = 0.5: part of them is absolute, not relative.

        1 everywhere where 1/z is proportional to d: who claims metres claims one relative error.
        """
        if self.proportional:
            return np.ones_like(t)
        return np.asarray(np.sqrt((0.5 + _LEVEL_SHIFT) / (np.clip(t, *_LEVELS) + _LEVEL_SHIFT)))

    def a_b(self, log_range: float, log_near: float) -> tuple[float, float]:
        """The same trend as 1/z = a d + b."""
        near = math.exp(log_near)
        if self.proportional:
            return near / (self.d_low + self.span), 0.0
        a = near * self.steepness(log_range) / self.span
        return a, near * math.exp(-log_range) - a * self.d_low

    def floor(self, log_range: float, log_near: float) -> float:
        """The least 1/z of the trend."""
        return 0.0 if self.proportional else _FLOOR * math.exp(log_near - log_range)


@dataclass(frozen=True, slots=True, eq=False)
class LocalStrength:
    """Where in this picture errors are larger or smaller than elsewhere, as the hints there say.

    Attributes:
        sites: (M,) the hints' points.
        squares: (M,) the square of what each hint says less what the others say, in the standard deviations of that
            (leave-one-out, R&W 5.4.2); 1 where errors are as large as elsewhere.
        reach: over which share of the diagonal errors are alike.
    """

    sites: Sites
    squares: Array
    reach: float

    def factor(self, alike: Array) -> Array:
        """(N,) by how much the standard deviation of errors is multiplied, from (N, M) correlations with the hints.

        A weighted mean of the squares and of one 1, which stands for what was known before.
        """
        weights = np.square(np.square(np.square(alike)))
        return np.asarray(np.sqrt((1 + weights @ self.squares.astype(alike.dtype)) / (1 + weights.sum(axis=1))))


def error_spread(sites: Sites, trend: Trend, local: LocalStrength | None) -> Array:
    """(M,) how large errors at points are, as a multiple of the strength."""
    spread = trend.spread(sites.t)
    return spread if local is None else spread * local.factor(correlation(sites, local.sites, local.reach))


def correlation(one: Sites, other: Sites, reach: float) -> Array:
    """(M, N) of the errors at two sets of points."""
    apart = np.zeros((len(one.t), len(other.t)))
    for here, there in (
        (one.place[:, 0], other.place[:, 0]),
        (one.place[:, 1], other.place[:, 1]),
        (one.t / LEVEL_REACH, other.t / LEVEL_REACH),
    ):
        apart += np.square(np.subtract.outer(here / reach, there / reach))
    return fading(apart)


def shared_covariance(
    one: Sites, other: Sites, trend: Trend, reach: float, local: LocalStrength | None = None
) -> Array:
    """(M, N) of the errors at two sets of points, for a strength of 1.

    Args:
        one: M points.
        other: N points.
        trend: tells where errors are larger in any picture.
        reach: over which share of the diagonal errors are alike.
        local: tells where they are larger in this one.
    """
    spreads = error_spread(one, trend, local)[:, None] * error_spread(other, trend, local)[None, :]
    return np.asarray(correlation(one, other, reach) * spreads)


def fading(squares: Array) -> Array:
    """The correlation at squared distances, in reaches; overwrites them.

    The sum of two Matern covariances of smoothness 3/2 (R&W 4.17), (1 + x) e^-x with x = sqrt(3) r: one of the stated
    reach and one of a third of it. On surfaces, measured errors of two pixels differ in proportion to their distance,
    as those of a differentiable field do and those of an exponential covariance do not.
    """
    squares *= 3
    x = np.sqrt(squares, out=squares)
    decay = np.exp(-x)
    fine = decay * decay
    fine *= decay
    fine *= _FINE_SHARE * (1 + 3 * x)
    decay *= (1 - _FINE_SHARE) * (1 + x)
    return np.asarray(np.add(decay, fine, out=decay))
