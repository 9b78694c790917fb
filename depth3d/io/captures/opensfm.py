"""A capture from OpenSfM's (and OpenDroneMap's) reconstruction.json.

Lengths of its cameras are shares of the picture's longer side, its poses are camera from world with a rotation vector,
its camera axes are ours (https://opensfm.org/docs/geometry.html). Which photo saw which point stands in tracks.csv
beside it. The unit is the metre where GPS set it (reference_lla).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Pose
from depth3d.core.distortion import distort_points, greatest_radius
from depth3d.core.errors import CameraError
from depth3d.io.cameras.document import read_document
from depth3d.io.cameras.entries import FileCamera, brown_conrady, fisheye, number, numbers, whole_size
from depth3d.io.captures.capture import Capture, PosedPhoto, SeenPoints
from depth3d.io.captures.locate_photos import Photos
from depth3d.io.open_input import is_file, shown

_LEAST_RELATIVE_SIGMA = 0.03
"""As for points of COLMAP models: keypoints lie on edges, where depth itself is hard to tell."""

_KEYPOINT_SIGMA_RAD = 1e-3
_UP = (0.0, 0.0, 1.0)
_TRACK_COLUMNS = 5
_CELLS_ACROSS, _HIDDEN = 24, 1.2
"""Without a list of tracks, a point that much farther than the nearest of its part of the picture counts as hidden."""

_PERHAPS_SIGMA = 0.1
_ELSEWHERE = (
    "it is in another reconstruction of the file, which shares no points with the largest, the one that is used"
)


def is_opensfm(document: object) -> bool:
    """Whether what a JSON file holds is a list of reconstructions."""
    return isinstance(document, list) and any(map(_is_reconstruction, document))


def _is_reconstruction(one: object) -> bool:
    """Whether it is built of objects as far as they are looked into."""
    if not isinstance(one, dict) or "shots" not in one:
        return False
    parts = [one.get(name, {}) for name in ("shots", "cameras", "points")]
    return all(isinstance(part, dict) and all(isinstance(x, dict) for x in part.values()) for part in parts)


def capture_from_opensfm(path: Path, photos: Photos) -> Capture:
    """Every shot of the largest reconstruction whose photo is there.

    Args:
        path: the reconstruction.json.
        photos: where the photos lie.

    Raises:
        CameraError: the file is damaged, or not one photo is there.
    """
    where = shown(path)
    document = read_document(path)
    if not is_opensfm(document):
        raise CameraError(f"{where}: is not a reconstruction of OpenSfM")
    model = max(filter(_is_reconstruction, document), key=lambda one: len(one["shots"]))
    cameras: dict[str, FileCamera] = {}
    found: dict[str, PosedPhoto] = {}
    missing = []
    for name, shot in model["shots"].items():
        photo = photos.find(name)
        if photo is None:
            missing.append(name)
            continue
        key = str(shot.get("camera"))
        if key not in cameras:
            cameras[key] = _camera(_camera_entries(model, key, name, where), where)
        found[name] = PosedPhoto(photo, _pose(shot, where), cameras[key])
    if not found:
        raise CameraError(photos.none_found(missing, where))
    points = _seen_points(model, found, path.with_name("tracks.csv"))
    posed = tuple(_with(one, points.get(name)) for name, one in found.items())
    by_gps = "reference_lla" in model
    notes = (*photos.missing_note(missing), *(("its unit is the metre by GPS, to about 10 %",) if by_gps else ()))
    source = f"OpenSfM reconstruction, {len(model['shots'])} photos, {len(model.get('points', {})):,} points"
    left_out = _without_place(photos, posed, _elsewhere(document, model))
    return Capture(posed, source, is_metric=by_gps, up=_UP if by_gps else None, notes=notes, left_out=left_out)


def _camera_entries(model: dict[str, Any], key: str, photo: str, where: str) -> dict[str, Any]:
    entries = model.get("cameras", {}).get(key)
    if entries is None:
        raise CameraError(f"{where}: {photo} was taken by a camera that is not there, {key[:60]}")
    return dict(entries)


def _elsewhere(document: list[Any], model: dict[str, Any]) -> set[str]:
    """Names of the photos that only other reconstructions of the file have."""
    others = [one for one in document if _is_reconstruction(one) and one is not model]
    return {str(name) for one in others for name in one["shots"]} - set(model["shots"])


def _without_place(photos: Photos, posed: tuple[PosedPhoto, ...], elsewhere: set[str]) -> tuple[tuple[str, str], ...]:
    """(name, reason) of photos that the largest reconstruction lacks."""
    rows = photos.without_place(one.photo for one in posed)
    return tuple((name, _ELSEWHERE if name in elsewhere else why) for name, why in rows)


def _with(posed: PosedPhoto, points: SeenPoints | None) -> PosedPhoto:
    return PosedPhoto(posed.photo, posed.pose, posed.camera_as_taken, points)


def _camera(entries: dict[str, Any], where: str) -> FileCamera:
    kind = str(entries.get("projection_type", "perspective"))
    width, height = size = whole_size(
        [number(entries.get(key), key, where) for key in ("width", "height")], "size", where
    )
    longer = max(size)

    def value(key: str, default: float = 0.0) -> float:
        return number(entries[key], key, where) if key in entries else default

    fx = value("focal_x", value("focal")) * longer
    fy = value("focal_y", value("focal")) * longer
    cx, cy = width / 2 + value("c_x") * longer, height / 2 + value("c_y") * longer
    if kind in ("perspective", "simple_radial", "radial", "brown"):
        distortion = brown_conrady([value(key) for key in ("k1", "k2", "p1", "p2", "k3")], where)
    elif kind in ("fisheye", "fisheye_opencv"):
        distortion = fisheye([value(key) for key in ("k1", "k2", "k3", "k4")], where)
    else:
        raise CameraError(f"{where}: the projection type {kind[:40]} is not known; perspective, brown and fisheye are")
    return FileCamera(
        *(fx, fy, cx, cy),
        pixel_centre=0.5,
        size=size,
        words=f"OpenSfM, {kind}",
        distortion=distortion,
        fisheye=kind.startswith("fisheye"),
        as_stored=True,
    )


def _pose(shot: dict[str, Any], where: str) -> Pose:
    rotation = numbers(shot.get("rotation", []), "rotation", where)
    translation = numbers(shot.get("translation", []), "translation", where)
    if len(rotation) != 3 or len(translation) != 3:
        raise CameraError(f"{where}: a shot needs a rotation and a translation of three numbers each")
    turn, _ = cv2.Rodrigues(np.array(rotation, np.float64))
    world_from_cam = np.eye(4)
    world_from_cam[:3, :3] = turn.T
    world_from_cam[:3, 3] = -turn.T @ translation
    return Pose(world_from_cam)


@dataclass(frozen=True, slots=True, eq=False)
class _Track:
    """A point and where photos saw it, in shares of their longer sides from their middle."""

    xyz: NDArray[np.float64]
    seen: dict[str, tuple[float, float]]


def _seen_points(model: dict[str, Any], found: dict[str, PosedPhoto], path: Path) -> dict[str, SeenPoints]:
    """For each photo its points: by the list of tracks, else those of all points that it may have seen."""
    if not is_file(path):
        return _perhaps_seen(model, found, shown(path.parent))
    where = shown(path)
    points = model.get("points", {})
    tracks = {
        str(name): _Track(np.array(numbers(entry.get("coordinates", []), "coordinates", where)), {})
        for name, entry in points.items()
    }
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        row = line.split("\t")
        if len(row) >= _TRACK_COLUMNS and row[0] in found and row[1] in tracks:
            tracks[row[1]].seen[row[0]] = (number(row[3], "x", where), number(row[4], "y", where))
    rows: dict[str, list[tuple[float, ...]]] = {}
    for track in tracks.values():
        if len(track.xyz) == 3 and len(track.seen) > 1:
            for name, sighting in _sightings(track, found).items():
                rows.setdefault(name, []).append(sighting)
    return {name: _as_seen(np.array(values), found[name]) for name, values in rows.items()}


def _perhaps_seen(model: dict[str, Any], found: dict[str, PosedPhoto], where: str) -> dict[str, SeenPoints]:
    """For each photo the model's points that lie in its picture and behind no other."""
    entries = model.get("points", {}).values()
    rows = [numbers(entry.get("coordinates", []), "coordinates", where) for entry in entries]
    xyz = np.array([row for row in rows if len(row) == 3], np.float64).reshape(-1, 3)
    seen = {name: _in_picture(xyz, posed) for name, posed in found.items()}
    return {name: points for name, points in seen.items() if len(points.z)}


def _in_picture(xyz: NDArray[np.float64], posed: PosedPhoto) -> SeenPoints:
    camera, cam_from_world = posed.camera_as_taken, posed.pose.cam_from_world
    assert camera is not None
    assert camera.size is not None
    local = xyz @ cam_from_world[:3, :3].T + cam_from_world[:3, 3]
    local = local[local[:, 2] > 0]
    straight = local[:, :2] / local[:, 2:]
    shown = np.linalg.norm(straight, axis=1) < greatest_radius(camera.distortion, fisheye=camera.fisheye)
    local = local[shown]
    bent = distort_points(straight[shown], camera.distortion, fisheye=camera.fisheye)
    uv = bent * (camera.fx, camera.fy) + (camera.cx, camera.cy)
    inside = ((uv >= 0) & (uv < camera.size)).all(axis=1)
    uv, z = uv[inside], local[inside, 2]
    cell = (uv // (camera.size[0] / _CELLS_ACROSS)).astype(np.int64) @ (1, 1000)
    _, place = np.unique(cell, return_inverse=True)
    nearest = np.full(place.max(initial=-1) + 1, np.inf)
    np.minimum.at(nearest, place, z)
    kept = z <= _HIDDEN * nearest[place]
    return SeenPoints(uv[kept], z[kept], np.full(int(kept.sum()), _PERHAPS_SIGMA))


def _sightings(track: _Track, found: dict[str, PosedPhoto]) -> dict[str, tuple[float, ...]]:
    """(x, y, z, relative sigma) of a point for each photo that saw it from the front."""
    centres = np.array([found[name].pose.world_from_cam[:3, 3] for name in track.seen])
    rays = track.xyz - centres
    rays /= np.maximum(np.linalg.norm(rays, axis=1, keepdims=True), 1e-12)
    parallax = float(np.arccos(np.clip((rays @ rays.T).min(), -1, 1)))
    sigma = min(float(np.hypot(_LEAST_RELATIVE_SIGMA, _KEYPOINT_SIGMA_RAD / max(parallax, 1e-6))), 1.0)
    out: dict[str, tuple[float, ...]] = {}
    for name, (x, y) in track.seen.items():
        cam_from_world = found[name].pose.cam_from_world
        z = float(cam_from_world[2, :3] @ track.xyz + cam_from_world[2, 3])
        if z > 0:
            out[name] = (x, y, z, sigma)
    return out


def _as_seen(rows: NDArray[np.float64], posed: PosedPhoto) -> SeenPoints:
    assert posed.camera_as_taken is not None
    assert posed.camera_as_taken.size is not None
    width, height = posed.camera_as_taken.size
    xy = rows[:, :2] * max(width, height) + (width / 2, height / 2)
    return SeenPoints(xy, rows[:, 2], rows[:, 3])
