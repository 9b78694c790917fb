"""Whether things are seen: which of two neighbouring points is nearer, across the depth edges of the truth.

A fit of scale and shift rewards a smooth guess of the whole scene; this measure asks only about pairs of pixels that
lie close together in the picture and far apart in space, as on and beside a chair (ordinal judgement after Chen et al.,
"Single-Image Depth Perception in the Wild", arXiv 1604.03901).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEAR_SHARE, FAR_SHARE = 0.02, 0.06
DEPTH_RATIO = 1.15
_PAIRS = 40_000


def right_order(inverse: NDArray[np.float32], truth_m: NDArray[np.float32]) -> float:
    """Share of pixel pairs in the right order, 2 to 6 % of the width apart and 15 % or more in true depth.

    The pairs are the same at every call. Where both predictions are equal the pair counts half, so that a constant
    gets 0.5.

    Args:
        inverse: (H, W) relative inverse depth, larger is nearer.
        truth_m: (H, W) true depth along the axis, in any unit, NaN where unknown.

    Returns:
        The share, NaN where the truth has no such pair.
    """
    first, second = _pairs(truth_m)
    if not len(first):
        return float("nan")
    truth, guess = truth_m.ravel(), inverse.ravel()
    nearer = truth[first] < truth[second]
    difference = guess[first].astype(np.float64) - guess[second]
    right = np.where(nearer, difference > 0, difference < 0)
    return float(np.mean(np.where(difference == 0, 0.5, right)))


def _pairs(truth_m: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Flat indices of both ends of every pair."""
    height, width = truth_m.shape
    known = np.flatnonzero(np.isfinite(truth_m))
    rng = np.random.default_rng(0)
    first = known[rng.integers(len(known), size=_PAIRS)] if len(known) else known
    distance = width * rng.uniform(NEAR_SHARE, FAR_SHARE, len(first))
    angle = rng.uniform(0, 2 * np.pi, len(first))
    y = first // width + np.rint(distance * np.sin(angle)).astype(int)
    x = first % width + np.rint(distance * np.cos(angle)).astype(int)
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    first, second = first[inside], (y * width + x)[inside]
    a, b = truth_m.ravel()[first], truth_m.ravel()[second]
    with np.errstate(invalid="ignore"):
        apart = np.maximum(a, b) >= DEPTH_RATIO * np.minimum(a, b)
    return first[apart], second[apart]
