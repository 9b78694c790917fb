"""All equations of all hints as one system in (a, b), and its weighted least-squares solution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from depth3d.scale.hint import Anchors, Condition, Equations

_BEYOND = 1e3
"""Residual, in standard deviations, of a condition one of whose points lies at or beyond infinity."""

_RANK_TOLERANCE = 1e-6
_ITERATIONS = 8
_PRIOR_FREEDOM = 4.0
"""How many residuals the assumed error of d is worth against the residuals that are seen."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """1/z = a d + b.

    Attributes:
        a: scale in 1/m per unit of d.
        b: shift in 1/m.
        covariance: (2, 2) of (a, b).
        d_sigma: one standard deviation of d, from its stated noise and the scatter of the hints.
    """

    a: float
    b: float
    covariance: NDArray[np.float64]
    d_sigma: float

    def depth_at(self, d: float) -> float:
        """Depth z in metres; infinite at or beyond infinity."""
        inverse = self.a * d + self.b
        return 1 / inverse if inverse > 0 else math.inf


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """Equations in (a, b).

    Attributes:
        anchors: all linear equations.
        conditions: the others.
        d_low: a low d of the picture, such as its 2nd percentile; with `d_high` it conditions the numbers.
        d_high: a high d of the picture.
        d_noise: stated standard deviation of d.
        proportional: True where b = 0 is known.
    """

    anchors: Anchors
    conditions: tuple[Condition, ...]
    d_low: float
    d_high: float
    d_noise: float
    proportional: bool

    @classmethod
    def of(
        cls, equations: Sequence[Equations], *, d_low: float, d_high: float, d_noise: float, proportional: bool
    ) -> System:
        """Gather equations of every kind."""
        anchors = Anchors.joined([e for e in equations if isinstance(e, Anchors)])
        conditions = tuple(e for e in equations if isinstance(e, Condition))
        return cls(anchors, conditions, d_low, d_high, d_noise, proportional)

    @property
    def count(self) -> int:
        """Number of equations."""
        return len(self.anchors.d) + len(self.conditions)

    @property
    def span(self) -> float:
        """The range of d, never 0."""
        return self.d_high - self.d_low or max(abs(self.d_high), 1.0)

    def without(self, index: int) -> System:
        """The system less one equation; anchors come first."""
        n = len(self.anchors.d)
        if index < n:
            return self.keeping(np.arange(n) != index)
        return replace(self, conditions=tuple(c for i, c in enumerate(self.conditions) if i != index - n))

    def keeping(self, rows: NDArray[np.bool_]) -> System:
        """The system with only these anchors."""
        return replace(self, anchors=self.anchors.keeping(rows))

    def with_condition(self, condition: Condition) -> System:
        """The system and one more condition."""
        return replace(self, conditions=(*self.conditions, condition))

    def errors(self, a: float, b: float) -> NDArray[np.float64]:
        """(count,) how far each equation is from being met, in its own unit; NaN at or beyond infinity."""
        linear = a * self.anchors.d + b - self.anchors.inverse_m
        return np.concatenate([linear, [_error_of(condition, a, b) for condition in self.conditions]])

    def sigmas(self, a: float, b: float, d_sigma: float) -> NDArray[np.float64]:
        """(count,) standard deviation of each error, from the hint itself and from d."""
        linear = np.hypot(self.anchors.sigma, a * d_sigma)
        return np.concatenate([linear, [_sigma_of(condition, a, b, d_sigma) for condition in self.conditions]])

    def residuals(self, line: Line) -> NDArray[np.float64]:
        """(count,) errors in standard deviations at the stated noise of d."""
        return _weighted(self.errors(line.a, line.b), self.sigmas(line.a, line.b, self.d_noise))

    def jacobian(self, a: float, b: float) -> NDArray[np.float64]:
        """(count, 2) derivatives of the errors in (a, b)."""
        d = self.anchors.d
        rows = [np.stack([d, np.ones_like(d)], axis=1)]
        step_a, step_b = 1e-6 * abs(a), 1e-6 * abs(a) * self.span
        for condition in self.conditions:
            along_a = _error_of(condition, a + step_a, b) - _error_of(condition, a - step_a, b)
            along_b = _error_of(condition, a, b + step_b) - _error_of(condition, a, b - step_b)
            rows.append(np.nan_to_num(np.array([[along_a / (2 * step_a), along_b / (2 * step_b)]])))
        return np.concatenate(rows)


def solve(system: System, start: tuple[float, float]) -> Line:
    """Weighted least squares from a starting (a, b), with the error of d estimated on the way.

    The variance of a residual is the hint's own and a^2 times that of d. The latter is estimated from the residuals by
    expectation maximisation (Dempster et al., 1977), with the stated noise as a scaled inverse chi-squared prior worth
    four residuals (Gelman et al., Bayesian Data Analysis, 3rd ed., 2.6).
    """
    a, b = start
    d_sigma = system.d_noise
    for _ in range(_ITERATIONS):
        # The weights are held while (a, b) moves: a free a would buy agreement by calling everything uncertain.
        a, b = _minimise(system, a, b, system.sigmas(a, b, d_sigma))
        d_sigma = _scatter(system, a, b, d_sigma)
    return Line(a, b, _covariance(system, a, b, d_sigma), d_sigma)


def _scatter(system: System, a: float, b: float, d_sigma: float) -> float:
    """One EM step for the standard deviation of d, where each residual is part the hint's error and part that of d."""
    sigmas = system.sigmas(a, b, d_sigma)
    own = np.concatenate([system.anchors.sigma, [condition.sigma for condition in system.conditions]])
    share = np.clip(1 - (own / sigmas) ** 2, 0, 1)
    unknowns = 1 if system.proportional else 2
    unfitted = system.count / max(system.count - unknowns, 1)
    seen = share * _weighted(system.errors(a, b), sigmas) ** 2 * unfitted + 1 - share
    if system.count <= unknowns:
        return system.d_noise
    total = _PRIOR_FREEDOM * system.d_noise**2 + float(np.sum(seen)) * d_sigma**2
    return math.sqrt(total / (_PRIOR_FREEDOM + system.count))


def is_determined(system: System, line: Line) -> bool:
    """Whether the equations fix every unknown near this solution."""
    scaled = _scaled_jacobian(system, line.a, line.b, system.d_noise)
    if system.proportional:
        return bool(np.abs(scaled[:, 0]).max(initial=0) > 0)
    if len(scaled) < 2:
        return False
    singular = np.linalg.svd(scaled, compute_uv=False)
    return bool(singular[1] > _RANK_TOLERANCE * singular[0])


def _minimise(system: System, a: float, b: float, sigmas: NDArray[np.float64]) -> tuple[float, float]:
    if not system.conditions:
        return _linear(system, sigmas)
    from scipy.optimize import least_squares

    # Scale-free unknowns: log of the picture's range of 1/z, and its far end as a share of that range.
    def unpack(x: NDArray[np.float64]) -> tuple[float, float]:
        a = math.exp(min(max(float(x[0]), -60.0), 60.0)) / system.span
        return a, 0.0 if system.proportional else a * (float(x[1]) * system.span - system.d_low)

    def residuals(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return _weighted(system.errors(*unpack(x)), sigmas)

    start = [math.log(a * system.span)]
    if not system.proportional:
        start.append((b / a + system.d_low) / system.span)
    found = least_squares(residuals, start, xtol=1e-14, ftol=1e-14, gtol=1e-14, x_scale="jac", max_nfev=200)
    return unpack(found.x)


def _linear(system: System, sigmas: NDArray[np.float64]) -> tuple[float, float]:
    d, target = system.anchors.d, system.anchors.inverse_m / sigmas
    if system.proportional:
        column = d / sigmas
        return float(column @ target / (column @ column)), 0.0
    # Centred and scaled d keeps the numbers well conditioned for any range of d.
    centre, spread = float(d.mean()), float(np.ptp(d)) or 1.0
    design = np.stack([(d - centre) / spread, np.ones_like(d)], axis=1) / sigmas[:, None]
    (slope, level), *_ = np.linalg.lstsq(design, target, rcond=None)
    return float(slope / spread), float(level - slope * centre / spread)


def _covariance(system: System, a: float, b: float, d_sigma: float) -> NDArray[np.float64]:
    scaled = _scaled_jacobian(system, a, b, d_sigma)
    if system.proportional:
        return np.diag([a**2 / max(float(scaled[:, 0] @ scaled[:, 0]), 1e-300), 0.0])
    scale = np.array([abs(a), abs(a) * system.span])
    return np.asarray(np.linalg.pinv(scaled.T @ scaled, rcond=1e-14) * np.outer(scale, scale))


def _scaled_jacobian(system: System, a: float, b: float, d_sigma: float) -> NDArray[np.float64]:
    """Derivatives of the residuals along relative changes of a, and of b in units of the picture's range of 1/z."""
    weight = 1 / system.sigmas(a, b, d_sigma)
    return system.jacobian(a, b) * weight[:, None] * (abs(a), abs(a) * system.span)


def _error_of(condition: Condition, a: float, b: float, d: NDArray[np.float64] | None = None) -> float:
    at = condition.d if d is None else d
    return math.nan if (a * at + b <= 0).any() else condition.error(a, b, at)


def _sigma_of(condition: Condition, a: float, b: float, d_sigma: float) -> float:
    """The hint's own standard deviation and that which comes from d, by finite differences."""
    variance = condition.sigma**2
    step = 0.1 * max(d_sigma, 1e-12)
    for k in range(len(condition.d)):
        moved = condition.d.copy()
        moved[k] += step
        slope = (_error_of(condition, a, b, moved) - _error_of(condition, a, b)) / step
        if math.isfinite(slope):
            variance += (slope * d_sigma) ** 2
    return math.sqrt(variance)


def _weighted(errors: NDArray[np.float64], sigmas: NDArray[np.float64]) -> NDArray[np.float64]:
    residuals = errors / sigmas
    return np.where(np.isfinite(residuals), residuals, _BEYOND)
