"""Which equations to believe when some must be wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import HintError
from depth3d.scale.hint import Anchors
from depth3d.scale.system import Line, System, solve

MANY = 8
"""From so many anchors on, outliers are found by least median of squares; below, by leaving each equation out."""

_PAIRS = 1000
_OUTLIER_SIGMAS = 3.0
_REFUSED_SIGMAS = 6.0
_NAMED = 3
_PRIOR_FREEDOM = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Trusted:
    """The equations that agree with each other.

    Attributes:
        system: what is left.
        line: its solution.
        notes: which equations were left out and why, in words for the user.
        doubted: the names of those that disagree, whether they were left out or not.
    """

    system: System
    line: Line
    notes: tuple[str, ...] = ()
    doubted: tuple[str, ...] = ()


def start_from_anchors(system: System) -> tuple[float, float] | None:
    """A first (a, b) from the linear equations, not misled by up to half of them; None where they do not fix it.

    Least median of squares over pairs of anchors (Rousseeuw, 1984).
    """
    anchors = system.anchors
    if system.proportional:
        usable = (anchors.d > 0) & (anchors.inverse_m > 0)
        return (float(np.median(anchors.inverse_m[usable] / anchors.d[usable])), 0.0) if usable.any() else None
    first, second = _pairs(len(anchors.d))
    step = anchors.d[second] - anchors.d[first]
    apart = np.abs(step) > 1e-6 * system.span
    first, second, step = first[apart], second[apart], step[apart]
    a = (anchors.inverse_m[second] - anchors.inverse_m[first]) / step
    b = anchors.inverse_m[first] - a * anchors.d[first]
    a, b = a[a > 0], b[a > 0]
    if len(a) == 0:
        return None
    sample = _every(len(anchors.d), 400)
    errors = a[:, None] * anchors.d[sample] + b[:, None] - anchors.inverse_m[sample]
    medians = np.median(np.abs(errors) / np.hypot(anchors.sigma[sample], a[:, None] * system.d_noise), axis=1)
    best = int(np.argmin(medians))
    return float(a[best]), float(b[best])


def without_outliers(system: System, line: Line) -> Trusted:
    """Leave out what disagrees with the rest by more than three standard deviations, and name it.

    Raises:
        HintError: three equations contradict each other, so that any one of them may be wrong.
    """
    if len(system.anchors.d) >= MANY:
        return _many(system, line)
    return _few(system, line)


def _many(system: System, line: Line) -> Trusted:
    start, of_all = start_from_anchors(system), line
    a, b = start if start is not None else (line.a, line.b)
    kept = np.ones(len(system.anchors.d), bool)
    for _ in range(3):
        rough = Line(a, b, line.covariance, line.d_sigma)
        residuals = np.abs(system.residuals(rough)[: len(kept)])
        # 1.4826 times the median absolute residual is the standard deviation of a normal scatter; the stated noise,
        # whose residuals scatter by 1, counts as a few more of them, so that a lucky dozen does not cast out the rest.
        scatter = 1.4826 * float(np.median(residuals))
        blended = math.sqrt((_PRIOR_FREEDOM + len(kept) * scatter**2) / (_PRIOR_FREEDOM + len(kept)))
        kept = residuals <= _OUTLIER_SIGMAS * blended
        line = solve(system.keeping(kept), (a, b))
        a, b = line.a, line.b
    if line.a <= 0 < of_all.a:  # a majority at one depth agrees with itself and says nothing about the rest
        return Trusted(system, of_all, ("the anchors agree badly with the picture; all of them are kept",))
    doubted = tuple(dict.fromkeys(system.anchors.keeping(~kept).names))
    return Trusted(system.keeping(kept), line, _note_many(system.anchors, ~kept, line), doubted)


def _note_many(anchors: Anchors, outliers: NDArray[np.bool_], line: Line) -> tuple[str, ...]:
    if not outliers.any():
        return ()
    rows = np.flatnonzero(outliers)
    notes = [f"{len(rows)} of {len(outliers)} anchors disagree with the others and are left out"]
    named = [int(i) for i in rows if anchors.names.count(anchors.names[i]) == 1]
    notes += [_said(anchors, i, line) + "; it is left out" for i in named[:_NAMED]]
    return tuple(notes)


def _few(system: System, line: Line) -> Trusted:
    notes: list[str] = []
    doubted: list[str] = []
    while system.count >= 3:
        worst = float(np.abs(system.residuals(line)).max())
        if worst <= _OUTLIER_SIGMAS:
            break
        others = [system.without(i) for i in range(system.count)]
        lines = [solve(other, (line.a, line.b)) for other in others]
        disagreement = [float(np.abs(o.residuals(n)).max(initial=0)) for o, n in zip(others, lines, strict=True)]
        odd = int(np.argmin(disagreement))
        if system.count == 3 or sorted(disagreement)[1] < 1.5 * disagreement[odd]:
            notes.append(_undecided(system, worst))
            doubted += _names(system)
            break
        notes.append(_said_by(system, odd, lines[odd]) + "; it is left out")
        doubted.append(_names(system)[odd])
        system, line = others[odd], lines[odd]
    return Trusted(system, line, tuple(notes), tuple(doubted))


def _names(system: System) -> list[str]:
    return [*system.anchors.names, *(condition.name for condition in system.conditions)]


def _undecided(system: System, worst: float) -> str:
    words = f"{' or '.join(_names(system))}: one must be wrong, and a further hint would tell which"
    if worst > _REFUSED_SIGMAS:
        raise HintError(f"the hints contradict each other: {words}")
    return f"the hints agree badly: {words}"


def _said_by(system: System, index: int, line: Line) -> str:
    n = len(system.anchors.d)
    if index < n:
        return _said(system.anchors, index, line)
    condition = system.conditions[index - n]
    return f"the hint {condition.name} disagrees: the others say {condition.fitted(line.a, line.b)}"


def _said(anchors: Anchors, index: int, line: Line) -> str:
    inverse = float(anchors.inverse_m[index])
    said = f"{1 / inverse:.3g} m" if inverse > 0 else "infinity"
    others = line.depth_at(float(anchors.d[index]))
    there = f"{others:.3g} m" if math.isfinite(others) else "infinity"
    return f"the hint {anchors.names[index]} means a depth of {said}, the others say {there} there"


def _pairs(count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if count * (count - 1) // 2 <= _PAIRS:
        first, second = np.triu_indices(count, 1)
        return first.astype(np.int64), second.astype(np.int64)
    drawn = np.random.default_rng(0).integers(0, count, (2, _PAIRS))
    return drawn[0], drawn[1]


def _every(count: int, most: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))
