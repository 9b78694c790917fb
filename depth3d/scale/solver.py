"""Solving 1/z = a d + b from every hint at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from depth3d.camera import Intrinsics
from depth3d.depth import InverseDepth
from depth3d.errors import CameraError, HintError
from depth3d.scale.fit import Residual, ScaleFit
from depth3d.scale.hints import FAR_PERCENTILE, NEAR_PERCENTILE, Anchor, Hint, percentile

ASSUMED_FAR_OVER_NEAR = 8.0
"""Where the hints leave b open: depth at the 2nd percentile of d over depth at the 98th."""

_SAME_D = 1e-6
_DISAGREEMENT_NOTED = 1.25
_DISAGREEMENT_REFUSED = 2.0


def fit_scale(relief: InverseDepth, camera: Intrinsics, hints: Sequence[Hint] = ()) -> ScaleFit:
    """Find a > 0 and b so that 1 / (a d + b) meets the hints, by weighted linear least squares.

    The residual of a hint is the relative error of its inverse depth, (a d + b) z - 1, over its relative standard
    deviation. With fewer than two hints b is open and an assumption takes its place, which the fit's notes state.

    Args:
        relief: relative inverse depth.
        camera: intrinsics of the same image size.
        hints: any mix.

    Raises:
        CameraError: the camera belongs to another image size.
        HintError: a hint does not fit the picture, or the hints contradict each other or the picture's order.
    """
    if camera.size != relief.size:
        raise CameraError(
            f"the camera is for {camera.width}x{camera.height}, the depth is {relief.size[0]}x{relief.size[1]}"
        )
    anchors = [anchor for hint in hints for anchor in hint.anchors(relief, camera)]
    held = [hint.held_range(relief) for hint in hints]
    held_low = max((low for low, _ in held), default=-math.inf)
    held_high = min((high for _, high in held), default=math.inf)
    if len(anchors) >= 2 and not relief.zero_is_infinity:
        return _from_many(anchors, held_low, held_high)
    if relief.zero_is_infinity:
        return _from_proportional(relief, anchors, held_low, held_high)
    return _from_assumption(relief, anchors, held_low, held_high)


def _from_many(anchors: list[Anchor], held_low: float, held_high: float) -> ScaleFit:
    d = np.array([anchor.d for anchor in anchors])
    z = np.array([anchor.z_m for anchor in anchors])
    weight = 1 / np.array([anchor.relative_sigma for anchor in anchors])
    spread = np.ptp(d)
    if spread <= _SAME_D * np.abs(d).max():
        names = " and ".join(anchor.name for anchor in anchors)
        raise HintError(
            f"hints {names} lie at the same relative depth, so they cannot fix two unknowns; "
            "give one nearer and one farther point"
        )
    # Centred and scaled d keeps the normal matrix well conditioned for any range of d.
    centre = d.mean()
    design = np.stack([(d - centre) / spread, np.ones_like(d)], axis=1) * (z * weight)[:, None]
    solution, *_ = np.linalg.lstsq(design, weight, rcond=None)
    back = np.array([[1 / spread, 0], [-centre / spread, 1]])
    a, b = (float(x) for x in back @ solution)
    if a <= 0:
        raise HintError(_wrong_order(anchors))
    covariance = back @ np.linalg.inv(design.T @ design) @ back.T
    return _judged(ScaleFit(a, b, covariance, _residuals(anchors, a, b), held_low, held_high))


def _from_proportional(relief: InverseDepth, anchors: list[Anchor], held_low: float, held_high: float) -> ScaleFit:
    """The shift b is known to be 0; a is the weighted mean of what the hints say."""
    if not anchors:
        nearest = percentile(relief, NEAR_PERCENTILE)
        note = "no distance was given: the unit is arbitrary (1 unit = depth of the nearest things)"
        return ScaleFit(1 / nearest, 0.0, held_low=held_low, held_high=held_high, is_metric=False, notes=(note,))
    dz = np.array([anchor.d * anchor.z_m for anchor in anchors])
    weight = np.array([anchor.relative_sigma for anchor in anchors]) ** -2.0
    a = float(np.sum(weight * dz) / np.sum(weight * dz**2))
    variance = float(1 / np.sum(weight * dz**2))
    covariance = np.diag([variance, 0.0])
    return _judged(ScaleFit(a, 0.0, covariance, _residuals(anchors, a, 0.0), held_low, held_high))


def _from_assumption(relief: InverseDepth, anchors: list[Anchor], held_low: float, held_high: float) -> ScaleFit:
    """No or one hint: the picture's own depth range is assumed, b follows from it."""
    near_d, far_d = percentile(relief, NEAR_PERCENTILE), percentile(relief, FAR_PERCENTILE)
    assumption = f"the farthest things are assumed {ASSUMED_FAR_OVER_NEAR:g} times as deep as the nearest"
    # b / a so that (near_d + b/a) = ratio * (far_d + b/a)
    shift = (near_d - ASSUMED_FAR_OVER_NEAR * far_d) / (ASSUMED_FAR_OVER_NEAR - 1)
    if near_d - far_d <= _SAME_D * abs(near_d):
        shift, assumption = 1.0 - near_d, "the relative depth is the same everywhere and is taken as one flat surface"
    if not anchors:
        a = 1 / (near_d + shift)
        note = f"no distance was given: the unit is arbitrary (1 unit = depth of the nearest things), and {assumption}"
        return ScaleFit(a, a * shift, held_low=held_low, held_high=held_high, is_metric=False, notes=(note,))
    (anchor,) = anchors
    if anchor.d + shift <= 0:
        raise HintError(
            f"hint {anchor.name}: the point is among the very farthest of the picture, where one hint cannot set the "
            "scale; choose a nearer point or add a second hint"
        )
    a = 1 / (anchor.z_m * (anchor.d + shift))
    note = f"one hint leaves the depth range open: {assumption}; a second hint at another depth removes this guess"
    residuals = _residuals(anchors, a, a * shift)
    return ScaleFit(a, a * shift, None, residuals, held_low, held_high, notes=(note,))


def _residuals(anchors: list[Anchor], a: float, b: float) -> tuple[Residual, ...]:
    fitted = [a * anchor.d + b for anchor in anchors]
    return tuple(
        Residual(anchor.name, anchor.z_m, 1 / inverse if inverse > 0 else math.inf)
        for anchor, inverse in zip(anchors, fitted, strict=True)
    )


def _judged(fit: ScaleFit) -> ScaleFit:
    """Refuse a fit that misses a hint by a factor of 2 or more, note one that misses by 1.25, and name the hint.

    The network's own error is far greater than a tape's, so a hint's stated uncertainty cannot be the measure here.
    """
    worst = max(fit.residuals, key=lambda r: max(r.said_m / r.fitted_m, r.fitted_m / r.said_m))
    factor = max(worst.said_m / worst.fitted_m, worst.fitted_m / worst.said_m)
    if factor < _DISAGREEMENT_NOTED:
        return fit
    disagreement = (
        f"{worst.name} means a depth of {worst.said_m:.3g} m, all hints together give {worst.fitted_m:.3g} m there"
    )
    if factor >= _DISAGREEMENT_REFUSED:
        raise HintError(f"the hints contradict each other: {disagreement}; correct it or leave it out")
    return replace(fit, notes=(*fit.notes, f"the hints agree badly: {disagreement}"))


def _wrong_order(anchors: list[Anchor]) -> str:
    nearest_seen = max(anchors, key=lambda anchor: anchor.d)
    farthest_seen = min(anchors, key=lambda anchor: anchor.d)
    return (
        f"the hints contradict the picture: {nearest_seen.name} is seen nearer than {farthest_seen.name}, but the "
        "distances say otherwise; check the pixels and distances, or --brighter-is-farther for a depth map"
    )
