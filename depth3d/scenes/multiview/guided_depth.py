"""Depth guided by points: what a network sees in one photo of a set, bent to the points of known depth in it.

A photo of a set sees hundreds of points whose depth is known to some per cent; what a network sees is right in its
details and wrong in the large. The posterior that hints of single photos have (`depth3d.scale`) follows the points and
says how sure each pixel is. Where the network sees the points in another order than they lie in, its trend is flat and
the points alone speak: no photo is refused. Points that disagree with the others count less, as the weights of
Student's t distribution have it (Lange, Little and Taylor, "Robust Statistical Modeling Using the t Distribution",
1989).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import HintError
from depth3d.scale import ScaleFit, SparsePoints, fit_scale
from depth3d.scale.hint import Anchors
from depth3d.scale.prior import Sites

LEAST_POINTS = 3
TRUE_OVER_STATED = 1.6
"""In measured photos depth guided by points is so many times as wrong as its standard deviation says: the points' own
places err together."""

_FLAT_TREND = 1.05
"""With points in the network's order the trend of a photo ranges over more than this factor of depth."""


_LEAST_WEIGHED, _TRIED, _ROUNDS = 16, 150, 3
_FREEDOM = 4.0
"""Degrees of freedom of Student's t: how readily a point is taken to be wrong."""

_LEAST_SHARE = 0.1
"""Points are taken to be no surer than this share of the error that they state, however well they agree."""


@dataclass(frozen=True, slots=True, eq=False)
class GuidedDepth:
    """Depth that follows points.

    Attributes:
        depth: with the standard deviation of each pixel; the unit is the points' own, called "arbitrary".
        farthest: depth of the farthest points.
        points: how many points guided it.
        notes: sentences for the user.
    """

    depth: MetricDepth
    farthest: float
    points: int
    notes: tuple[str, ...]


def guide_by_points(inverse_depth: InverseDepth, camera: Intrinsics, points: Sequence[SparsePoints]) -> GuidedDepth:
    """Bend what a network saw to points of known depth.

    Args:
        inverse_depth: what the network saw.
        camera: intrinsics of the same size, without lens distortion.
        points: at least three; outliers expected.

    Raises:
        HintError: fewer than three points lie where something is known.
    """
    parts = [part for hint in points for part in hint.equations(inverse_depth, camera)]
    anchors = Anchors.joined([part for part in parts if isinstance(part, Anchors)])
    if len(anchors.d) < LEAST_POINTS:
        raise HintError(f"{len(anchors.d)} points of known depth, at least {LEAST_POINTS} are needed to lead its depth")
    fit = fit_scale(inverse_depth, camera, [_weighed(inverse_depth, camera, anchors)])
    depth = replace(fit.apply(inverse_depth), unit="arbitrary")
    assert fit.posterior is not None
    is_flat = not inverse_depth.zero_is_infinity and np.exp(fit.posterior.middle[0]) < _FLAT_TREND
    notes = ("the network sees its points in another order; depth follows the points alone",) if is_flat else ()
    nearest_to_infinity = float(np.quantile(anchors.inverse_m, 0.01))
    return GuidedDepth(depth, 1 / max(nearest_to_infinity, 1e-12), len(anchors.d), notes)


def _weighed(inverse_depth: InverseDepth, camera: Intrinsics, anchors: Anchors) -> SparsePoints:
    """The points with the errors that they show beside what some of them say of the others, which are never larger.

    Where all agree better than they state their errors are smaller than stated, and one that stands out is wrong.
    """
    points = SparsePoints(anchors.uv[:, 0], anchors.uv[:, 1], 1 / anchors.inverse_m, anchors.sigma / anchors.inverse_m)
    count = len(anchors.d)
    if count < _LEAST_WEIGHED:
        return points
    asked = np.zeros(count, bool)
    asked[np.random.default_rng(0).permutation(count)[: min(_TRIED, count // 2)]] = True
    stated = np.asarray(points.relative_sigma)
    weighed = points
    for _ in range(_ROUNDS):
        fit = fit_scale(inverse_depth, camera, [_some(weighed, asked)])
        error = np.abs(np.log(anchors.inverse_m) - _said(fit, anchors)) / stated
        share = float(np.clip(1.4826 * np.median(error[~asked]), _LEAST_SHARE, 1.0))
        sigma = stated * share * np.sqrt((_FREEDOM + (error / share) ** 2) / (_FREEDOM + 1))
        weighed = replace(points, relative_sigma=sigma)
    return weighed


def _some(points: SparsePoints, rows: NDArray[np.bool_]) -> SparsePoints:
    sigma = np.asarray(points.relative_sigma)[rows]
    return replace(points, u=points.u[rows], v=points.v[rows], metres=points.metres[rows], relative_sigma=sigma)


def _said(fit: ScaleFit, anchors: Anchors) -> NDArray[np.float64]:
    """(N,) the logarithm of 1/z that a fit gives where the anchors are."""
    assert fit.posterior is not None
    sites = Sites(anchors.uv / fit.posterior.diagonal_px, fit.posterior.trend.level(anchors.d))
    mean, _ = fit.posterior.at(sites)
    return mean
