"""How far a converted network strays from the same network in torch and single precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_NEAR, _FAR = 98, 2  # percentiles of inverse depth
_FARTHEST = 8.0


@dataclass(frozen=True, slots=True)
class Deviation:
    """One picture, or the mean over several.

    Attributes:
        median: median of |z - reference z| / reference z over the picture, after aligning.
        rank_correlation: Spearman's, of inverse depth.
    """

    median: float
    rank_correlation: float


def deviation_of(inverse: NDArray[np.float32], reference: NDArray[np.float32]) -> Deviation:
    """Compare two predictions of inverse depth (h, w).

    The first is aligned to the second by least squares over scale and shift. Both then become depth as a photo without
    hints does: the farthest things (2nd percentile of the reference) eight times as deep as the nearest (98th).
    """
    given, wanted = inverse.ravel().astype(np.float64), reference.ravel().astype(np.float64)
    scale, shift = _aligning(given, wanted)
    far, near = np.percentile(wanted, [_FAR, _NEAR])
    if not np.isfinite(scale) or near <= far:
        return Deviation(0.0 if np.array_equal(given, wanted) else np.inf, 0.0)
    z, z_reference = (_depth((values - far) / (near - far)) for values in (scale * given + shift, wanted))
    median = float(np.median(np.abs(z - z_reference) / z_reference))
    return Deviation(median, float(np.corrcoef(_ranks(given), _ranks(wanted))[0, 1]))


def mean_deviation(deviations: list[Deviation]) -> Deviation:
    """The mean over pictures, each counting the same."""
    return Deviation(
        float(np.mean([one.median for one in deviations])), float(np.mean([one.rank_correlation for one in deviations]))
    )


def _aligning(given: NDArray[np.float64], wanted: NDArray[np.float64]) -> tuple[float, float]:
    variance = float(np.var(given))
    if variance == 0 or not np.isfinite(variance):
        return np.nan, np.nan
    scale = float(np.mean((given - given.mean()) * (wanted - wanted.mean()))) / variance
    return scale, float(wanted.mean() - scale * given.mean())


def _depth(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Depth of inverse depths that are 0 at the farthest things and 1 at the nearest, whose depth is 1."""
    depth: NDArray[np.float64] = 1 / (1 / _FARTHEST + (1 - 1 / _FARTHEST) * np.maximum(share, 0))
    return depth


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks, equal values sharing the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: NDArray[np.float64] = last - (counts - 1) / 2
    return means[places]
