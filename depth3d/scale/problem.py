"""Hints as observations of the field, and its posterior for one strength, one noise and each of several ranges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from depth3d.scale.hint import Anchors, Condition, Equations
from depth3d.scale.prior import Array, LocalStrength, Sites, Trend, shared_covariance

LEAST_SIGMA = 1e-6
"""No hint is believed beyond this share of its length: numbers end there."""

_ROUNDS = 16
_STEP = 1.0
_DIFFERENCE = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """All hints of one picture.

    Attributes:
        anchors: points of known depth.
        conditions: equations between points.
        sites: (M,) the anchors' points, then those of the conditions.
        trend: how d becomes 1/z but for errors.
        reach: over which share of the diagonal errors are alike.
        diagonal_px: the picture's diagonal.
        claimed_near: the logarithm of N and its standard deviation where depth claims to be in metres; None where
            nothing is known of N.
        local: where errors are larger than elsewhere in this picture; None where that is not known.
    """

    anchors: Anchors
    conditions: tuple[Condition, ...]
    sites: Sites
    trend: Trend
    reach: float
    diagonal_px: float
    claimed_near: tuple[float, float] | None = None
    local: LocalStrength | None = None

    @classmethod
    def of(
        cls,
        equations: Sequence[Equations],
        trend: Trend,
        *,
        reach: float,
        diagonal_px: float,
        claimed_near: tuple[float, float] | None = None,
    ) -> Problem:
        """Gather equations of every kind."""
        anchors = Anchors.joined([e for e in equations if isinstance(e, Anchors)])
        conditions = tuple(e for e in equations if isinstance(e, Condition))
        uv = np.concatenate([anchors.uv, *(condition.uv for condition in conditions)])
        d = np.concatenate([anchors.d, *(condition.d for condition in conditions)])
        sites = Sites(uv / diagonal_px, trend.level(d))
        return cls(anchors, conditions, sites, trend, reach, diagonal_px, claimed_near)

    @property
    def count(self) -> int:
        """Number of equations."""
        return len(self.anchors.d) + len(self.conditions)

    @property
    def names(self) -> list[str]:
        """What messages call each equation."""
        return [*self.anchors.names, *(condition.name for condition in self.conditions)]

    @property
    def is_metric(self) -> bool:
        """Whether anything says how large the scene is."""
        return (
            self.claimed_near is not None
            or len(self.anchors.d) > 0
            or any(condition.length_m is not None for condition in self.conditions)
        )

    @property
    def log_sigma(self) -> Array:
        """(N,) relative standard deviation of the anchors."""
        return np.maximum(self.anchors.sigma / self.anchors.inverse_m, LEAST_SIGMA)

    def with_local_strength(self, squares: Array) -> Problem:
        """Errors are larger where hints were found to disagree more with the others.

        Args:
            squares: (N,) of the anchors, as in `LocalStrength`.
        """
        n = len(squares)
        hints = Sites(self.sites.place[:n], self.sites.t[:n])
        return replace(self, local=LocalStrength(hints, squares, self.reach))

    def keeping(self, rows: NDArray[np.bool_]) -> Problem:
        """Only some equations; anchors come first."""
        n = len(self.anchors.d)
        conditions = tuple(c for c, kept in zip(self.conditions, rows[n:], strict=True) if kept)
        return Problem.of(
            [self.anchors.keeping(rows[:n]), *conditions],
            self.trend,
            reach=self.reach,
            diagonal_px=self.diagonal_px,
            claimed_near=self.claimed_near,
        )

    @property
    def near_prior(self) -> tuple[float, float]:
        """The logarithm of N and its precision before any hint: 0 for not known at all, infinite if fixed."""
        if self.claimed_near is not None:
            return self.claimed_near[0], self.claimed_near[1] ** -2
        return 0.0, 0.0 if self.is_metric else math.inf


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """The posterior for one strength and noise, for each of G ranges.

    The posterior of log 1/z at a point whose covariances with the sites are k has the mean
    log N + log shape + k weights and the variance prior - k precision k + (1 - k slope)^2 / near_precision.

    Attributes:
        log_evidence: (G,) logarithm of how probable the hints are.
        log_near: (G,) log N.
        weights: (G, M) of the sites.
        precision: (G or 1, M, M).
        slope: (G or 1, M).
        near_precision: (G or 1,), infinite where N is not to be found.
        left_out_error: (G, count) what each equation says less what the others say, in its own unit.
        left_out_variance: (G or 1, count) the variance of that.
    """

    log_evidence: Array
    log_near: Array
    weights: Array
    precision: Array
    slope: Array
    near_precision: Array
    left_out_error: Array
    left_out_variance: Array


class Conditioner:
    """Conditions the field on all hints, for one strength and one noise.

    Args:
        problem: the hints.
        strength: standard deviation of the field.
        noise: standard deviation of what is different at every pixel, as a share of the range of d.
        middle_range: the logarithm of R at which noise in d is turned into noise of log 1/z.
    """

    def __init__(self, problem: Problem, strength: float, noise: float, middle_range: float) -> None:
        self._problem = problem
        prior = strength**2 * shared_covariance(
            problem.sites, problem.sites, problem.trend, problem.reach, problem.local
        )
        prior[np.diag_indices_from(prior)] += noise_at(problem.trend, problem.sites.t, noise, middle_range) ** 2
        self._prior = prior
        self._shared = None
        if not problem.conditions:
            covariance = (prior + np.diag(problem.log_sigma**2))[None]
            self._shared = _Inverted.of(covariance, np.ones((1, len(prior))), problem.near_prior)

    def solve(self, log_ranges: Array) -> Solved:
        """The posterior for each logarithm of R, (G,)."""
        problem = self._problem
        trend = np.log(problem.trend.shape(problem.sites.t, log_ranges)).T
        if self._shared is None:
            return _iterated(problem, trend, self._prior)
        return _conditioned(self._shared, np.log(problem.anchors.inverse_m)[None, :] - trend)


def noise_at(trend: Trend, t: Array, noise: float, log_range: float) -> Array:
    """(M,) standard deviation of log 1/z that noise of d means."""
    shape = trend.shape(t, np.array([log_range]))[:, 0]
    return np.asarray(noise * trend.steepness(log_range) / shape)


def _iterated(problem: Problem, trend: Array, prior: Array) -> Solved:
    """Gauss-Newton: conditions are straight lines about the depths found so far (R&W 3.4, Laplace's approximation)."""
    n = len(problem.anchors.d)
    variance = np.concatenate([problem.log_sigma**2, [c.sigma**2 for c in problem.conditions]])
    x = trend + _first_near(problem, trend)[:, None]
    solved = None
    for _ in range(_ROUNDS):
        design = np.zeros((len(x), problem.count, x.shape[1]))
        design[:, np.arange(n), np.arange(n)] = 1
        said = np.empty((len(x), problem.count))
        said[:, :n] = np.log(problem.anchors.inverse_m)
        first = n
        for i, condition in enumerate(problem.conditions, n):
            own = slice(first, first := first + len(condition.d))
            value, slopes = _value_and_slopes(condition, x[:, own])
            design[:, i, own] = slopes
            said[:, i] = (slopes * x[:, own]).sum(axis=1) - value
        covariance = design @ prior @ design.transpose(0, 2, 1) + np.diag(variance)
        given = _Inverted.of(covariance, design.sum(axis=2), problem.near_prior)
        solved = _conditioned(given, said - np.einsum("gnm,gm->gn", design, trend), design)
        step = trend + solved.log_near[:, None] + solved.weights @ prior - x
        x = x + np.clip(step, -_STEP, _STEP)
        if np.abs(step).max() < 1e-9:
            break
    assert solved is not None
    return solved


def _first_near(problem: Problem, trend: Array) -> Array:
    """(G,) the log N at which the hints that say how large the scene is are met best, each range for itself."""
    n = len(problem.anchors.d)
    says = [np.log(problem.anchors.inverse_m)[None, :] - trend[:, :n]]
    first = n
    for condition in problem.conditions:
        own = slice(first, first := first + len(condition.d))
        if condition.length_m is not None:
            says.append(condition.error(np.exp(trend[:, own]))[:, None])
    every = np.concatenate(says, axis=1)
    return np.median(every, axis=1) if every.shape[1] else np.zeros(len(trend))


def _value_and_slopes(condition: Condition, x: Array) -> tuple[Array, Array]:
    """(G,) the error at log 1/z = x, and (G, K) its derivatives."""
    steps = _DIFFERENCE * np.eye(x.shape[1])
    tried = np.concatenate([x[:, None, :], x[:, None, :] + steps, x[:, None, :] - steps], axis=1)
    errors = condition.error(np.exp(np.clip(tried, -300, 300)))
    k = x.shape[1]
    return errors[:, 0], (errors[:, 1 : k + 1] - errors[:, k + 1 :]) / (2 * _DIFFERENCE)


@dataclass(frozen=True, slots=True, eq=False)
class _Inverted:
    """The covariance of the observations, turned round.

    Attributes:
        inverse: (G or 1, count, count).
        rise: (G or 1, count) what the observations gain when log N does.
        near_precision: (G or 1,) of log N, infinite where it is fixed.
        log_size: (G or 1,) logarithm of the determinant, of log N too.
        prior: the logarithm of N and its precision before any hint.
    """

    inverse: Array
    rise: Array
    near_precision: Array
    log_size: Array
    prior: tuple[float, float]

    @classmethod
    def of(cls, covariance: Array, rise: Array, prior: tuple[float, float]) -> _Inverted:
        inverse: Array = np.asarray(np.linalg.inv(covariance), np.float64)
        precision = prior[1] + np.einsum("gn,gnm,gm->g", rise, inverse, rise)
        size = np.linalg.slogdet(covariance)[1] + (np.log(precision) if math.isfinite(prior[1]) else 0)
        return cls(inverse, rise, np.asarray(precision), np.asarray(size), prior)


def _conditioned(given: _Inverted, error: Array, design: Array | None = None) -> Solved:
    """Universal kriging with the constant log N (R&W 2.7 and 5.4.2).

    Args:
        given: covariance of the observations.
        error: (G, count) what they say less the trend with N = 1.
        design: (G, count, M) how they depend on log 1/z at the sites; None where each site is observed itself.
    """
    inverse = given.inverse
    weighted_rise = np.einsum("gnm,gm->gn", inverse, given.rise)
    claimed, certainty = given.prior
    gained = (weighted_rise * (error - given.rise * claimed)).sum(axis=1) / given.near_precision
    log_near = claimed + gained
    left = error - given.rise * log_near[:, None]
    weighted = left @ inverse[0] if len(inverse) == 1 else np.einsum("gnm,gm->gn", inverse, left)
    evidence = -0.5 * (left * weighted).sum(axis=1) - 0.5 * given.log_size
    if math.isfinite(certainty):
        evidence = evidence - 0.5 * certainty * gained**2
    own = np.diagonal(inverse, axis1=1, axis2=2) - weighted_rise**2 / given.near_precision[:, None]
    own = np.maximum(own, 1e-300)
    weights, precision, slope = weighted, inverse, weighted_rise
    if design is not None:
        weights = np.einsum("gnm,gn->gm", design, weighted)
        precision = design.transpose(0, 2, 1) @ inverse @ design
        slope = np.einsum("gnm,gn->gm", design, weighted_rise)
    return Solved(evidence, log_near, weights, precision, slope, given.near_precision, weighted / own, 1 / own)
