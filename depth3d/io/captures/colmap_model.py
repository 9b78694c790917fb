"""A capture from a COLMAP model: poses, cameras, and the points that each image saw.

The model is read once for all of its images. COLMAP sees pictures as stored; the unit is the model's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import CameraError, ColmapError
from depth3d.io.captures.capture import Capture, PosedPhoto, SeenPoints
from depth3d.io.captures.locate_photos import Photos
from depth3d.io.colmap.camera import lens_of
from depth3d.io.colmap.index import with_points_only
from depth3d.io.colmap.model import ColmapCamera, ColmapImage, ColmapPoints, each_image, read_cameras, read_points3d
from depth3d.io.colmap.points import relative_sigma
from depth3d.io.open_input import shown

_MOST_COMPARED = 16
"""A ray is compared with at most so many others of its point; the widest of them is near the widest of all."""


def capture_from_colmap(folder: Path, photos: Photos) -> Capture:
    """Every image of a model whose photo is there.

    Args:
        folder: of the model.
        photos: where the photos lie.

    Raises:
        ColmapError: the model is damaged.
        CameraError: a lens model is unknown here, or not one photo is there.
    """
    cameras, points = read_cameras(folder), read_points3d(folder)
    images = [with_points_only(image) for image in each_image(folder)]
    rows = [_rows(image, points, folder) for image in images]
    parallax = _parallax(images, rows, points)
    posed: list[PosedPhoto] = []
    missing: list[str] = []
    for image, seen, angles in zip(images, rows, parallax, strict=True):
        photo = photos.find(image.name)
        if photo is None:
            missing.append(image.name)
            continue
        camera = cameras.get(image.camera_id)
        if camera is None:
            raise ColmapError(f"{shown(folder)}: {image.name} has the camera {image.camera_id}, which is not there")
        camera_as_taken = lens_of(camera, shown(folder), count=len(cameras))
        posed.append(PosedPhoto(photo, image.pose, camera_as_taken, _points_seen(image, camera, points, seen, angles)))
    if not posed:
        raise CameraError(photos.none_found([image.name for image in images], shown(folder)))
    source = f"COLMAP model {folder.resolve().name}, {len(images)} images, {len(points.xyz):,} points"
    left_out = photos.without_place(one.photo for one in posed)
    return Capture(tuple(posed), source, notes=photos.missing_note(missing), left_out=left_out, model=folder)


def _rows(image: ColmapImage, points: ColmapPoints, folder: Path) -> NDArray[np.intp]:
    """(N,) which rows of `points` an image's keypoints show."""
    rows = np.minimum(np.searchsorted(points.point_ids, image.point_ids), max(len(points.point_ids) - 1, 0))
    known = len(points.point_ids) > 0 and np.array_equal(points.point_ids[rows], image.point_ids)
    if len(rows) and not known:
        raise ColmapError(f"{shown(folder)}: {image.name} sees points that are not in points3D; the model is damaged")
    return rows


def _points_seen(
    image: ColmapImage,
    camera: ColmapCamera,
    points: ColmapPoints,
    rows: NDArray[np.intp],
    parallax: NDArray[np.float64],
) -> SeenPoints:
    cam_from_world = image.pose.cam_from_world
    z = points.xyz[rows] @ cam_from_world[2, :3] + cam_from_world[2, 3]
    return SeenPoints(image.xy, z, relative_sigma(camera, points, rows, parallax=parallax))


def _parallax(
    images: Sequence[ColmapImage], rows: Sequence[NDArray[np.intp]], points: ColmapPoints
) -> list[NDArray[np.float64]]:
    """For each image (N,) the largest angle in radians between its ray to a point and other images' rays there."""
    counts = [len(seen) for seen in rows]
    if not sum(counts):
        return [np.zeros(0) for _ in rows]
    point = np.concatenate(rows)
    centres = np.array([image.pose.world_from_cam[:3, 3] for image in images])
    direction = points.xyz[point] - np.repeat(centres, counts, axis=0)
    direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-300)
    order = np.argsort(point, kind="stable")
    _, first, length = np.unique(point[order], return_index=True, return_counts=True)
    start, track = np.repeat(first, length), np.repeat(length, length)
    place = np.arange(len(order)) - start
    cosine = np.ones(len(order))
    longest = int(length.max())
    for step in np.unique(np.linspace(1, longest, min(longest, _MOST_COMPARED) + 1).astype(int)[:-1]):
        other = start + (place + step) % track
        np.minimum(cosine, np.einsum("ij,ij->i", direction[order], direction[order[other]]), out=cosine)
    angle = np.empty(len(order))
    angle[order] = np.arccos(np.clip(cosine, -1, 1))
    return np.split(angle, np.cumsum(counts)[:-1])
