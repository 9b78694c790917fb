"""Layers as one mesh."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.camera import Intrinsics
from depth3d.depth import MetricDepth
from depth3d.errors import UsageError
from depth3d.layers.layering import Layers
from depth3d.mesh import (
    DEFAULT_CUT_ANGLE_DEG,
    DEFAULT_CUT_RATIO,
    DEFAULT_MAX_COLOUR_ERROR,
    DEFAULT_MAX_ERROR_PX,
    Mesh,
    Meshing,
    to_mesh,
)
from depth3d.points import PointMap, unproject

T = TypeVar("T", bound=np.generic)

_GUTTER_PX = 8
"""Rows between the two pictures of a texture, so that small versions of it do not mix them."""


def layers_to_mesh(
    layers: Layers,
    photo_rgb: NDArray[np.uint8],
    *,
    textured: bool = True,
    normals: bool = False,
    cut_ratio: float = DEFAULT_CUT_RATIO,
    cut_angle_deg: float = DEFAULT_CUT_ANGLE_DEG,
    max_error_px: float | None = DEFAULT_MAX_ERROR_PX,
    max_colour_error: float = DEFAULT_MAX_COLOUR_ERROR,
    max_faces: int | None = None,
) -> Mesh:
    """The photo's surface, cut at its jumps, and behind each jump the surface that goes on.

    The texture holds two pictures: the photo at the top, and below it, at half the size, the layer behind.

    Args:
        layers: the photo in layers.
        photo_rgb: (H', W', 3) uint8, the photo at any size.
        textured: carry the colours as a texture; otherwise each vertex has its pixel's colour.
        normals: add unit normals from the faces.
        cut_ratio: as in `to_mesh`.
        cut_angle_deg: as in `to_mesh`.
        max_error_px: as in `to_mesh`, in pixels of `photo_rgb`; what is behind gets twice as much, being a guess.
        max_colour_error: as in `to_mesh`.
        max_faces: no more faces than this, shared between the two surfaces by their areas.

    Raises:
        GeometryError: no triangle is left.
        UsageError: an option is out of range.
    """
    if max_faces is not None and max_faces < 4:
        raise UsageError(f"max faces must be at least 4 for two layers, got {max_faces}")
    camera = layers.camera
    error_px = None if max_error_px is None else max_error_px * camera.width / photo_rgb.shape[1]
    small = photo_rgb
    if small.shape[:2] != (camera.height, camera.width):
        small = np.asarray(cv2.resize(small, camera.size, interpolation=cv2.INTER_AREA), np.uint8)
    needed = bool((layers.opening[:-1, :-1] & layers.opening[1:, 1:]).any())
    share = float(layers.opening.mean()) / (1 + float(layers.opening.mean())) if needed else 0.0
    front = to_mesh(
        _points(layers.front_inverse, camera),
        small,
        textured=textured,
        normals=normals,
        cut_ratio=cut_ratio,
        cut_angle_deg=cut_angle_deg,
        max_error_px=error_px,
        max_colour_error=max_colour_error,
        max_faces=None if max_faces is None else max(2, int(max_faces * (1 - share))),
    )
    meshing = _in_photo_px(front.meshing, photo_rgb.shape[1] / camera.width)
    if not needed:
        return replace(front, texture=photo_rgb if textured else None, meshing=meshing)
    behind = to_mesh(
        _points(np.where(layers.opening, layers.behind_inverse, np.float32(np.nan)), camera),
        layers.behind_rgb,
        textured=textured,
        normals=normals,
        cut_ratio=math.inf,
        cut_angle_deg=0,
        max_error_px=None if error_px is None else 2 * error_px,
        max_colour_error=2 * max_colour_error,
        max_faces=None if max_faces is None else max(2, max_faces - max(2, int(max_faces * (1 - share)))),
    )
    return _joined(replace(front, meshing=meshing), behind, photo_rgb)


def _points(inverse: NDArray[np.float32], camera: Intrinsics) -> PointMap:
    return unproject(MetricDepth(np.float32(1) / inverse), camera)


def _in_photo_px(meshing: Meshing | None, photo_px: float) -> Meshing | None:
    """The same with its error in pixels of the photo, of which each of the layers' holds so many."""
    if meshing is None or meshing.error_px is None:
        return meshing
    return replace(meshing, error_px=meshing.error_px * photo_px)


def _joined(front: Mesh, behind: Mesh, photo_rgb: NDArray[np.uint8]) -> Mesh:
    """Both meshes as one, with one texture if they have textures."""
    front_uv, behind_uv, texture = front.uv, behind.uv, None
    if front_uv is not None and behind_uv is not None and behind.texture is not None:
        height, width = photo_rgb.shape[:2]
        size = max(1, width // 2), max(1, height // 2)
        texture = _stacked(
            photo_rgb, np.asarray(cv2.resize(behind.texture, size, interpolation=cv2.INTER_AREA), np.uint8)
        )
        total = texture.shape[0]
        front_uv = front_uv * np.array([1, height / total], np.float32)
        corner = np.array([0, (height + _GUTTER_PX) / total], np.float32)
        behind_uv = corner + behind_uv * np.array([size[0] / width, size[1] / total], np.float32)
    meshing = front.meshing
    if meshing is not None and behind.meshing is not None:
        grid_faces = meshing.grid_faces + behind.meshing.grid_faces
        faces = len(front.faces) + len(behind.faces)
        meshing = replace(meshing, grid_faces=grid_faces, faces=faces, behind=len(behind.faces))
    return Mesh(
        xyz=np.concatenate([front.xyz, behind.xyz]),
        faces=np.concatenate([front.faces, behind.faces + np.uint32(len(front.xyz))]),
        rgb=_both(front.rgb, behind.rgb),
        normals=_both(front.normals, behind.normals),
        uv=_both(front_uv, behind_uv),
        texture=texture,
        meshing=meshing,
    )


def _both(one: NDArray[T] | None, other: NDArray[T] | None) -> NDArray[T] | None:
    return None if one is None or other is None else np.concatenate([one, other])


def _stacked(photo: NDArray[np.uint8], behind: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The photo, below it its own last row and the other's first, and the other picture, its last column repeated."""
    behind = np.pad(behind, ((0, 0), (0, photo.shape[1] - behind.shape[1]), (0, 0)), mode="edge")
    half = _GUTTER_PX // 2
    return np.concatenate([photo, np.repeat(photo[-1:], half, 0), np.repeat(behind[:1], half, 0), behind])
