"""How wrong a network is, and how far its errors reach: measured as the scale model assumes them, for its weights file.

A depth network's error is no grain: a wall is wrong as a whole. The reach is the one under which the true depth of
some pixels of every picture is most probable, whatever the picture's scale, range and strength of errors (marginal
likelihood: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, 5.4.1). The strength is the
geometric mean of those that are most probable in each picture: a single picture that is quite wrong must not decide.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import UsageError
from depth3d.scale.hint import FAR_PERCENTILE, NEAR_PERCENTILE, Anchors
from depth3d.scale.posterior import Errors, errors_about, try_ranges
from depth3d.scale.prior import Trend
from depth3d.scale.problem import Problem

_POINTS = 48
_LEAST_KNOWN = 100
_TRUTH_SIGMA = 0.01
"""Depth cameras are right to about 1 %."""
_FARTHEST_M, _NEAREST_M = 80.0, 0.1
_NEAREST, _FARTHEST = 0.004, 0.1
"""Half of the pixels have one so far from them, in diagonals: errors at short distances count too."""

_PER_OCTAVE = 2
_STRENGTHS = 0.0075 * 2 ** (np.arange(18) / _PER_OCTAVE)
_REACHES = np.geomspace(0.06, 1.5, 9)


@dataclass(frozen=True, slots=True)
class Noise:
    """The error of a network's 1/z.

    Attributes:
        strength: standard deviation of the relative error that neighbouring pixels share.
        reach: how far such errors reach, in diagonals of the picture, as `InverseDepth.noise_reach`.
        pictures: how many pictures were measured.
    """

    strength: float
    reach: float
    pictures: int


def measure_noise(
    frames: Iterable[tuple[NDArray[np.uint8], NDArray[np.float32]]],
    predict: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
) -> Noise:
    """Measure a network's error on photos whose depth is known.

    Args:
        frames: (H, W, 3) photos with (H, W) inverse depth in 1/m, 0 or NaN where unknown; not those it was trained on.
        predict: gives relative inverse depth (H, W) for a photo.

    Raises:
        UsageError: no frame has enough known depth.
    """
    maps = []
    for rgb, inverse in frames:
        d = predict(rgb)
        if _known(d, inverse).sum() >= _LEAST_KNOWN and np.ptp(d[np.isfinite(d)]) > 0:
            maps.append(_log_evidence(d, inverse))
    if not maps:
        raise UsageError("no photo here has enough measured depth to measure a network's error by")
    total = np.mean([_of_network(log_evidence) for log_evidence in maps], axis=0)
    reach = int(np.unravel_index(int(np.argmax(total)), total.shape)[1])
    own = [_peak(_STRENGTHS, log_evidence[:, reach], int(np.argmax(log_evidence[:, reach]))) for log_evidence in maps]
    return Noise(float(np.exp(np.mean(np.log(own)))), _peak(_REACHES, total.max(axis=0), reach), len(maps))


def _log_evidence(d: NDArray[np.float32], inverse: NDArray[np.float32]) -> NDArray[np.float64]:
    """(S, R) the logarithm of how probable the depth of some of a picture's pixels is, for every strength and reach."""
    low, high = np.percentile(d[np.isfinite(d)], [FAR_PERCENTILE, NEAR_PERCENTILE])
    trend = Trend(float(low), float(high - low) or 1.0, proportional=False)
    row, column = _pixels(_known(d, inverse))
    said = inverse[row, column].astype(np.float64)
    uv = np.stack([column + 0.5, row + 0.5], axis=1)
    anchors = Anchors(("",) * len(row), d[row, column].astype(np.float64), said, _TRUTH_SIGMA * said, uv)
    found = np.empty((len(_STRENGTHS), len(_REACHES)))
    for j, reach in enumerate(_REACHES):
        problem = Problem.of([anchors], trend, reach=float(reach), diagonal_px=math.hypot(*d.shape))
        tried = [try_ranges(problem, Errors(float(strength), 0.0, 0.0)) for strength in _STRENGTHS]
        found[:, j] = [np.logaddexp.reduce(one.log_weight) for one in tried]
    return found


def _of_network(log_evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same by the network's strength, of which a picture's own may be a quarter or twice, as in a fit.

    Only strengths that leave all those inside `_STRENGTHS`.
    """
    multiples = errors_about(1.0, 0.0)
    steps = [round(_PER_OCTAVE * math.log2(errors.strength)) for errors in multiples]
    count = len(log_evidence) - max(steps) + min(steps)
    shifted = [
        log_evidence[step - min(steps) :][:count] + errors.log_prior
        for step, errors in zip(steps, multiples, strict=True)
    ]
    return np.asarray(np.logaddexp.reduce(shifted))


def _known(d: NDArray[np.float32], inverse: NDArray[np.float32]) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.asarray((inverse > 1 / _FARTHEST_M) & (inverse < 1 / _NEAREST_M) & np.isfinite(d))


def _pixels(known: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of some known pixels, half of them near others; the same at every call."""
    rng = np.random.default_rng(0)
    height, width = known.shape
    rows, columns = np.nonzero(known)
    chosen = rng.integers(0, len(rows), _POINTS // 2)
    row, column = rows[chosen], columns[chosen]
    away = np.exp(rng.uniform(math.log(_NEAREST), math.log(_FARTHEST), _POINTS // 2)) * math.hypot(height, width)
    angle = rng.uniform(0, 2 * np.pi, _POINTS // 2)
    beside_row = np.clip(np.rint(row + away * np.sin(angle)).astype(np.int64), 0, height - 1)
    beside_column = np.clip(np.rint(column + away * np.cos(angle)).astype(np.int64), 0, width - 1)
    usable = known[beside_row, beside_column]
    places = np.stack([np.r_[row, beside_row[usable]], np.r_[column, beside_column[usable]]])
    row, column = np.unique(places, axis=1)
    return row, column


def _peak(nodes: NDArray[np.float64], values: NDArray[np.float64], at: int) -> float:
    """Where the parabola through the greatest value and its neighbours peaks; the nodes are a geometric series."""
    if not 0 < at < len(nodes) - 1:
        return float(nodes[at])
    left, middle, right = values[at - 1 : at + 2]
    bend = left - 2 * middle + right
    step = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return float(nodes[at] * (nodes[at + 1] / nodes[at]) ** step)
