"""Metres from every hint at once, and what the hints leave open, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth
from depth3d.core.errors import CameraError, HintError
from depth3d.scale.fit import ScaleFit
from depth3d.scale.hint import FAR_PERCENTILE, NEAR_PERCENTILE, Anchors, Equations, Hint, percentile
from depth3d.scale.outliers import Believed, weigh_hints
from depth3d.scale.posterior import ASSUMED_FACTOR, ASSUMED_FAR_OVER_NEAR, errors_about
from depth3d.scale.prior import Sites, Trend
from depth3d.scale.problem import Problem
from depth3d.scale.subsample import thin

_NAMED = 3
_OPEN_SIGMA = 0.3
"""A range whose logarithm is known no better than this is called open."""


def fit_scale(inverse_depth: InverseDepth, camera: Intrinsics, hints: Sequence[Hint] = ()) -> ScaleFit:
    """Find metres from hints: the posterior of depth at every pixel, exact where a depth was measured.

    Hints are observations with their own uncertainty of 1/z = (a d + b) exp e; the network's error e is a field of the
    strength and reach that the inverse depth states, and the picture's range of depth is assumed to be about 4, always.
    A hint is left out, and named, only if at least four others speak against it. Without hints the unit is arbitrary,
    unless the inverse depth claims metres (`InverseDepth.metric_sigma`); hints correct those.

    Args:
        inverse_depth: relative inverse depth.
        camera: intrinsics of the same image size.
        hints: any mix.

    Raises:
        CameraError: the camera belongs to another image size.
        HintError: a hint cannot be meant: outside of the picture, where depth is unknown, or with the nearest things
            farther than the farthest.
    """
    if camera.size != inverse_depth.size:
        raise CameraError(
            f"the camera is for {camera.width}x{camera.height}, "
            f"the depth is {inverse_depth.size[0]}x{inverse_depth.size[1]}"
        )
    nearest, farthest = bounds_of(hints)
    equations = [equation for hint in hints for equation in hint.equations(inverse_depth, camera)]
    trend = _trend(inverse_depth)
    is_known = bool(equations) or inverse_depth.metric_sigma is not None
    fit = _hinted(inverse_depth, trend, equations) if is_known else _unitless(trend)
    return replace(fit, nearest_m=nearest, farthest_m=farthest, notes=(*fit.notes, *_beyond(fit, nearest, farthest)))


def _beyond(fit: ScaleFit, nearest: float, farthest: float) -> tuple[str, ...]:
    """Hints that other hints put out of bounds."""
    if fit.anchors is None:
        return ()
    z, slack = 1 / fit.anchors.inverse_m, 1 + 3 * fit.anchors.sigma / fit.anchors.inverse_m
    notes = []
    for rows, word, bound in (
        (z < nearest / slack, "nearer than the nearest", nearest),
        (z > farthest * slack, "farther than the farthest", farthest),
    ):
        names = dict.fromkeys(name for name, out in zip(fit.anchors.names, rows, strict=True) if out)
        notes += [
            f"the hint {name} is {word} depth, {bound:g} m, and is put there; one of the two is wrong"
            for name in list(names)[:_NAMED]
        ]
    return tuple(notes)


def bounds_of(hints: Sequence[Hint]) -> tuple[float, float]:
    """The depths in metres between which hints say that everything lies.

    Raises:
        HintError: the nearest things are farther than the farthest.
    """
    bounds = [hint.bounds_m() for hint in hints]
    nearest, farthest = max((n for n, _ in bounds), default=0.0), min((f for _, f in bounds), default=math.inf)
    if nearest >= farthest:
        raise HintError(
            f"the hints contradict each other: the nearest things at {nearest:g} m, the farthest at {farthest:g} m; "
            "give a nearest depth that is less than the farthest"
        )
    return nearest, farthest


def _trend(inverse_depth: InverseDepth) -> Trend:
    low, high = percentile(inverse_depth, FAR_PERCENTILE), percentile(inverse_depth, NEAR_PERCENTILE)
    if high == low:  # a flat picture is all near end
        span = max(abs(high), 1.0)
        return Trend(high - (0 if inverse_depth.zero_is_infinity else span), span, inverse_depth.zero_is_infinity)
    return Trend(low, high - low, inverse_depth.zero_is_infinity)


def _unitless(trend: Trend) -> ScaleFit:
    words = "no distance was given: the unit is arbitrary (1 unit = depth of the nearest things)"
    log_range = math.log(ASSUMED_FAR_OVER_NEAR)
    a, b = trend.a_b(log_range, 0.0)
    assumed = "" if trend.proportional else f", and {_ASSUMPTION}"
    return ScaleFit(a, b, trend.floor(log_range, 0.0), is_metric=False, notes=(words + assumed,))


def _hinted(inverse_depth: InverseDepth, trend: Trend, equations: Sequence[Equations]) -> ScaleFit:
    diagonal_px = math.hypot(*inverse_depth.size)
    stated = Anchors.joined([e for e in equations if isinstance(e, Anchors)])
    thinned = thin(stated, trend, diagonal_px)
    others = [e for e in equations if not isinstance(e, Anchors)]
    claim, strength = inverse_depth.metric_sigma, inverse_depth.noise_strength
    problem = Problem.of(
        [thinned, *others],
        trend,
        reach=inverse_depth.noise_reach,
        diagonal_px=diagonal_px,
        claimed_near=None if claim is None else (math.log(trend.d_low + trend.span), _of_scale(claim, strength)),
    )
    believed = weigh_hints(problem, errors_about(strength, inverse_depth.noise))
    posterior = believed.posterior
    log_range, log_near = posterior.middle
    a, b = trend.a_b(log_range, log_near)
    notes = believed.notes if trend.proportional else (*_open_range(believed), *believed.notes)
    if not problem.is_metric:
        notes = (
            "no hint says how large anything is: the unit is arbitrary (1 unit = depth of the nearest things)",
            *notes,
        )
    if claim is not None:
        notes = (_claimed(claim, a if equations else None), *notes)
    return ScaleFit(
        a,
        b,
        trend.floor(log_range, log_near),
        posterior,
        stated,
        np.array([name not in believed.doubted for name in stated.names], bool),
        is_metric=problem.is_metric,
        notes=notes,
        doubted=believed.doubted,
    )


def _of_scale(metric_sigma: float, strength: float) -> float:
    """The part of a claim's error that the whole picture shares."""
    return math.sqrt(max(metric_sigma**2 - strength**2, (metric_sigma / 2) ** 2))


def _claimed(metric_sigma: float, a: float | None) -> str:
    if a is None:
        return (
            f"metres as the network says, ±{metric_sigma:.0%} (one standard deviation); a known distance corrects them"
        )
    return f"the network's own metres are multiplied by {1 / a:.3g}"


_ASSUMPTION = f"the farthest things are assumed {ASSUMED_FAR_OVER_NEAR:g} times as deep as the nearest"


def _open_range(believed: Believed) -> tuple[str, ...]:
    """What the hints leave open of the picture's range of depth, if that is much."""
    posterior = believed.posterior
    mean = float(posterior.weight @ posterior.log_range)
    if math.sqrt(float(posterior.weight @ (posterior.log_range - mean) ** 2)) < _OPEN_SIGMA:
        return ()
    (far,), (sigma,) = posterior.at(Sites(np.array([[0.0, 0.0]]), np.array([0.0])))
    low, middle, high = (math.exp(k * sigma - far) for k in (-2, 0, 2))
    unit = "m" if believed.problem.is_metric else "units"
    return (
        f"the hints leave the range of depth open: {_ASSUMPTION}, to within a factor of {ASSUMED_FACTOR:g}, which with"
        f" the hints puts them at {middle:.3g} {unit} ({low:.3g} to {high:.3g} {unit}); a hint at another depth narrows"
        " this",
    )
