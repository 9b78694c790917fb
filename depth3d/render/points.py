"""Coloured points as a camera sees them: no surface between them, nothing filled in."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.core.rgbd import RGBD


def draw_points(rgbd: RGBD, camera: Intrinsics, pose: Pose) -> NDArray[np.uint8]:
    """Draw each pixel's point; the nearest at a pixel is seen, and gaps of one pixel take a neighbour's colour.

    Args:
        rgbd: photo, depth and camera.
        camera: what sees the points; its size is the picture's.
        pose: where it is, in the axes of the photo's camera.

    Returns:
        (H, W, 3) uint8 picture, black where no point is seen.
    """
    xyz, colours = _points(rgbd)
    cam_from_photo = np.linalg.inv(pose.world_from_cam)
    xyz = xyz @ cam_from_photo[:3, :3].T + cam_from_photo[:3, 3]
    ahead = xyz[:, 2] > 0
    xyz, colours = xyz[ahead], colours[ahead]
    column = np.floor(xyz[:, 0] / xyz[:, 2] * camera.fx + camera.cx).astype(np.int64)
    row = np.floor(xyz[:, 1] / xyz[:, 2] * camera.fy + camera.cy).astype(np.int64)
    inside = (column >= 0) & (column < camera.width) & (row >= 0) & (row < camera.height)
    order = np.argsort(-xyz[inside, 2], kind="stable")  # the nearest is written last
    picture = np.zeros((camera.height, camera.width, 3), np.uint8)
    drawn = np.zeros((camera.height, camera.width), bool)
    at = row[inside][order], column[inside][order]
    picture[at], drawn[at] = colours[inside][order], True
    return _without_gaps(picture, drawn)


def _points(rgbd: RGBD) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """(N, 3) points in the photo's camera axes and (N, 3) their colours, where depth is known."""
    camera, z = rgbd.camera, rgbd.depth.z
    known = np.isfinite(z)
    row, column = np.nonzero(known)
    depth = z[known].astype(np.float64)
    x = (column + 0.5 - camera.cx) / camera.fx * depth
    y = (row + 0.5 - camera.cy) / camera.fy * depth
    return np.stack([x, y, depth], axis=1), rgbd.rgb[known]


def _without_gaps(picture: NDArray[np.uint8], drawn: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Fill pixels that most of their eight neighbours surround."""
    near = cv2.blur(drawn.astype(np.float32), (3, 3), borderType=cv2.BORDER_CONSTANT)
    gaps = ~drawn & (near > 0.5)
    mean = cv2.blur(picture.astype(np.float32), (3, 3), borderType=cv2.BORDER_CONSTANT)[gaps] / near[gaps][:, None]
    filled = picture.copy()
    filled[gaps] = np.asarray(np.rint(mean), np.uint8)
    return filled
