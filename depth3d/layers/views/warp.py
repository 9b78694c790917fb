"""Which place of a photo each pixel of another view shows."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose

MOST_ROUNDS = 24
_CLOSE_ENOUGH_PX = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class EpipolarLines:
    """The line in the photo on which each pixel of a view finds what it shows: `start` + 1/z `course`.

    A point at depth z in the photo's camera, seen along the ray r of a camera at t turned by R, lies in the photo at
    h + (t_xy - h t_z) / z, where h is R r divided by its z: straight and linear in 1/z (Hartley and Zisserman, Multiple
    View Geometry, 2004, chapter 9, with the roles of the two views exchanged).

    Attributes:
        start: (x, y), each (H, W) float32: the place of what is infinitely far, in the photo's pixels.
        course: (x, y), each (H, W) float32, pixels per 1/m.
    """

    start: tuple[NDArray[np.float32], NDArray[np.float32]]
    course: tuple[NDArray[np.float32], NDArray[np.float32]]

    def at(self, inverse: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The places (x, y) in the photo at which things with this 1/z would be seen."""
        x, y = self.start
        along, down = self.course
        return x + inverse * along, y + inverse * down


def epipolar_lines(
    photo: Intrinsics, camera: Intrinsics, pose: Pose, u: NDArray[np.float32], v: NDArray[np.float32]
) -> EpipolarLines:
    """The lines of a view's pixels.

    Args:
        photo: the camera that took the photo; the world's axes are its own.
        camera: the view's camera.
        pose: where the view's camera stands.
        u: image coordinates in the view; broadcast with `v`.
        v: the same downwards.
    """
    tx, ty, tz = pose.world_from_cam[:3, 3]
    ray = pose.world_from_cam[:3, :3] @ np.array(
        [[1 / camera.fx, 0, -camera.cx / camera.fx], [0, 1 / camera.fy, -camera.cy / camera.fy], [0, 0, 1]]
    )
    right, down, ahead = (
        np.asarray(np.float32(a) * u + np.float32(b) * v + np.float32(c), np.float32) for a, b, c in ray
    )
    with np.errstate(divide="ignore"):
        nearer = 1 / np.maximum(ahead, np.float32(1e-6))
    hx, hy = right * nearer, down * nearer
    fx, fy = np.float32(photo.fx), np.float32(photo.fy)
    start = _both(fx * hx + np.float32(photo.cx), fy * hy + np.float32(photo.cy))
    return EpipolarLines(
        start, _both(fx * (np.float32(tx) - hx * np.float32(tz)), fy * (np.float32(ty) - hy * np.float32(tz)))
    )


def _both(x: NDArray[np.floating], y: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return np.asarray(x, np.float32), np.asarray(y, np.float32)


def trace(
    inverse: NDArray[np.float32], lines: EpipolarLines, *, rounds: int = MOST_ROUNDS
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where each line meets the surface, by fixed-point iteration.

    The 1/z found at a place tells the next place. It closes in as long as the surface rises by less than 1 over the
    course of 1, which `limit_slopes` sees to.

    Args:
        inverse: (h, w) 1/z of a surface over the photo's pixels.
        lines: lines in the same pixels, of any number.
        rounds: at most so many steps.

    Returns:
        Places (x, y) in the photo, corners at (0, 0) and (w, h); beyond the border the surface goes on evenly.
    """
    middle = np.full(lines.course[0].shape, inverse.mean(), np.float32)
    x, y = lines.at(middle)
    for _ in range(rounds):
        found = _looked_up(inverse, x, y)
        before_x, before_y = x, y
        x, y = lines.at(found)
        off = max(cv2.norm(x, before_x, cv2.NORM_INF), cv2.norm(y, before_y, cv2.NORM_INF))
        if off < _CLOSE_ENOUGH_PX:
            break
    return x, y


def _looked_up(inverse: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    # cv2.remap counts from the first pixel's centre.
    half = np.float32(0.5)
    found = cv2.remap(inverse, x - half, y - half, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)


def limit_slopes(inverse: NDArray[np.float32], steepest_x: float, steepest_y: float) -> NDArray[np.float32]:
    """The least surface over this one that nowhere falls faster than the given slopes, in 1/z per pixel.

    What is near keeps its shape; what is farther is stretched where it meets the near.

    Args:
        inverse: (h, w) 1/z.
        steepest_x: slope along rows.
        steepest_y: slope along columns.
    """
    for axis, slope in ((1, steepest_x), (0, steepest_y)):
        inverse = np.maximum(
            _falling(inverse, slope, axis), np.flip(_falling(np.flip(inverse, axis), slope, axis), axis)
        )
    return inverse


def _falling(inverse: NDArray[np.float32], slope: float, axis: int) -> NDArray[np.float32]:
    """The least surface over this one that falls no faster in the direction of the axis."""
    if not np.isfinite(slope):
        return inverse
    fall = slope * np.arange(inverse.shape[axis]).reshape((-1, 1) if axis == 0 else (1, -1))
    return np.asarray(np.maximum.accumulate(inverse + fall, axis=axis) - fall, np.float32)
