"""How good depth is at its edges: points that fly between surfaces, and boundaries found where there are some."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

NETWORK_CELLS = 256

_FLYING_RATIO = 0.05
_FLYING_REACH_PX = 3
_BOUNDARY_RATIOS = np.linspace(1.05, 1.25, 10)


def flying_points(z: NDArray[Any], truth_m: NDArray[Any]) -> NDArray[np.bool_]:
    """Points that lie on no surface: more than 5 % in depth from every true depth within 3 pixels.

    Args:
        z: (H, W) depth in metres, NaN where unknown; it is no point there.
        truth_m: (H, W) metres, NaN where unknown; only points where the truth is known are judged.

    Returns:
        (H, W) True at flying points.
    """
    height, width = truth_m.shape
    reach = _FLYING_REACH_PX
    around = np.pad(truth_m, reach, constant_values=np.nan)
    flying = np.asarray(np.isfinite(z) & np.isfinite(truth_m), np.bool_)
    for dy, dx in _disc(reach):
        true = around[reach + dy : reach + dy + height, reach + dx : reach + dx + width]
        flying &= ~(np.abs(z - true) <= _FLYING_RATIO * true)
    return flying


def boundary_f1(z: NDArray[Any], truth_m: NDArray[Any]) -> float:
    """Scale-invariant boundary F1 (Depth Pro, arXiv 2410.02073, section 3.4).

    A boundary lies between two neighbours, one of which is farther by more than a ratio; ratios from 1.05 to 1.25 are
    weighted by themselves. Neighbours count where both are known in the truth.
    """
    known = np.isfinite(truth_m)
    scores: list[float] = []
    for ratio in _BOUNDARY_RATIOS:
        found = _boundaries(z, known, ratio)
        true = _boundaries(truth_m, known, ratio)
        both = sum(int((f & t).sum()) for f, t in zip(found, true, strict=True))
        recall = both / max(1, sum(int(t.sum()) for t in true))
        precision = both / max(1, sum(int(f.sum()) for f in found))
        scores.append(2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0)
    return float(np.average(scores, weights=_BOUNDARY_RATIOS))


def as_a_network_sees(truth_m: NDArray[Any], *, cells: int = NETWORK_CELLS) -> NDArray[np.float32]:
    """True inverse depth at a network's resolution: the mean of what is known in each cell, NaN where nothing is.

    Args:
        truth_m: (H, W) metres, NaN where unknown.
        cells: longer side of the result.
    """
    import cv2

    height, width = truth_m.shape
    scale = cells / max(width, height)
    size = (round(width * scale), round(height * scale))
    known = np.isfinite(truth_m)
    inverse = np.where(known, 1 / np.where(known, truth_m, 1), 0).astype(np.float32)
    share = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(inverse, size, interpolation=cv2.INTER_AREA)
    some = share > 1e-6
    return np.where(some, total / np.where(some, share, 1), np.float32(np.nan)).astype(np.float32)


def _boundaries(z: NDArray[Any], known: NDArray[np.bool_], ratio: float) -> list[NDArray[np.bool_]]:
    """Four maps: where a pixel's right, left, lower or upper neighbour is farther by more than `ratio`."""
    maps = []
    for near, far, pair in (
        (z[:, :-1], z[:, 1:], known[:, :-1] & known[:, 1:]),
        (z[:-1], z[1:], known[:-1] & known[1:]),
    ):
        safe_near, safe_far = np.where(pair, near, 1.0), np.where(pair, far, 1.0)
        maps += [safe_far > ratio * safe_near, safe_near > ratio * safe_far]
    return maps


def _disc(radius: int) -> Iterator[tuple[int, int]]:
    """Every (dy, dx) no farther than `radius`."""
    span = range(-radius, radius + 1)
    return ((dy, dx) for dy in span for dx in span if dy * dy + dx * dx <= radius * radius)
