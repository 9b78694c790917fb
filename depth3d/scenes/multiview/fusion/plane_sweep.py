"""Depth that makes photos look alike: each photo's surface is moved a little until its neighbours show the same there.

A plane sweep (Collins, "A Space-Sweep Approach to True Multi-Image Matching", CVPR 1996) whose planes are the depth map
itself, moved by shares of its standard deviation, so that slanted surfaces need no special care. Photos are compared by
normalised cross-correlation in small windows; what is known beforehand is the prior, so that places without texture
stay where they were, or move along with what is near them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.scenes.multiview.fusion.depth_view import DepthView

MOST_COMPARED = 5
"""Neighbours whose colours are compared."""

_STEPS = 9
_REACH_SIGMAS = 2.5
_WINDOW = 7
_SHARPNESS = 14.0
"""What a correlation of 1 is worth against one of 0, in the logarithm of probability, for each neighbour."""

_LEAST_TEXTURE = 2.0
"""Standard deviation of grey values in a window, of 255, below which noise is compared."""

_LEAST_SIGMA, _MOST_SIGMA = 0.01, 0.2
_DEFAULT_SIGMA = 0.06
_SPREAD = (9, 27)
_SPREAD_TRUST = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class SweptDepth:
    """Depth after the sweep.

    Attributes:
        z: (H, W) float32; NaN where it was.
        doubt: (H, W) float32, one standard deviation of z as a share of z.
        moved: the median of how far depths moved, as a share.
    """

    z: NDArray[np.float32]
    doubt: NDArray[np.float32]
    moved: float


def sweep(view: DepthView, others: Sequence[DepthView]) -> SweptDepth:
    """Move a photo's depth to where its neighbours agree with its colours.

    Args:
        view: the photo, its depth and its doubt.
        others: neighbours; only their colours and places matter.
    """
    doubt = np.full(view.z.shape, _DEFAULT_SIGMA, np.float32) if view.doubt is None else view.doubt
    doubt = np.clip(np.nan_to_num(doubt, nan=_MOST_SIGMA), _LEAST_SIGMA, _MOST_SIGMA).astype(np.float32)
    steps = np.linspace(-_REACH_SIGMAS, _REACH_SIGMAS, 2 * _STEPS + 1, dtype=np.float32)
    grey = _grey(view.rgb)
    reference = _Window.of(grey)
    chosen = [(other, _grey(other.rgb)) for other in others[:MOST_COMPARED]]
    scores = np.stack([_score(view, reference, chosen, 1 + step * doubt) for step in steps])
    log_posterior = _SHARPNESS * scores - (steps**2)[:, None, None] / 2
    log_posterior -= log_posterior.max(axis=0)
    weight = np.exp(log_posterior)
    weight /= weight.sum(axis=0)
    offset = np.tensordot(steps, weight, axes=1)
    spread = np.sqrt(np.maximum(np.tensordot(steps**2, weight, axes=1) - offset**2, 0.02))
    offset, spread = _shared(offset, np.minimum(spread, 1), view.z)
    z = view.z / np.maximum(1 + offset * doubt, 0.2)
    moved = np.abs(offset * doubt)[np.isfinite(z)]
    middle = float(np.median(moved)) if moved.size else 0.0
    return SweptDepth(z.astype(np.float32), (doubt * spread).astype(np.float32), middle)


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """A grey picture with its mean and variance in windows."""

    grey: NDArray[np.float32]
    mean: NDArray[np.float32]
    variance: NDArray[np.float32]

    @classmethod
    def of(cls, grey: NDArray[np.float32]) -> _Window:
        mean = _box(grey)
        return cls(grey, mean, np.maximum(_box(grey * grey) - mean * mean, 0))


def _score(
    view: DepthView,
    reference: _Window,
    others: Sequence[tuple[DepthView, NDArray[np.float32]]],
    factor: NDArray[np.float32],
) -> NDArray[np.float32]:
    """(H, W) the sum of the neighbours' correlations where 1/z is `factor` times what it was; 0 where nothing tells."""
    points = DepthView(view.camera, view.pose, view.z / factor, view.rgb).points()
    found = []
    for other, grey in others:
        u, v = _pixels(other, points)
        seen = cv2.remap(grey, u - np.float32(0.5), v - np.float32(0.5), cv2.INTER_LINEAR, borderValue=-1.0)
        found.append(_correlation(reference, np.asarray(seen, np.float32)))
    if not found:
        return np.zeros(view.z.shape, np.float32)
    # What one neighbour does not see or sees hidden counts no more than what half of the others see well.
    ranked = np.sort(np.stack(found), axis=0)[::-1]
    best = ranked[: (len(found) + 1) // 2]
    return np.asarray(best.sum(axis=0), np.float32)


def _pixels(other: DepthView, points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where another photo sees points; far outside where it does not."""
    cam_from_world = other.pose.cam_from_world.astype(np.float32)
    xyz = points @ cam_from_world[:3, :3].T + cam_from_world[:3, 3]
    front = xyz[..., 2] > 1e-6
    z = np.where(front, xyz[..., 2], np.float32(1))
    u = xyz[..., 0] / z * np.float32(other.camera.fx) + np.float32(other.camera.cx)
    v = xyz[..., 1] / z * np.float32(other.camera.fy) + np.float32(other.camera.cy)
    return np.where(front, u, np.float32(-1e4)), np.where(front, v, np.float32(-1e4))


def _correlation(one: _Window, seen: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W) from 0 to 1: negative correlation is none, as are windows without texture or partly unseen."""
    other = _Window.of(np.maximum(seen, 0))
    covariance = _box(one.grey * other.grey) - one.mean * other.mean
    found = covariance / np.sqrt(np.maximum(one.variance * other.variance, 1e-6))
    whole = _box((seen >= 0).astype(np.float32)) > 0.99
    told = whole & (np.minimum(one.variance, other.variance) > _LEAST_TEXTURE**2)
    return np.where(told, np.clip(found, 0, 1), np.float32(0))


def _shared(
    offset: NDArray[np.float32], spread: NDArray[np.float32], z: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Offsets made smooth, those that are sure more than others: a network's mistakes are shared by what is near."""
    known = np.isfinite(z)
    precision = np.where(known, 1 / spread**2 - 1 + 1e-3, 0).astype(np.float32)
    for side in _SPREAD:
        near = cv2.blur(precision, (side, side))
        weighted = np.asarray(precision * np.where(known, offset, 0), np.float32)
        mean = cv2.blur(weighted, (side, side)) / np.maximum(near, 1e-6)
        trust = _SPREAD_TRUST * near
        total = precision + trust
        pulled = (precision * offset + trust * mean) / np.maximum(total, 1e-6) * (total / (total + 0.2))
        offset = np.asarray(pulled, np.float32)
        precision = total
    return np.asarray(offset, np.float32), np.asarray(np.sqrt(1 / (1 + precision)), np.float32)


def _grey(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32)


def _box(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.blur(values, (_WINDOW, _WINDOW), borderType=cv2.BORDER_REFLECT), np.float32)
