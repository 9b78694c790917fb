"""From where a window looks: through the photo's own camera, or from a place that sees everything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.geometry.mesh import Mesh
from depth3d.geometry.point_cloud import PointCloud

_WIDEST_TAN = math.tan(math.radians(60))
_NARROWEST_TAN = math.tan(math.radians(2))
_LOOK_DOWN_DEG, _LOOK_ASIDE_DEG = 20.0, 25.0
_OUTSIDE_FOV_DEG = 40.0
_MARGIN = 1.04


@dataclass(frozen=True, slots=True, eq=False)
class Viewpoint:
    """A pinhole view with square pixels and the optical axis in the middle of its window.

    Attributes:
        window_size: (width, height) of the window in pixels.
        f_px: focal length in pixels.
        photo_box: (left, top, width, height) of the photo within the window, in pixels.
        cam_from_scene: (4, 4) rigid transform from the scene's coordinates to the view's camera axes.
    """

    window_size: tuple[int, int]
    f_px: float
    photo_box: tuple[int, int, int, int]
    cam_from_scene: NDArray[np.float64]


def photo_viewpoint(camera: Intrinsics, limit: tuple[int, int]) -> Viewpoint:
    """The view that coincides with the photo.

    Where the photo's principal point is off its centre the window reaches farther than the photo on one side.

    Args:
        camera: the photo's intrinsics; pixels that are not square are drawn square.
        limit: (width, height) the window may not exceed, in pixels.
    """
    height_square = camera.height * camera.fx / camera.fy
    cy_square = camera.cy * camera.fx / camera.fy
    full_width = 2 * max(camera.cx, camera.width - camera.cx)
    full_height = 2 * max(cy_square, height_square - cy_square)
    scale = min(1.0, limit[0] / full_width, limit[1] / full_height)
    width, height = max(1, round(camera.width * scale)), max(1, round(height_square * scale))
    shown = camera.resized(width, height)
    window_width, left = _centred(shown.cx, width)
    window_height, top = _centred(shown.cy, height)
    return Viewpoint((window_width, window_height), shown.fx, (left, top, width, height), np.eye(4))


def framing_viewpoint(geometries: Sequence[PointCloud | Mesh], limit: tuple[int, int]) -> Viewpoint:
    """A view that sees everything: from the origin if all lies in front of it, else from outside, a little above."""
    xyz = np.concatenate([geometry.xyz for geometry in geometries]).astype(np.float64)
    in_front = xyz[:, 2].min() > 0
    tan_x, tan_y = (float(np.abs(xyz[:, k] / xyz[:, 2]).max()) if in_front else math.inf for k in (0, 1))
    if max(tan_x, tan_y) > _WIDEST_TAN:
        return _outside_viewpoint(xyz, limit)
    tan_x, tan_y = (max(tan * _MARGIN, _NARROWEST_TAN) for tan in (tan_x, tan_y))
    f_px = min(limit[0] / (2 * tan_x), limit[1] / (2 * tan_y))
    return _whole_window(max(1, round(2 * f_px * tan_x)), max(1, round(2 * f_px * tan_y)), f_px, np.eye(4))


def depth_range(geometries: Sequence[PointCloud | Mesh], viewpoint: Viewpoint) -> tuple[float, float]:
    """Least and greatest depth in front of the view, in metres; both positive."""
    axis, offset = viewpoint.cam_from_scene[2, :3], viewpoint.cam_from_scene[2, 3]
    depths = np.concatenate([geometry.xyz @ axis + offset for geometry in geometries])
    in_front = depths[depths > 0]
    if len(in_front) == 0:
        return 0.1, 100.0
    return float(in_front.min()), float(in_front.max())


def _outside_viewpoint(xyz: NDArray[np.float64], limit: tuple[int, int]) -> Viewpoint:
    lowest, highest = xyz.min(axis=0), xyz.max(axis=0)
    radius_m = max(float(np.linalg.norm(highest - lowest)) / 2, 1e-6)
    half_fov = math.radians(_OUTSIDE_FOV_DEG) / 2
    cam_from_scene = np.eye(4)
    cam_from_scene[:3, :3] = _turned(_LOOK_DOWN_DEG, _LOOK_ASIDE_DEG)
    cam_from_scene[:3, 3] = -cam_from_scene[:3, :3] @ ((lowest + highest) / 2)
    cam_from_scene[2, 3] += _MARGIN * radius_m / math.sin(half_fov)
    side = min(limit)
    return _whole_window(limit[0], limit[1], side / 2 / math.tan(half_fov), cam_from_scene)


def _whole_window(width: int, height: int, f_px: float, cam_from_scene: NDArray[np.float64]) -> Viewpoint:
    return Viewpoint((width, height), f_px, (0, 0, width, height), cam_from_scene)


def _centred(centre: float, length: int) -> tuple[int, int]:
    """Length of the shortest window with `centre` in its middle that holds 0..length, and where 0 lies in it."""
    offset = max(0, math.ceil(length - 2 * centre - 0.5))
    return max(length + offset, round(2 * (centre + offset))), offset


def _turned(down_deg: float, aside_deg: float) -> NDArray[np.float64]:
    """Rotation of a camera that looks from above and from its right, y pointing down."""
    down, aside = math.radians(down_deg), math.radians(aside_deg)
    about_y = np.array([[math.cos(aside), 0, math.sin(aside)], [0, 1, 0], [-math.sin(aside), 0, math.cos(aside)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(down), -math.sin(down)], [0, math.sin(down), math.cos(down)]])
    turn: NDArray[np.float64] = about_x @ about_y
    return turn
