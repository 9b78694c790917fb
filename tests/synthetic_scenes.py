"""Synthetic scenes whose depth is known in closed form: the truth that tests measure against."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, pixel_centres
from depth3d.core.depth import InverseDepth, MetricDepth


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """A rendered scene.

    Attributes:
        camera: the camera that saw it.
        inverse_metres: (H, W) float64, exact 1/z; 0 at infinity.
        rgb: (H, W, 3) uint8, smooth shades with a checker on them, so that shifts of the picture show.
    """

    camera: Intrinsics
    inverse_metres: NDArray[np.float64]
    rgb: NDArray[np.uint8]

    @property
    def depth(self) -> MetricDepth:
        """Exact z in metres, NaN at infinity."""
        with np.errstate(divide="ignore"):
            metres = 1 / self.inverse_metres
        return MetricDepth(np.where(np.isfinite(metres), metres, np.nan).astype(np.float32), source="exact", unit="m")

    def inverse_depth(self, a: float = 1.0, b: float = 0.0) -> InverseDepth:
        """What a perfect network would say: d with 1/z = a d + b."""
        return InverseDepth(((self.inverse_metres - b) / a).astype(np.float32), source="exact")


def small_camera(width: int = 64, height: int = 48, *, fov_x_deg: float = 60.0) -> Intrinsics:
    """A camera with the principal point off the centre, so that mix-ups of w/2 and (w-1)/2 show."""
    centred = Intrinsics.from_fov(width, height, fov_x_deg=fov_x_deg, source="synthetic")
    return Intrinsics(width, height, centred.fx, centred.fy, width / 2 + 1.75, height / 2 - 2.25, source="synthetic")


def slanted_plane(
    camera: Intrinsics, *, normal: tuple[float, float, float] = (0.3, -0.4, -1.0), metres: float = 2.0
) -> Truth:
    """A plane that the optical axis meets at z = `metres`; `normal` looks at the camera (z negative)."""
    n = np.asarray(normal, np.float64)
    return _truth(camera, _rays(camera) @ n / (n[2] * metres))


def step(camera: Intrinsics, *, near_m: float = 1.0, far_m: float = 3.0, column: int | None = None) -> Truth:
    """Two walls facing the camera: the near one left of pixel column `column`, or of the middle; the far one right."""
    edge = camera.width // 2 if column is None else column
    inverse = np.full((camera.height, camera.width), 1 / far_m)
    inverse[:, :edge] = 1 / near_m
    return _truth(camera, inverse)


def box_corner(
    camera: Intrinsics, *, left_m: float = 1.0, floor_m: float = 1.2, back_m: float = 3.0, yaw_deg: float = 20.0
) -> Truth:
    """Three walls at right angles, seen from inside: one at the left, the floor, the back; turned by `yaw_deg`."""
    yaw = math.radians(yaw_deg)
    right = np.array([math.cos(yaw), 0, -math.sin(yaw)])
    forward = np.array([math.sin(yaw), 0, math.cos(yaw)])
    down = np.array([0.0, 1.0, 0.0])
    rays = _rays(camera)
    walls = ((-right, left_m), (down, floor_m), (forward, back_m))
    # Along a ray the first wall that is met has the greatest 1/z = n . ray / distance.
    return _truth(camera, np.max([rays @ n / distance for n, distance in walls], axis=0))


def ground_plane(camera: Intrinsics, *, height_m: float = 1.6, pitch_down_deg: float = 10.0) -> Truth:
    """Flat ground under an open sky, seen by a camera `height_m` above it; 1/z is 0 at and above the horizon."""
    pitch = math.radians(pitch_down_deg)
    down = np.array([0, math.cos(pitch), math.sin(pitch)])
    return _truth(camera, np.maximum(_rays(camera) @ down / height_m, 0))


def horizon_row(camera: Intrinsics, *, pitch_down_deg: float = 10.0) -> float:
    """Image coordinate v of the horizon of `ground_plane`."""
    return camera.cy - camera.fy * math.tan(math.radians(pitch_down_deg))


def _rays(camera: Intrinsics) -> NDArray[np.float64]:
    """(H, W, 3) rays through the pixel centres, with z = 1."""
    uv = pixel_centres(camera.width, camera.height).astype(np.float64)
    x = (uv[..., 0] - camera.cx) / camera.fx
    y = (uv[..., 1] - camera.cy) / camera.fy
    return np.stack([x, y, np.ones_like(x)], axis=-1)


def _truth(camera: Intrinsics, inverse_metres: NDArray[np.float64]) -> Truth:
    u, v = np.moveaxis(pixel_centres(camera.width, camera.height), -1, 0)
    shades = np.stack([u / camera.width, v / camera.height, 1 - u / camera.width], axis=-1)
    cell = max(2, camera.width // 16)
    dark = (u // cell + v // cell) % 2 == 0
    rgb = (40 + 200 * shades * np.where(dark, 0.6, 1.0)[..., None]).astype(np.uint8)
    return Truth(camera, inverse_metres, rgb)
