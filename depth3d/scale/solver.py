"""Solving 1/z = a d + b from every hint at once, and saying what the hints leave open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth
from depth3d.core.errors import CameraError, HintError
from depth3d.scale.fit import ScaleFit
from depth3d.scale.hint import FAR_PERCENTILE, NEAR_PERCENTILE, Condition, Hint, percentile
from depth3d.scale.robust import start_from_anchors, without_outliers
from depth3d.scale.system import Line, System, is_determined, solve

ASSUMED_FAR_OVER_NEAR = 4.0
"""Where the hints leave b open: depth at the 2nd percentile of d over depth at the 98th.

Aligned to the truth, the bundled network's pictures range over a factor of 1.6 to 12 on half of the rendered worlds
(median 3.0), and over 1.2 to 13 on 17 measured frames, most of them indoors (median 1.9).
"""

ASSUMED_FACTOR = 2.5
"""One standard deviation of that assumption, as a factor."""

_FAR_SHARES = (-0.05, -0.01, 0.0, 0.02, 0.06, 0.15, 0.35, 0.8, 2.0)
_NEAR_METRES = np.geomspace(0.05, 200, 13)
_SAME_DEPTH = 0.05


def fit_scale(inverse_depth: InverseDepth, camera: Intrinsics, hints: Sequence[Hint] = ()) -> ScaleFit:
    """Find a > 0 and b so that 1 / (a d + b) meets the hints, by robust weighted least squares.

    Each hint is weighted by its own uncertainty and by that of d. What disagrees with the rest is left out and named.
    Where the hints leave b open, the picture's range of depth is assumed, and the notes say so and what it may cost.
    Inverse depth that claims metres (`InverseDepth.metric_sigma`) keeps them without hints; hints correct their scale.

    Args:
        inverse_depth: relative inverse depth.
        camera: intrinsics of the same image size.
        hints: any mix.

    Raises:
        CameraError: the camera belongs to another image size.
        HintError: a hint does not fit the picture, the hints contradict each other or the picture's order, or they
            admit two solutions.
    """
    if camera.size != inverse_depth.size:
        raise CameraError(
            f"the camera is for {camera.width}x{camera.height}, "
            f"the depth is {inverse_depth.size[0]}x{inverse_depth.size[1]}"
        )
    equations = [equation for hint in hints for equation in hint.equations(inverse_depth, camera)]
    held = [hint.held_range(inverse_depth) for hint in hints]
    low, high = percentile(inverse_depth, FAR_PERCENTILE), percentile(inverse_depth, NEAR_PERCENTILE)
    span = high - low
    system = System.of(
        equations,
        d_low=low,
        d_high=high,
        d_noise=inverse_depth.noise * span,
        proportional=inverse_depth.zero_is_infinity,
    )
    if system.count == 0:
        fit = _unitless(system) if inverse_depth.metric_sigma is None else _as_claimed(inverse_depth.metric_sigma)
    else:
        fit = _solved(system)
        if inverse_depth.metric_sigma is not None:
            fit = replace(fit, notes=(*fit.notes, f"the network's own metres are multiplied by {1 / fit.a:.3g}"))
    return replace(
        fit,
        held_low=max((low for low, _ in held), default=-math.inf),
        held_high=min((high for _, high in held), default=math.inf),
    )


def _as_claimed(metric_sigma: float) -> ScaleFit:
    """The metres of a metric network, with the error that it states."""
    note = f"metres as the network says, ±{metric_sigma:.0%} (one standard deviation); a known distance corrects them"
    return ScaleFit(1.0, 0.0, np.diag([metric_sigma**2, 0.0]), notes=(note,))


def _unitless(system: System) -> ScaleFit:
    words = "no distance was given: the unit is arbitrary (1 unit = depth of the nearest things)"
    if system.proportional:
        return ScaleFit(1 / system.d_high, 0.0, is_metric=False, notes=(words,))
    if system.d_high == system.d_low:
        flat = "the relative depth is the same everywhere and is taken as one flat surface"
        return ScaleFit(1.0, 1.0 - system.d_high, is_metric=False, notes=(f"{words}, and {flat}",))
    # 1/z is 1 at the near end and 1 / ASSUMED_FAR_OVER_NEAR at the far end.
    a = (1 - 1 / ASSUMED_FAR_OVER_NEAR) / (system.d_high - system.d_low)
    return ScaleFit(a, 1 - a * system.d_high, is_metric=False, notes=(f"{words}, and {_ASSUMPTION}",))


def _solved(system: System) -> ScaleFit:
    _refuse_wrong_order(system)
    assumed = None if system.proportional else _assumption(system, ASSUMED_FAR_OVER_NEAR)
    solutions = _solutions(system)
    notes: tuple[str, ...] = ()
    if assumed is not None and not any(is_determined(system, line) for line in solutions):
        system = system.with_condition(assumed)
        solutions = _solutions(system)
        notes = (_open_range(system, solutions[0]),)
    line = _only(system, solutions)
    trusted = without_outliers(system, line)
    if trusted.line.a <= 0:
        raise HintError(_wrong_order(system))
    line = trusted.line
    return ScaleFit(
        line.a,
        line.b,
        line.covariance,
        line.d_sigma,
        trusted.system.anchors,
        notes=(*notes, *trusted.notes),
        doubted=trusted.doubted,
    )


def _solutions(system: System) -> list[Line]:
    """Every distinct solution, the best first."""
    start = start_from_anchors(system) if len(system.anchors.d) else None
    if start is not None and (system.proportional or not system.conditions or len(system.anchors.d) > 2):
        return [solve(system, start)]
    if not system.conditions:
        return [solve(system, _flat_start(system))]
    found: list[Line] = []
    starts = _starts(system) if start is None else [start, *_starts(system)]
    for a, b in starts:
        line = solve(system, (a, b))
        if not any(_same(system, line, other) for other in found):
            found.append(line)
    return sorted(found, key=lambda line: _cost(system, line))


def _only(system: System, solutions: list[Line]) -> Line:
    best = _cost(system, solutions[0])
    equal = [line for line in solutions if _cost(system, line) < best + 1]
    if len(equal) > 1:
        ranges = " or ".join(
            f"{line.depth_at(system.d_high):.3g} to {line.depth_at(system.d_low):.3g} m" for line in equal[:2]
        )
        raise HintError(f"these hints admit two solutions, depths of {ranges}; add one more hint, such as a distance")
    return solutions[0]


def _starts(system: System) -> list[tuple[float, float]]:
    """For each shape of the scene, the scale that meets the hints best."""
    if system.proportional:
        tries = [[(1 / (z * system.d_high), 0.0) for z in _NEAR_METRES]]
    else:
        tries = []
        for share in _FAR_SHARES:
            scales = [1 / (z * (1 + share) * system.span) for z in _NEAR_METRES]
            tries.append([(a, a * (share * system.span - system.d_low)) for a in scales])
    blank = np.zeros((2, 2))
    return [min(row, key=lambda ab: _cost(system, Line(ab[0], ab[1], blank, system.d_noise))) for row in tries]


def _flat_start(system: System) -> tuple[float, float]:
    """A start whose sign is right when the anchors lie at one relative depth."""
    level = float(np.median(system.anchors.inverse_m)) or 1.0
    a = level / system.span
    return a, level - a * float(np.median(system.anchors.d))


def _cost(system: System, line: Line) -> float:
    return float(np.sum(system.residuals(line) ** 2))


def _same(system: System, one: Line, other: Line) -> bool:
    ends = np.array([system.d_low, system.d_high])
    first, second = one.a * ends + one.b, other.a * ends + other.b
    return bool(np.abs(first - second).max() <= _SAME_DEPTH * np.abs(first).max())


_ASSUMPTION = f"the farthest things are assumed {ASSUMED_FAR_OVER_NEAR:g} times as deep as the nearest"


def _assumption(system: System, far_over_near: float) -> Condition:
    """The picture's range of depth, known to a factor of 2.5."""

    def error(a: float, b: float, d: NDArray[np.float64]) -> float:
        near, far = a * d + b
        return math.log(near / far / far_over_near)

    return Condition(
        "the assumed range of depth",
        np.array([system.d_high, system.d_low]),
        error,
        math.log(ASSUMED_FACTOR),
        lambda a, b: f"a range of {(a * system.d_high + b) / (a * system.d_low + b):.3g}",
    )


def _open_range(system: System, line: Line) -> str:
    """What the assumption is and what it does, for a system whose last condition it is."""
    given = replace(system, conditions=system.conditions[:-1])
    far = []
    for ratio in (ASSUMED_FAR_OVER_NEAR / ASSUMED_FACTOR, ASSUMED_FAR_OVER_NEAR * ASSUMED_FACTOR):
        other = solve(given.with_condition(_assumption(system, ratio)), (line.a, line.b))
        far.append(other.depth_at(system.d_low))
    return (
        f"the hints leave the range of depth open: {_ASSUMPTION}, to within a factor of {ASSUMED_FACTOR:g}, which puts "
        f"them at {line.depth_at(system.d_low):.3g} m ({min(far):.3g} to {max(far):.3g} m); "
        "a hint at another depth removes this guess"
    )


def _refuse_wrong_order(system: System) -> None:
    """Two or more anchors, none of whose pairs has the nearer thing nearer, contradict the picture."""
    anchors = system.anchors
    if system.proportional or len(anchors.d) < 2:
        return
    apart = np.ptp(anchors.d) > 1e-6 * max(system.span, float(np.abs(anchors.d).max()))
    if apart and start_from_anchors(system) is None:
        raise HintError(_wrong_order(system))
    if not apart and np.ptp(anchors.inverse_m) > 3 * float(anchors.sigma.max()):
        names = " and ".join(anchors.names[:4])
        raise HintError(
            f"hints {names} lie at the same relative depth but name different distances; "
            "give one nearer and one farther point"
        )


def _wrong_order(system: System) -> str:
    anchors = system.anchors
    near, far = int(np.argmax(anchors.d)), int(np.argmin(anchors.d))
    return (
        f"the hints contradict the picture: {anchors.names[near]} is seen nearer than {anchors.names[far]}, but the "
        "distances say otherwise; check the pixels and distances, or --brighter-is-farther for a depth map"
    )
