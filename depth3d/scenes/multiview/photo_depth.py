"""The depth of one photo among many, before it is compared with the others'."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.core.errors import HintError
from depth3d.core.options import CameraOptions
from depth3d.core.undistort import to_ideal_pixels
from depth3d.io.captures import PlacedPhoto, PosedPhoto, place
from depth3d.io.photos.photo import Photo, read_photo
from depth3d.scale import Hint, SparsePoints
from depth3d.scenes.multiview.aligned_photos import AlignedPhoto
from depth3d.scenes.multiview.fusion import DepthView
from depth3d.scenes.multiview.guided_depth import LEAST_POINTS, TRUE_OVER_STATED, guide_by_points
from depth3d.scenes.multiview.upright_network import UprightNetwork, quarter_turns, with_upright_sky
from depth3d.scenes.options import Options
from depth3d.scenes.photo import reconstruct
from depth3d.scenes.scene import Scene
from depth3d.scenes.unscaled_photo import choose_camera

_BEYOND_POINTS = 1.25
"""Nothing is known of what is this much farther than a photo's farthest points, such as the sky."""

_AROUND_POINTS, _SEVERAL = 0.015, 3
"""So many points within this share of the longer side are no mistakes; what is around them is no sky."""

_NETWORK_BLUR = 0.008
"""Networks of 192 to 256 pixels a side mix the depth of neighbours over about two of those pixels."""

_JUMP = 1.15
"""Neighbouring pixels whose depths have this ratio lie at an edge, where networks invent depths in between."""


_HANDED = "too few of its points are seen by other photos; its scale is from the depth of those"

OtherDepth = Callable[[Intrinsics, Pose], SparsePoints | None]
"""(camera as taken, pose) -> what other photos' depth says of a photo."""


class TooFewPointsError(HintError):
    """A photo sees too few points that others see too."""


@dataclass(frozen=True, slots=True, eq=False)
class OwnDepth:
    """A photo with its own depth.

    Attributes:
        photo: which one, and how many points fixed its scale.
        scene: the photo, its lens's distortion undone, and its depth in the model's unit.
        farthest: depth of its farthest points; None where the depth was metric already.
        points: those points, in pixels of the scene's camera.
    """

    photo: AlignedPhoto
    scene: Scene
    farthest: float | None
    points: tuple[SparsePoints, ...] = ()


def own_depth(
    posed: PosedPhoto,
    options: Options,
    units_per_metre: float,
    found: SparsePoints | None,
    *,
    up: tuple[float, float, float] | None = None,
    others: OtherDepth | None = None,
) -> OwnDepth:
    """A photo with its own depth, in the model's unit.

    Args:
        posed: the photo and where it was taken.
        options: network, or depth maps with {name} for each photo's name.
        units_per_metre: the model's units per metre, for metric depth maps.
        found: points found by matching photos, where the capture has none.
        up: the direction opposite to gravity in the model, where that is known.
        others: asked instead of all points.

    Raises:
        TooFewPointsError: its points are too few for its scale.
        Depth3DError: the photo cannot be used, in words for the user.
    """
    photo = read_photo(posed.photo)
    fallback = choose_camera(photo, options) if posed.camera_as_taken is None else None
    placed = place(posed, photo, fallback=fallback)
    camera_as_taken = placed.camera or fallback
    assert camera_as_taken is not None
    chosen = replace(options.for_photo(posed.photo.stem).changed(embedded_depth=False), camera=CameraOptions())
    if options.depth.depth_map is not None and options.depth.depth_kind == "metric":
        scene = reconstruct(photo, camera=camera_as_taken, options=chosen)
        return _metric(posed, placed, scene, units_per_metre)
    if others is not None:
        found, placed = others(camera_as_taken, placed.pose), replace(placed, hints=())
    points = _points(placed.hints or (() if found is None else (found,)), photo)
    scene = _seen_upright(photo, camera_as_taken, chosen, quarter_turns(placed.pose, up))
    own = _guided(posed, placed, scene, points)
    if others is None:
        return own
    return replace(own, photo=replace(own.photo, notes=(*own.photo.notes, _HANDED)))


def _seen_upright(photo: Photo, camera: Intrinsics, options: Options, turns: int) -> Scene:
    """The photo's scene, by a network that sees it turned upright by quarter turns."""
    if not turns or options.depth.depth_map is not None:
        return reconstruct(photo, camera=camera, options=options)
    scene = reconstruct(photo, camera=camera, options=options, predictor=UprightNetwork(options.depth, turns))
    return with_upright_sky(scene, turns) if options.depth.sky == "auto" else scene


def _guided(posed: PosedPhoto, placed: PlacedPhoto, scene: Scene, points: tuple[SparsePoints, ...]) -> OwnDepth:
    """A network's depth led by points of the photo as it was taken."""
    if not scene.camera_as_taken.is_ideal:
        move = partial(to_ideal_pixels, camera=scene.camera_as_taken, ideal=scene.camera)
        points = tuple(hint.moved(move) for hint in points)
    assert scene.inverse_depth is not None
    guided = guide_by_points(scene.inverse_depth, scene.camera, points)
    scene = scene.with_depth(guided.depth, fit=None, sky=_sky_without_points(scene, points))
    aligned = AlignedPhoto(posed.photo, scene.camera_as_taken, scene.camera, placed.pose, guided.points, guided.notes)
    return OwnDepth(aligned, scene, guided.farthest, points)


def _metric(posed: PosedPhoto, placed: PlacedPhoto, scene: Scene, units_per_metre: float) -> OwnDepth:
    if units_per_metre != 1:
        scene = scene.with_depth(replace(scene.depth, z=scene.depth.z * np.float32(units_per_metre)))
    photo = AlignedPhoto(posed.photo, scene.camera_as_taken, scene.camera, placed.pose, 0, scene.notes)
    return OwnDepth(photo, scene, None)


def _sky_without_points(scene: Scene, points: tuple[SparsePoints, ...]) -> NDArray[np.bool_] | None:
    """The sky that was found, less what is around points: several photos saw those, so that they are no sky."""
    if scene.sky is None:
        return None
    height, width = scene.sky.shape
    seen = np.zeros((height, width), np.uint8)
    for hint in points:
        u, v = (np.floor(values).astype(int) for values in (hint.u, hint.v))
        inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)
        seen[v[inside], u[inside]] = 1
    around = 2 * round(_AROUND_POINTS * max(height, width)) + 1
    crowded = cv2.boxFilter(seen.astype(np.float32), -1, (around, around), normalize=False) >= _SEVERAL
    return np.asarray(scene.sky & ~crowded, bool)


def _points(hints: tuple[Hint, ...], photo: Photo) -> tuple[SparsePoints, ...]:
    """The points that fix a photo's scale."""
    points = tuple(hint for hint in hints if isinstance(hint, SparsePoints))
    count = sum(len(hint.u) for hint in points)
    if count < LEAST_POINTS:
        raise TooFewPointsError(f"{photo.name}: sees {count} points that other photos see too, too few for its scale")
    return points


def small_view(own: OwnDepth, detail_px: int, *, is_network: bool) -> DepthView:
    """The photo at the size at which photos are compared, less those depths of a network that nobody can know."""
    scene, pose = own.scene, own.photo.pose
    width, height = scene.camera.size
    shrink = min(1.0, detail_px / max(width, height))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    z, sigma, rgb = scene.depth.z, scene.depth.sigma, scene.photo.rgb
    if size != (width, height):
        z = np.asarray(cv2.resize(z, size, interpolation=cv2.INTER_NEAREST_EXACT))
        sigma = None if sigma is None else np.asarray(cv2.resize(sigma, size, interpolation=cv2.INTER_NEAREST_EXACT))
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    doubt, scene_z = None, z
    if is_network and own.farthest is not None:
        nobody = (z > own.farthest * _BEYOND_POINTS) | _at_jumps(z)
        if scene.sky is not None:
            sky, beside = _sky_and_beside(scene.sky, size)
            nobody |= beside
            z = np.where(sky, np.float32(np.inf), z)
        if sigma is not None:
            doubt = np.asarray(TRUE_OVER_STATED * sigma / scene_z, np.float32)
        z = np.where(nobody, np.float32(np.nan), z)
    return DepthView(scene.camera.resized(*size), pose, z, rgb, doubt)


def _sky_and_beside(sky: NDArray[np.bool_], size: tuple[int, int]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where there is nothing but sky; and what is so near to it that a network mixes the depth of both."""
    share = np.asarray(cv2.resize(sky.astype(np.float32), size, interpolation=cv2.INTER_AREA))
    reach = max(1, round(_NETWORK_BLUR * max(size)))
    window = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    inner = cv2.erode((share > 0.99).astype(np.uint8), window, borderType=cv2.BORDER_REPLICATE) > 0
    outer = cv2.dilate((share > 0).astype(np.uint8), window) > 0
    return np.asarray(inner), np.asarray(outer & ~inner)


def _at_jumps(z: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(H, W) pixels whose depth and a neighbour's differ by more than a surface's may."""
    window = np.ones((3, 3), np.uint8)
    known = np.nan_to_num(z, nan=float(np.nanmax(z)))
    return np.asarray(cv2.dilate(known, window) > _JUMP * cv2.erode(known, window))
