"""Which other photos to ask about a photo's depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.scenes.multiview.fusion.depth_view import DepthView

MOST_NEIGHBOURS = 10
LEAST_SHARED = 0.05
"""Photos that share less than this of what one of them sees are not asked."""

_FULL_PARALLAX_DEG = 5.0
_ACROSS = 16
_MUCH_NEARER = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class ViewSummary:
    """What is needed of a photo to know what it shares with others: few points, and no pixels.

    Attributes:
        camera: without lens distortion.
        pose: where it was taken.
        points: (N, 3) float32 world coordinates of points spread over the picture.
        typical_z: the median depth.
    """

    camera: Intrinsics
    pose: Pose
    points: NDArray[np.float32]
    typical_z: float

    @classmethod
    def of(cls, view: DepthView) -> ViewSummary:
        """A glimpse of a view."""
        points = view.points(max(1, view.camera.width // _ACROSS)).reshape(-1, 3)
        return cls(view.camera, view.pose, points[np.isfinite(points[:, 2])], float(np.nanmedian(view.z)))


def neighbours_of(glimpses: Sequence[ViewSummary], index: int, *, most: int = MOST_NEIGHBOURS) -> list[int]:
    """The photos that know most about one of them: they see its points, from another side.

    A shared point counts for nothing where the rays are parallel, since such photos make the same mistakes, and in full
    from a few degrees on.

    Args:
        glimpses: of all photos.
        index: of the one.
        most: at most so many.
    """
    one = glimpses[index]
    if not len(one.points):
        return []
    scores = [(_shared(one, other) if number != index else 0.0, number) for number, other in enumerate(glimpses)]
    best = sorted(scores, key=lambda pair: (-pair[0], pair[1]))[:most]
    return [number for score, number in best if score >= LEAST_SHARED]


def _shared(one: ViewSummary, other: ViewSummary) -> float:
    cam_from_world = other.pose.cam_from_world.astype(np.float32)
    xyz = one.points @ cam_from_world[:3, :3].T + cam_from_world[:3, 3]
    z = np.maximum(xyz[:, 2], 1e-12)
    u = xyz[:, 0] / z * np.float32(other.camera.fx) + np.float32(other.camera.cx)
    v = xyz[:, 1] / z * np.float32(other.camera.fy) + np.float32(other.camera.cy)
    # A point almost at the other camera is none that it shows.
    near = xyz[:, 2] > _MUCH_NEARER * other.typical_z
    seen = near & (u >= 0) & (u < other.camera.width) & (v >= 0) & (v < other.camera.height)
    if not seen.any():
        return 0.0
    rays = _unit(one.points[seen] - one.pose.world_from_cam[:3, 3])
    others = _unit(one.points[seen] - other.pose.world_from_cam[:3, 3])
    angle_deg = np.degrees(np.arccos(np.clip((rays * others).sum(axis=1), -1, 1)))
    return float((1 - np.exp(-angle_deg / _FULL_PARALLAX_DEG)).sum() / len(one.points))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))
