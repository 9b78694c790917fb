"""Half of the sphere for each eye, for headsets."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, pixel_centres
from depth3d.core.equirectangular import Equirect, rays_of_pixels
from depth3d.layers import Layers
from depth3d.layers.views import render_view
from depth3d.render.stereo.stereo_rig import Rig, StereoPair

_SOFT_PX = 2.0
"""The photo's border fades to black over this many of its pixels."""


def half_sphere(width: int) -> Equirect:
    """A square picture of all that is before an eye: 180 degrees wide and high, its middle straight ahead."""
    return Equirect(width, width, 2 * width, width, left=width / 2, source="VR180")


def to_vr180(layers: Layers, rig: Rig, width: int) -> StereoPair:
    """Both eyes' half spheres, `width` pixels square; black where the photo shows nothing.

    The eyes look straight ahead. A column is 180 / `width` degrees of longitude, a row as much of latitude, as players
    expect of equirectangular pictures.
    """
    views = []
    for side in (-1.0, 1.0):
        viewpoint = rig.viewpoint(layers.camera, side)
        seen = render_view(layers, viewpoint.camera, viewpoint.pose)
        light = np.dstack([seen.rgb, np.where(seen.coverage, np.uint8(255), np.uint8(0))])
        views.append(_onto_sphere(light, viewpoint.camera, half_sphere(width)))
    return StereoPair(*views)


def _onto_sphere(rgba: NDArray[np.uint8], camera: Intrinsics, sphere: Equirect) -> NDArray[np.uint8]:
    """(H, W, 3) what the directions of a sphere's pixels show, darkened where nothing is covered."""
    uv = pixel_centres(sphere.width, sphere.height).astype(np.float64)
    # The photo reaches farthest along the equator and the middle meridian; the rest is worked out only that far.
    columns = _within(rays_of_pixels(sphere, uv[0] * (1, 0) + (0, sphere.height / 2)), camera)
    rows = _within(rays_of_pixels(sphere, uv[:, 0] * (0, 1) + (sphere.width / 2, 0)), camera)
    picture = np.zeros((sphere.height, sphere.width, 3), np.uint8)
    picture[rows, columns] = _looked_up(rgba, camera, rays_of_pixels(sphere, uv[rows, columns]))
    return picture


def _within(rays: NDArray[np.float64], camera: Intrinsics) -> slice:
    """The part of a line of directions that the camera sees."""
    x, y = _pixels(rays, camera)
    seen = np.flatnonzero((x >= 0) & (x <= camera.width) & (y >= 0) & (y <= camera.height) & (rays[..., 2] > 0))
    return slice(int(seen[0]), int(seen[-1]) + 1)


def _pixels(rays: NDArray[np.float64], camera: Intrinsics) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    ahead = np.maximum(rays[..., 2], 1e-6)
    x, y = rays[..., 0] / ahead * camera.fx + camera.cx, rays[..., 1] / ahead * camera.fy + camera.cy
    return np.asarray(x, np.float32), np.asarray(y, np.float32)


def _looked_up(rgba: NDArray[np.uint8], camera: Intrinsics, rays: NDArray[np.float64]) -> NDArray[np.uint8]:
    x, y = _pixels(rays, camera)
    # cv2.remap counts from the first pixel's centre.
    half = np.float32(0.5)
    found = cv2.remap(rgba, x - half, y - half, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    inside = np.minimum(np.minimum(x, camera.width - x), np.minimum(y, camera.height - y)) / np.float32(_SOFT_PX)
    share = np.clip(inside, 0, 1) * (found[..., 3] / np.float32(255))
    return np.asarray(np.rint(found[..., :3] * share[..., None]), np.uint8)
