"""Do the depth maps of several photos agree? Where they do they are drawn together, and say how sure that is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from depth3d.scenes.multiview.fusion.depth_view import DepthView

DEFAULT_TOLERANCE = 0.1
"""Depths that differ by no more than this share count as the same surface."""


@dataclass(frozen=True, slots=True, eq=False)
class Agreed:
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


def agree(view: DepthView, others: Iterable[DepthView], *, tolerance: float = DEFAULT_TOLERANCE) -> Agreed:
    """Ask other photos about each pixel's depth, and take the mean of those that see the same surface.

    A pixel's point is looked up in the other photo's depth map. If the depth there is the point's own within the
    tolerance, both see one surface; if it is farther, the other photo looks through the point; if it is nearer,
    something hides the point and the other photo says nothing. The mean is taken over log z with weights that fall to 0
    at the tolerance (Tukey's biweight), so that nothing jumps there.

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
        rows, ratio = _seen_by(other, points, known)
        difference = np.log(ratio) / limit
        same = np.abs(difference) < 1
        share = (1 - np.square(difference[same])) ** 2
        total[rows[same]] += share * difference[same] * limit
        weight[rows[same]] += share
        seconded[rows[same]] += 1
        contradicted[rows[difference >= 1]] += 1
    shape = view.z.shape
    z = view.z * np.exp(total / weight).reshape(shape)
    return Agreed(replace(view, z=z), seconded.reshape(shape), contradicted.reshape(shape))


def _seen_by(
    other: DepthView, points: NDArray[np.float32], known: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Which rows of points another photo sees where its depth is known, and its depth there over the point's."""
    cam_from_world = other.pose.cam_from_world.astype(np.float32)
    xyz = points[known] @ cam_from_world[:3, :3].T + cam_from_world[:3, 3]
    front = xyz[:, 2] > 0
    rows, xyz = known[front], xyz[front]
    width, height = other.camera.size
    u = np.floor(xyz[:, 0] / xyz[:, 2] * np.float32(other.camera.fx) + np.float32(other.camera.cx))
    v = np.floor(xyz[:, 1] / xyz[:, 2] * np.float32(other.camera.fy) + np.float32(other.camera.cy))
    inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)
    rows, z = rows[inside], xyz[inside, 2]
    seen = other.z[v[inside].astype(np.int32), u[inside].astype(np.int32)]
    there = np.isfinite(seen)
    return rows[there], seen[there] / z[there]
