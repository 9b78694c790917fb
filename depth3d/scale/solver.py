"""Solving 1/z = a d + b from every hint at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    if relief.zero_is_infinity and anchors:
        return _from_hints(anchors, _proportional, held_low, held_high)
    if len(anchors) >= 2:
        _refuse_one_depth(anchors)
        return _from_hints(anchors, _affine, held_low, held_high)
    if relief.zero_is_infinity:
        note = "no distance was given: the unit is arbitrary (1 unit = depth of the nearest things)"
        return ScaleFit(1 / percentile(relief, NEAR_PERCENTILE), 0.0, is_metric=False, notes=(note,))
    return _from_assumption(relief, anchors, held_low, held_high)


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    a: float
    b: float
    covariance: NDArray[np.float64]

    def depth_at(self, d: float) -> float:
        inverse = self.a * d + self.b
        return 1 / inverse if inverse > 0 else math.inf


def _affine(anchors: Sequence[Anchor]) -> _Line:
    """Both a and b from two anchors or more; of many equally good lines the flattest."""
    d = np.array([anchor.d for anchor in anchors])
    z = np.array([anchor.z_m for anchor in anchors])
    weight = 1 / np.array([anchor.relative_sigma for anchor in anchors])
    spread = np.ptp(d) or 1.0
    # Centred and scaled d keeps the normal matrix well conditioned for any range of d.
    centre = d.mean()
    design = np.stack([(d - centre) / spread, np.ones_like(d)], axis=1) * (z * weight)[:, None]
    solution, *_ = np.linalg.lstsq(design, weight, rcond=None)
    back = np.array([[1 / spread, 0], [-centre / spread, 1]])
    a, b = (float(x) for x in back @ solution)
    return _Line(a, b, back @ np.linalg.pinv(design.T @ design) @ back.T)


def _proportional(anchors: Sequence[Anchor]) -> _Line:
    """The scale a from one anchor or more, where b is known to be 0."""
    dz = np.array([anchor.d * anchor.z_m for anchor in anchors])
    weight = np.array([anchor.relative_sigma for anchor in anchors]) ** -2.0
    information = float(np.sum(weight * dz**2))
    return _Line(float(np.sum(weight * dz)) / information, 0.0, np.diag([1 / information, 0.0]))


def _from_hints(
    anchors: list[Anchor], solve: Callable[[Sequence[Anchor]], _Line], held_low: float, held_high: float
) -> ScaleFit:
    line = solve(anchors)
    doubt = _disagreement(anchors, solve, line)
    if line.a <= 0:
        raise HintError(_wrong_order(anchors))
    residuals = tuple(Residual(anchor.name, anchor.z_m, line.depth_at(anchor.d)) for anchor in anchors)
    return ScaleFit(line.a, line.b, line.covariance, residuals, held_low, held_high, notes=doubt)


def _disagreement(anchors: list[Anchor], solve: Callable[[Sequence[Anchor]], _Line], line: _Line) -> tuple[str, ...]:
    """Refuse hints that differ by a factor of 2 or more, note a factor of 1.25, and name the one that differs.

    The network's own error is far greater than a tape's, so a hint's stated uncertainty cannot be the measure here.
    """
    factor = _worst_factor(anchors, line)
    if factor < _DISAGREEMENT_NOTED:
        return ()
    words = _odd_one_out(anchors, solve)
    if factor >= _DISAGREEMENT_REFUSED:
        raise HintError(f"the hints contradict each other: {words}; correct it or leave it out")
    return (f"the hints agree badly: {words}",)


def _odd_one_out(anchors: list[Anchor], solve: Callable[[Sequence[Anchor]], _Line]) -> str:
    """The hint without which the others agree best; a plain least-squares residual would often blame another."""
    lines = [solve([*anchors[:i], *anchors[i + 1 :]]) for i in range(len(anchors))]
    factors = [_worst_factor([*anchors[:i], *anchors[i + 1 :]], line) for i, line in enumerate(lines)]
    if sorted(factors)[1] < _DISAGREEMENT_NOTED:
        return " or ".join(anchor.name for anchor in anchors) + " (one must be wrong, and a further hint would tell)"
    odd = int(np.argmin(factors))
    others = lines[odd].depth_at(anchors[odd].d)
    return f"{anchors[odd].name} means a depth of {anchors[odd].z_m:.3g} m, the others say {others:.3g} m there"


def _worst_factor(anchors: Sequence[Anchor], line: _Line) -> float:
    ratios = [line.depth_at(anchor.d) / anchor.z_m for anchor in anchors]
    return max(max(ratio, 1 / ratio) for ratio in ratios)


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
    residual = Residual(anchor.name, anchor.z_m, anchor.z_m)
    return ScaleFit(a, a * shift, None, (residual,), held_low, held_high, notes=(note,))


def _refuse_one_depth(anchors: Sequence[Anchor]) -> None:
    d = [anchor.d for anchor in anchors]
    if max(d) - min(d) <= _SAME_D * max(abs(x) for x in d):
        names = " and ".join(anchor.name for anchor in anchors)
        raise HintError(
            f"hints {names} lie at the same relative depth, so they cannot fix two unknowns; "
            "give one nearer and one farther point"
        )


def _wrong_order(anchors: list[Anchor]) -> str:
    nearest_seen = max(anchors, key=lambda anchor: anchor.d)
    farthest_seen = min(anchors, key=lambda anchor: anchor.d)
    return (
        f"the hints contradict the picture: {nearest_seen.name} is seen nearer than {farthest_seen.name}, but the "
        "distances say otherwise; check the pixels and distances, or --brighter-is-farther for a depth map"
    )
