"""The posterior of depth: every range, strength and noise, weighed by how well each explains the hints.

The range R and the size of the network's errors are not known, so that they are integrated over on a small grid instead
of being set to their best values (R&W 5.2): error bars then say what those leave open, and one hint's are as wide as
the picture's unknown range makes them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from depth3d.scale.mixture import Posterior
from depth3d.scale.prior import Array, error_spread
from depth3d.scale.problem import Conditioner, Problem, Solved

ASSUMED_FAR_OVER_NEAR = 4.0
"""Depth at the 2nd percentile of d over depth at the 98th, before any hint.

Aligned to the truth, the bundled network's pictures range over a factor of 1.6 to 12 on half of the rendered worlds
(median 3.0), and over 1 to 22 on 44 measured frames (median 2.8).
"""

ASSUMED_FACTOR = 2.5
"""One standard deviation of that assumption, as a factor."""

_RANGES = np.linspace(1e-3, 9.0, 48)
_ZOOMED = 32
_NEGLIGIBLE = 12.0
_ROUNDS = 10
_RESOLVED = 7
_LEAST_WEIGHT = 1e-4
_ALIKE = 0.1
_WIDENING, _WIDENING_OF_ONE = 1.1, 2.0


@dataclass(frozen=True, slots=True)
class Errors:
    """How wrong relative inverse depth may be.

    Attributes:
        strength: standard deviation of the relative error of 1/z that neighbouring pixels share.
        noise: standard deviation of d that is different at every pixel, as a share of the range of d.
        log_prior: logarithm of how likely that is before any hint, but for a constant.
    """

    strength: float
    noise: float
    log_prior: float


def errors_about(strength: float, noise: float) -> tuple[Errors, ...]:
    """What is considered where a strength and a noise are stated; each is right to about a factor of two.

    Where no strength is stated, depth is believed to be without such errors unless hints show them.
    """
    if strength > 0:
        strengths = [(strength * m, -0.5 * math.log2(m) ** 2) for m in (0.25, 0.5, 1.0, 2.0)]
    else:
        strengths = [(0.0, 0.0), (0.05, -10.0), (0.2, -10.0), (0.5, -10.0)]
    tried = [Errors(s, noise, p) for s, p in strengths]
    if noise > 0:
        tried += [Errors(strength, noise * m, -0.5 * math.log2(m) ** 2) for m in (0.25, 0.5, 2.0, 4.0)]
    return tuple(tried)


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """One size of errors with every range that the hints leave.

    Attributes:
        errors: the size.
        log_ranges: (G,) logarithms of R, evenly spaced.
        solved: what the hints say with each.
        log_weight: (G,) logarithm of how probable each is, but for a constant.
    """

    errors: Errors
    log_ranges: Array
    solved: Solved
    log_weight: Array

    @property
    def is_resolved(self) -> bool:
        """Whether the probable ranges are told apart."""
        return int((self.log_weight > self.log_weight.max() - 4).sum()) >= _RESOLVED

    @property
    def ends(self) -> tuple[float, float]:
        """The interval of ranges that are not negligible."""
        inside = np.flatnonzero(self.log_weight > self.log_weight.max() - _NEGLIGIBLE)
        low, high = max(inside[0] - 1, 0), min(inside[-1] + 1, len(self.log_ranges) - 1)
        return float(self.log_ranges[low]), float(self.log_ranges[high])


def try_ranges(problem: Problem, errors: Errors) -> Tried:
    """Weigh the ranges by the hints, on a grid that closes in on those that the hints leave."""
    middle = math.log(ASSUMED_FAR_OVER_NEAR)
    conditioner = Conditioner(problem, errors.strength, errors.noise, middle)
    if problem.trend.proportional:
        return _weighed(conditioner, errors, np.zeros(1))
    tried = _weighed(conditioner, errors, _RANGES)
    for _ in range(_ROUNDS):
        peak = float(tried.log_ranges[int(np.argmax(tried.log_weight))])
        if tried.is_resolved and (errors.noise == 0 or abs(peak - middle) < _ALIKE):
            break
        if errors.noise > 0 and abs(peak - middle) >= _ALIKE:
            middle = peak
            conditioner = Conditioner(problem, errors.strength, errors.noise, middle)
        tried = _weighed(conditioner, errors, np.linspace(*tried.ends, _ZOOMED))
    return tried


def _weighed(conditioner: Conditioner, errors: Errors, log_ranges: Array) -> Tried:
    solved = conditioner.solve(log_ranges)
    if len(log_ranges) == 1:
        return Tried(errors, log_ranges, solved, solved.log_evidence + errors.log_prior)
    off = (log_ranges - math.log(ASSUMED_FAR_OVER_NEAR)) / math.log(ASSUMED_FACTOR)
    spacing = math.log(max(log_ranges[1] - log_ranges[0], 1e-300))
    return Tried(errors, log_ranges, solved, solved.log_evidence + errors.log_prior - 0.5 * off**2 + spacing)


def widened(problem: Problem, tried: Tried) -> Tried:
    """The same ranges and their probabilities, with error bars for errors that are somewhat larger.

    How large errors are in one part of the picture is known from the few hints there, so that errors in units of that
    follow a distribution with tails like Student's t. Chosen on measured pictures.
    """
    widening = _WIDENING + _WIDENING_OF_ONE / problem.count
    errors = replace(tried.errors, strength=widening * tried.errors.strength)
    middle = float(tried.log_ranges[int(np.argmax(tried.log_weight))])
    solved = Conditioner(problem, errors.strength, errors.noise, middle).solve(tried.log_ranges)
    return Tried(errors, tried.log_ranges, solved, tried.log_weight)


def try_all(problem: Problem, errors: Sequence[Errors]) -> list[Tried]:
    """Weigh the ranges with each size of errors."""
    return [try_ranges(problem, e) for e in errors]


def left_out(tried: Sequence[Tried]) -> tuple[Array, Array]:
    """What each of many equations says less what the others say, and its standard deviation, (count,) each.

    The others also tell which range and which errors are probable (R&W 5.4.2).
    """
    error = np.concatenate([t.solved.left_out_error for t in tried])
    variance = np.concatenate(
        [np.broadcast_to(t.solved.left_out_variance, t.solved.left_out_error.shape) for t in tried]
    )
    log_density = -0.5 * (error**2 / variance + np.log(variance))
    log_weight = np.concatenate([t.log_weight for t in tried])[:, None] - log_density
    weight = np.exp(log_weight - log_weight.max(axis=0))
    weight /= weight.sum(axis=0)
    mean = (weight * error).sum(axis=0)
    return mean, np.sqrt((weight * (variance + (error - mean) ** 2)).sum(axis=0))


def find_posterior(problem: Problem, errors: Sequence[Errors]) -> Posterior:
    """Integrate over ranges and sizes of errors."""
    return mix(problem, try_all(problem, errors))


def mix(problem: Problem, tried: Sequence[Tried]) -> Posterior:
    """All that was tried, weighed."""
    greatest = max(float(t.log_weight.max()) for t in tried)
    weights = [np.exp(t.log_weight - greatest) for t in tried]
    rows = [(i, int(j)) for i, w in enumerate(weights) for j in np.flatnonzero(w > _LEAST_WEIGHT)]
    # Where all hints are points the spread does not depend on the range, and ranges share it.
    spreads = [(i, min(j, len(tried[i].solved.precision) - 1)) for i, j in rows]
    kinds = list(dict.fromkeys(spreads))
    weight = np.array([weights[i][j] for i, j in rows])
    square = np.array([tried[i].errors.strength ** 2 for i, _ in kinds])
    return Posterior(
        problem.sites,
        problem.trend,
        problem.reach,
        problem.diagonal_px,
        weight / weight.sum(),
        np.array([tried[i].log_ranges[j] for i, j in rows]),
        np.array([tried[i].solved.log_near[j] for i, j in rows]),
        np.array([tried[i].errors.noise for i, _ in rows]),
        np.stack([tried[i].solved.weights[j] * tried[i].errors.strength ** 2 for i, j in rows]),
        np.array([kinds.index(spread) for spread in spreads]),
        np.sqrt(square),
        np.stack([tried[i].solved.precision[j] for i, j in kinds]) * square[:, None, None] ** 2,
        np.stack([tried[i].solved.slope[j] for i, j in kinds]) * square[:, None],
        np.array([tried[i].solved.near_precision[j] for i, j in kinds]),
        error_spread(problem.sites, problem.trend, problem.local),
        problem.local,
    )
