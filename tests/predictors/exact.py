"""A scene whose depth is known at every pixel, and what networks of every kind would say about it."""

from __future__ import annotations

import numpy as np

from depth3d.core.camera import Intrinsics, pixel_centres
from depth3d.io.photos.photo import Exif, Photo

WIDTH, HEIGHT, FOCAL_PX = 160, 120, 130.0
CAMERA = Intrinsics(WIDTH, HEIGHT, FOCAL_PX, FOCAL_PX, WIDTH / 2, HEIGHT / 2)
FLOOR_M, WALL_M, BOX_M = 1.3, 5.0, 2.2


def exact_depth(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """(height, width) metres of a floor, a wall and a box before it."""
    camera = CAMERA.resized(width, height)
    u, v = np.moveaxis(pixel_centres(width, height).astype(np.float64), 2, 0)
    down = np.maximum((v - camera.cy) / camera.fy, 1e-9)
    z = np.minimum(FLOOR_M / down, WALL_M)
    box = (np.abs(u / width - 0.3) < 0.12) & (np.abs(v / height - 0.4) < 0.15)
    return np.where(box, BOX_M, z)


def exact_points(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """(height, width, 3) metres in camera axes."""
    camera, z = CAMERA.resized(width, height), exact_depth(width, height)
    u, v = np.moveaxis(pixel_centres(width, height).astype(np.float64), 2, 0)
    return np.stack([(u - camera.cx) / camera.fx * z, (v - camera.cy) / camera.fy * z, z], axis=2)


def exact_photo() -> Photo:
    """A photo of it, without Exif, in which no lines vanish."""
    grey = (255 / exact_depth() * 1.2).clip(0, 255)
    return Photo(np.repeat(grey[..., None], 3, axis=2).astype(np.uint8), Exif(), "exact.png")
