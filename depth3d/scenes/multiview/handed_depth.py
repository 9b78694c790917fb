"""Points for a photo in which too few were found: other photos' depth, seen from where it was taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.core.undistort import to_original_pixels
from depth3d.scale import SparsePoints
from depth3d.scenes.multiview.fusion import DepthView
from depth3d.scenes.multiview.fusion.depth_view import project_world

MOST_GIVERS = 6
"""So many photos hand their depth on."""

_SAMPLES_ACROSS = 64
_CELLS_ACROSS = 24
_BEHIND = 1.1
"""What is this many times as deep as the nearest point of a cell is hidden by it."""

_LEAST_RELATIVE_SIGMA = 0.1
_UNKNOWN_DOUBT = 0.2
_POINTS_ACROSS = 20


def givers(poses: Sequence[Pose], pose: Pose) -> list[int]:
    """Which of the photos at these poses know most about what is seen from another: near by, looking the same way."""
    centres = np.array([one.world_from_cam[:3, 3] for one in poses])
    axes = np.array([one.world_from_cam[:3, 2] for one in poses])
    distance = np.linalg.norm(centres - pose.world_from_cam[:3, 3], axis=1)
    typical = max(float(np.median(distance)), 1e-12)
    score = distance / typical + 2 * (1 - axes @ pose.world_from_cam[:3, 2])
    return [int(number) for number in np.argsort(score, kind="stable")[:MOST_GIVERS]]


def handed_points(
    camera: Intrinsics, pose: Pose, others: Iterable[DepthView], *, where: NDArray[np.bool_] | None = None
) -> SparsePoints | None:
    """What other photos' depth says of a photo: one point for each part of the picture; None where they see nothing.

    Args:
        camera: the photo's, with its lens's distortion.
        pose: where it was taken.
        others: photos with depth, in the unit of the pose.
        where: (H, W) where points are wanted; None for everywhere.
    """
    ideal = camera.undistorted()
    rows = [_seen_from(ideal, pose, other) for other in others]
    found = np.concatenate(rows) if rows else np.zeros((0, 4))
    found = found[_nearest(found, ideal)]
    if where is not None and len(found):
        found = found[where[found[:, 1].astype(np.intp), found[:, 0].astype(np.intp)]]
    found = found[_surest(found, ideal)]
    if not len(found):
        return None
    uv = found[:, :2] if camera.is_ideal else to_original_pixels(found[:, :2], camera, ideal)
    inside = np.isfinite(uv).all(axis=1) & (uv >= 0).all(axis=1) & (uv < camera.size).all(axis=1)
    if not inside.any():
        return None
    source = f"the depth of {len(rows)} other photos"
    return SparsePoints(uv[inside, 0], uv[inside, 1], found[inside, 2], found[inside, 3], source)


def _seen_from(camera: Intrinsics, pose: Pose, other: DepthView) -> NDArray[np.float64]:
    """(N, 4) u, v, depth and its relative sigma of another photo's points, those in the picture."""
    step = max(1, other.camera.width // _SAMPLES_ACROSS)
    points = other.points(step)
    height, width = points.shape[:2]
    doubt = np.full((height, width), _UNKNOWN_DOUBT, np.float32)
    if other.doubt is not None:
        doubt = other.doubt[step // 2 :: step, step // 2 :: step]
    known = np.isfinite(points[..., 2])
    u, v, z = project_world(points[known], camera, pose)
    sigma = np.hypot(np.nan_to_num(doubt[known], nan=_UNKNOWN_DOUBT), _LEAST_RELATIVE_SIGMA)
    inside = (z > 0) & (u >= 0) & (u < camera.width) & (v >= 0) & (v < camera.height)
    return np.stack([u, v, z, np.minimum(sigma, 1.0)], axis=1, dtype=np.float64)[inside]


def _nearest(found: NDArray[np.float64], camera: Intrinsics) -> NDArray[np.bool_]:
    """(N,) which points are not hidden by others of their cell."""
    cell = _cells(found, camera, _CELLS_ACROSS)
    nearest = np.full(int(cell.max()) + 1 if len(cell) else 0, np.inf)
    np.minimum.at(nearest, cell, found[:, 2])
    return np.asarray(found[:, 2] <= _BEHIND * nearest[cell], bool)


def _surest(found: NDArray[np.float64], camera: Intrinsics) -> NDArray[np.intp]:
    """One row for each part of the picture: what is near to each other errs together."""
    cell = _cells(found, camera, _POINTS_ACROSS)
    order = np.lexsort((found[:, 3], cell))
    _, first = np.unique(cell[order], return_index=True)
    return np.asarray(order[first])


def _cells(found: NDArray[np.float64], camera: Intrinsics, across: int) -> NDArray[np.int64]:
    side = camera.width / across
    return (found[:, 1] // side).astype(np.int64) * (across + 1) + (found[:, 0] // side).astype(np.int64)
