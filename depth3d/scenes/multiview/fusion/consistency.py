"""Do the depth maps of several photos agree? Where they do they are drawn together, and say how sure that is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from depth3d.scenes.multiview.fusion.depth_view import DepthView

_WEIGHTS = (0.05, 5.0)

DEFAULT_TOLERANCE = 0.1
"""Depths that differ by no more than this share count as the same surface."""


@dataclass(frozen=True, slots=True, eq=False)
class CheckedDepth:
    """One photo's depth after others were asked.

    Attributes:
        view: with the depth on which the photos agree.
        seconded: (H, W) uint8, how many others see the same surface there.
        contradicted: (H, W) uint8, how many others look through it.
    """

    view: DepthView
    seconded: NDArray[np.uint8]
    contradicted: NDArray[np.uint8]

    @property
    def confidence(self) -> NDArray[np.float32]:
        """(H, W) float32 from 0 to 1: the share of photos that agree, one more being undecided; 0 where unknown."""
        asked = self.seconded.astype(np.float32) + self.contradicted + 1
        return np.where(np.isfinite(self.view.z), (self.seconded + np.float32(0.5)) / asked, np.float32(0))


def agree(view: DepthView, others: Iterable[DepthView], *, tolerance: float = DEFAULT_TOLERANCE) -> CheckedDepth:
    """Ask other photos about each pixel's depth, and take the mean of those that see the same surface.

    A pixel's point is looked up in the other photo's depth map. If the depth there is the point's own within the
    tolerance, both see one surface; if it is farther, as sky is always, the other photo looks through the point; if it
    is nearer, something hides the point and the other photo says nothing. The mean is taken over log z with weights
    that fall to 0 at the tolerance (Tukey's biweight), so that nothing jumps there.

    Args:
        view: the photo.
        others: photos that see some of what it sees.
        tolerance: how far depths of one surface may differ, as a share of them.
    """
    points = view.points().reshape(-1, 3)
    known = np.flatnonzero(np.isfinite(points[:, 2]))
    seconded, contradicted = np.zeros(len(points), np.uint8), np.zeros(len(points), np.uint8)
    total, weight = np.zeros(len(points), np.float32), np.ones(len(points), np.float32)
    limit = np.float32(np.log1p(tolerance))
    for other in others:
        seen = _seen_by(other, points, known)
        rows, difference = seen.rows, np.log(seen.ratio) / limit
        same = np.abs(difference) < 1
        share = (1 - np.square(difference[same])) ** 2 * _weights(view, rows[same], seen.doubt, same)
        total[rows[same]] += share * difference[same] * limit
        weight[rows[same]] += share
        seconded[rows[same]] += 1
        contradicted[rows[difference >= 1]] += 1
    shape = view.z.shape
    z = view.z * np.exp(total / weight).reshape(shape)
    return CheckedDepth(replace(view, z=z), seconded.reshape(shape), contradicted.reshape(shape))


def _weights(
    view: DepthView, rows: NDArray[np.intp], doubt: NDArray[np.float32] | None, same: NDArray[np.bool_]
) -> NDArray[np.float32] | np.float32:
    """What another photo's depth is worth beside the photo's own, which is worth 1: by how sure both are."""
    if view.doubt is None or doubt is None:
        return np.float32(1)
    ratio = np.square(view.doubt.ravel()[rows] / np.maximum(doubt[same], 1e-4))
    return np.asarray(np.clip(np.nan_to_num(ratio, nan=1), *_WEIGHTS), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What another photo says about points.

    Attributes:
        rows: (N,) of the points that it sees where its depth is known.
        ratio: (N,) its depth there over the point's.
        doubt: (N,) its doubt there, or None.
    """

    rows: NDArray[np.intp]
    ratio: NDArray[np.float32]
    doubt: NDArray[np.float32] | None


def _seen_by(other: DepthView, points: NDArray[np.float32], known: NDArray[np.intp]) -> _Seen:
    """What another photo says about the known rows of points."""
    cam_from_world = other.pose.cam_from_world.astype(np.float32)
    xyz = points[known] @ cam_from_world[:3, :3].T + cam_from_world[:3, 3]
    front = xyz[:, 2] > 0
    rows, xyz = known[front], xyz[front]
    width, height = other.camera.size
    u = np.floor(xyz[:, 0] / xyz[:, 2] * np.float32(other.camera.fx) + np.float32(other.camera.cx))
    v = np.floor(xyz[:, 1] / xyz[:, 2] * np.float32(other.camera.fy) + np.float32(other.camera.cy))
    inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)
    rows, z = rows[inside], xyz[inside, 2]
    row, column = v[inside].astype(np.int32), u[inside].astype(np.int32)
    seen = other.z[row, column]
    there = ~np.isnan(seen)
    doubt = None if other.doubt is None else other.doubt[row, column][there]
    return _Seen(rows[there], seen[there] / z[there], doubt)
