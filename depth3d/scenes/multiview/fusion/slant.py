"""How far along a ray a surface reaches that is seen at a slant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depth3d.core.point_map import smaller_step
from depth3d.scenes.multiview.fusion.depth_view import DepthView

_MOST_DOUBLINGS = 3


def stretches(view: DepthView) -> list[tuple[int, NDArray[np.float32]]]:
    """A photo's depth in parts: how many times farther a pixel's ray is from the surface than the surface's normal is.

    A road far ahead is met by neighbouring voxels at depths that differ by many times their size. What is to be known
    about so many voxels across the surface must be known about that many more along the ray.

    Args:
        view: the photo.

    Returns:
        Powers of 2 up to 8, and for each (H, W) float32 the depths of its pixels, NaN elsewhere.
    """
    power = np.clip(np.rint(-np.log2(_facing(view))), 0, _MOST_DOUBLINGS)
    parts = ((2**k, np.where(power == k, view.z, np.float32(np.nan))) for k in range(_MOST_DOUBLINGS + 1))
    return [(times, z) for times, z in parts if np.isfinite(z).any()]


def _facing(view: DepthView) -> NDArray[np.float32]:
    """(H, W) from 0 to 1, distance to a pixel's plane as a share of that along the optical axis.

    On a plane 1/z = p x + q y + r at the ray (x, y, 1), and (p, q, r) is its normal over its distance.
    """
    camera = view.camera
    inverse = np.float32(1) / view.z
    p = np.nan_to_num(smaller_step(inverse, 1), nan=0) * np.float32(camera.fx)
    q = np.nan_to_num(smaller_step(inverse, 0), nan=0) * np.float32(camera.fy)
    x = (np.arange(camera.width, dtype=np.float32) + np.float32(0.5 - camera.cx)) / np.float32(camera.fx)
    y = (np.arange(camera.height, dtype=np.float32) + np.float32(0.5 - camera.cy)) / np.float32(camera.fy)
    r = inverse - p * x - q * y[:, None]
    facing = inverse / np.sqrt(p * p + q * q + r * r)
    return np.where(np.isfinite(facing), np.clip(facing, 1e-3, 1), np.float32(1))
