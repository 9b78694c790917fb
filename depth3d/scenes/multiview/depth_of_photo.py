"""The depth of one photo among many, before it is compared with the others'."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Pose
from depth3d.core.errors import HintError
from depth3d.core.options import CameraOptions
from depth3d.io.captures import PosedPhoto, place
from depth3d.io.photos.photo import Photo, read_photo
from depth3d.scale import Hint, SparsePoints
from depth3d.scenes.multiview.aligned import AlignedPhoto
from depth3d.scenes.multiview.fusion import DepthView
from depth3d.scenes.multiview.sky import find_sky
from depth3d.scenes.options import Options
from depth3d.scenes.photo import reconstruct
from depth3d.scenes.scene import Scene
from depth3d.scenes.seeing import choose_camera

_BEYOND_POINTS = 1.25
"""Nothing is known of what is this much farther than a photo's farthest points, such as the sky."""

_MOST_DOUBT = 0.25
"""Depths whose standard deviation is a larger share of them are not fused: far ones, and what networks make of sky."""

_JUMP = 1.15
"""Neighbouring pixels whose depths have this ratio lie at an edge, where networks invent depths in between."""

_LEAST_POINTS = 3


def own_depth(
    posed: PosedPhoto, options: Options, units_per_metre: float, found: SparsePoints | None
) -> tuple[AlignedPhoto, Scene]:
    """A photo with its own depth, in the model's unit.

    Args:
        posed: the photo and where it was taken.
        options: network, or depth maps with {name} for each photo's name.
        units_per_metre: the model's units per metre, for metric depth maps.
        found: points found by matching photos, where the capture has none.

    Raises:
        Depth3DError: the photo cannot be used, in words for the user.
    """
    photo = read_photo(posed.photo)
    fallback = choose_camera(photo, options) if posed.camera_as_taken is None else None
    placed = place(posed, photo, fallback=fallback)
    camera_as_taken = placed.camera or fallback
    assert camera_as_taken is not None
    chosen = replace(options.for_photo(posed.photo.stem).changed(embedded_depth=False), camera=CameraOptions())
    is_metric = options.depth.depth_map is not None and options.depth.depth_kind == "metric"
    count = 0
    if not is_metric:
        points = _points(placed.hints or (() if found is None else (found,)), photo)
        count = sum(len(hint.u) for hint in points)
        chosen = chosen.changed(hints=points)
    scene = reconstruct(photo, camera=camera_as_taken, options=chosen)
    if is_metric and units_per_metre != 1:
        scene = replace(scene, depth=replace(scene.depth, z=scene.depth.z * np.float32(units_per_metre)))
    return AlignedPhoto(posed.photo, camera_as_taken, scene.camera, placed.pose, count, scene.notes), scene


def _points(hints: tuple[Hint, ...], photo: Photo) -> tuple[SparsePoints, ...]:
    """The points that fix a photo's scale."""
    points = tuple(hint for hint in hints if isinstance(hint, SparsePoints))
    count = sum(len(hint.u) for hint in points)
    if count < _LEAST_POINTS:
        raise HintError(f"{photo.name}: sees {count} points that other photos see too, too few for its scale")
    return points


def small_view(
    scene: Scene, pose: Pose, detail_px: int, *, is_network: bool
) -> tuple[DepthView, NDArray[np.bool_] | None]:
    """The photo at the size at which photos are compared, less those depths of a network that nobody can know.

    Also (H, W) which depths are so doubtful that they say something about others, but are none to be fused.
    """
    width, height = scene.camera.size
    shrink = min(1.0, detail_px / max(width, height))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    z, sigma, rgb = scene.depth.z, scene.depth.sigma, scene.photo.rgb
    if size != (width, height):
        z = np.asarray(cv2.resize(z, size, interpolation=cv2.INTER_NEAREST_EXACT))
        sigma = None if sigma is None else np.asarray(cv2.resize(sigma, size, interpolation=cv2.INTER_NEAREST_EXACT))
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    doubtful = None
    if is_network and scene.fit is not None and scene.fit.anchors is not None:
        farthest = 1 / float(scene.fit.anchors.inverse_m.min())
        nobody = (z > farthest * _BEYOND_POINTS) | _at_jumps(z)
        if sigma is not None:
            doubt = sigma / z
            nobody |= find_sky(rgb, doubt)
            doubtful = doubt > _MOST_DOUBT
        z = np.where(nobody, np.float32(np.nan), z)
    return DepthView(scene.camera.resized(*size), pose, z, rgb), doubtful


def _at_jumps(z: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(H, W) pixels whose depth and a neighbour's differ by more than a surface's may."""
    window = np.ones((3, 3), np.uint8)
    known = np.nan_to_num(z, nan=float(np.nanmax(z)))
    return np.asarray(cv2.dilate(known, window) > _JUMP * cv2.erode(known, window))
