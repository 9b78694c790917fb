"""A scene that shows itself in notebooks: the page of `-o scene.html`, small enough for many of them."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.io.geometry.html import write_mesh
from depth3d.io.html import to_iframe

if TYPE_CHECKING:
    from depth3d.scenes.scene import Scene

_MAX_POINTS = 60_000
_TEXTURE_PIXELS = 1_000_000


def to_preview(scene: Scene, *, height_px: int = 480) -> str:
    """Markup of a frame in which the textured mesh turns and can be measured; a few megabytes at most.

    The mesh has at most 60,000 vertices and its texture a megapixel, whatever the photo's size.

    Args:
        scene: what to show.
        height_px: height of the frame.

    Raises:
        GeometryError: nothing is left to show.
    """
    mesh = scene.mesh(max_points=_MAX_POINTS)
    page = io.BytesIO()
    write_mesh(
        mesh if mesh.texture is None else replace(mesh, texture=_shrunk(mesh.texture)),
        page,
        notes=scene.in_short,
        camera=scene.camera,
        depth=scene.depth,
        errors=scene.shared_errors,
        remarks=scene.notes,
    )
    return to_iframe(page.getvalue().decode(), title=f"3D model of {scene.photo.name}", height_px=height_px)


def _shrunk(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    shrink = math.sqrt(_TEXTURE_PIXELS / (width * height))
    if shrink >= 1:
        return rgb
    size = (max(1, int(width * shrink)), max(1, int(height * shrink)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
