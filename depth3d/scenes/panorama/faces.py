"""Perspective faces all around the camera, each wider than its share of the circle so that neighbours overlap."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, pixel_centres
from depth3d.core.equirectangular import Equirect, pixels_of_rays, rays_of_pixels
from depth3d.core.errors import UsageError

_LEAST_FOV_DEG, _LARGEST_FOV_DEG = 92.0, 130.0
_FEWEST_SIDES = 4
_UP = ((1, 0, 0), (0, 0, 1), (0, -1, 0))  # right, down and forward of the face, in the axes of the front one
_DOWN = ((1, 0, 0), (0, 0, -1), (0, 1, 0))


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A square perspective picture of a part of the sphere.

    Attributes:
        name: where it looks.
        camera: its intrinsics.
        face_from_sphere: (3, 3) rotation from the panorama's axes to the face's.
    """

    name: str
    camera: Intrinsics
    face_from_sphere: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """How a face sees some directions.

    Attributes:
        uv: (..., 2) pixels of the face; meaningless where `weight` is 0.
        cosine: (...) of the angle between direction and axis: z over distance.
        weight: (...) 1 on the axis, falling to 0 at the face's border and beyond.
    """

    uv: NDArray[np.float64]
    cosine: NDArray[np.float64]
    weight: NDArray[np.float64]


def faces_around(equirect: Equirect, *, sides: int, face_px: int, fov_deg: float) -> tuple[Face, ...]:
    """So many faces along the horizon, the first at the middle of the picture, and one up and one down.

    Four sides make a cube.

    Raises:
        UsageError: the faces would not overlap, or be stretched too much.
    """
    if not _LEAST_FOV_DEG <= fov_deg <= _LARGEST_FOV_DEG:
        raise UsageError(
            f"a panorama's faces must be {_LEAST_FOV_DEG:g} to {_LARGEST_FOV_DEG:g} degrees wide, got {fov_deg:g}"
        )
    if sides < _FEWEST_SIDES:
        raise UsageError(f"a panorama needs at least {_FEWEST_SIDES} faces along the horizon, got {sides}")
    camera = Intrinsics.from_fov(face_px, face_px, fov_x_deg=fov_deg, source=f"panorama face of {fov_deg:g} degrees")
    middle = rays_of_pixels(equirect, np.array([equirect.width / 2, equirect.full_height / 2 - equirect.top]))
    front = math.atan2(middle[0], middle[2])
    yaws = [2 * math.pi * k / sides for k in range(sides)]
    level = [Face(f"{math.degrees(yaw):g} degrees right", camera, _turned(front + yaw)) for yaw in yaws]
    ahead = _turned(front)
    return (*level, Face("up", camera, np.array(_UP) @ ahead), Face("down", camera, np.array(_DOWN) @ ahead))


def _turned(yaw: float) -> NDArray[np.float64]:
    """(3, 3) rows: right, down and forward of a level camera that looks `yaw` radians to the right."""
    return np.array([[math.cos(yaw), 0, -math.sin(yaw)], [0, 1, 0], [math.sin(yaw), 0, math.cos(yaw)]])


def seen_by(face: Face, rays: NDArray[np.float64]) -> Seen:
    """Where a face sees unit vectors (..., 3)."""
    xyz = rays @ face.face_from_sphere.T
    z = xyz[..., 2]
    ahead = z > 1e-6
    xy = xyz[..., :2] / np.where(ahead, z, 1)[..., None]
    camera = face.camera
    uv = xy * (camera.fx, camera.fy) + (camera.cx, camera.cy)
    border = np.abs(xy).max(axis=-1) * camera.fx / (camera.width / 2)
    return Seen(uv, z, np.where(ahead, np.clip(1 - border, 0, 1), 0))


def cut_face(rgb: NDArray[np.uint8], equirect: Equirect, face: Face) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The face's picture (n, n, 3), and where the panorama covers it (n, n); elsewhere the border is repeated."""
    import cv2

    # The panorama in the face's own resolution (that of its middle), so that nothing is skipped between samples.
    matching_width = 2 * math.pi * face.camera.fx * equirect.width / equirect.full_width
    shrink = min(1.0, matching_width / equirect.width)
    size = max(1, round(equirect.width * shrink)), max(1, round(equirect.height * shrink))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA) if shrink < 1 else rgb
    uv = pixels_of_rays(equirect.resized(*size), face_rays(face))
    covered = (uv >= 0).all(axis=-1) & (uv <= size).all(axis=-1)
    at = uv - 0.5  # cv2 counts pixel centres at integers
    border = cv2.BORDER_WRAP if equirect.closes else cv2.BORDER_REPLICATE
    at[..., 1] = np.clip(at[..., 1], 0, size[1] - 1)  # over a pole the picture does not wrap
    if not equirect.closes:
        at[..., 0] = np.clip(at[..., 0], 0, size[0] - 1)
    columns, rows = np.moveaxis(at.astype(np.float32), -1, 0)
    picture = cv2.remap(small, columns, rows, cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(picture, np.uint8), np.asarray(covered)


def face_rays(face: Face) -> NDArray[np.float64]:
    """Vectors (n, n, 3) in the panorama's axes of a face's pixel centres, with z = 1 in the face's axes."""
    camera = face.camera
    uv = pixel_centres(camera.width, camera.height).astype(np.float64)
    xy = (uv - (camera.cx, camera.cy)) / (camera.fx, camera.fy)
    return np.concatenate([xy, np.ones((*xy.shape[:2], 1))], axis=-1) @ face.face_from_sphere


def sample(values: NDArray[np.float32], uv: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of a face (n, n) at its pixels (..., 2), bilinear, held at the border; NaN next to unknown ones."""
    at = np.clip(uv - 0.5, 0, np.array(values.shape[::-1]) - 1)
    first = np.minimum(at.astype(np.int64), np.maximum(np.array(values.shape[::-1]) - 2, 0))
    column, row = first[..., 0], first[..., 1]
    next_column = np.minimum(column + 1, values.shape[1] - 1)
    next_row = np.minimum(row + 1, values.shape[0] - 1)
    right, below = np.moveaxis(at - first, -1, 0)
    upper = values[row, column] * (1 - right) + values[row, next_column] * right
    lower = values[next_row, column] * (1 - right) + values[next_row, next_column] * right
    return np.asarray(upper * (1 - below) + lower * below)
