"""A capture by the app Record3D: a .r3d file, which is a ZIP archive, its folder, or its export as EXR and JPG.

`metadata` is JSON: w, h, K (nine numbers, column by column), poses (qx qy qz qw tx ty tz for each frame), and, in newer
versions, perFrameIntrinsicCoeffs (fx fy cx cy for each frame); photos are rgbd/0.jpg, rgbd/1.jpg ... Its world is
ARKit's: metres, y up, cameras that look along -z. LiDAR depth (rgbd/0.depth) is float32, compressed by LZFSE. Exported,
the same file is metadata.json, photos are rgb/0.jpg, and depth is depth/0.exr in metres.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from depth3d.core.errors import CameraError
from depth3d.io.cameras.entries import FileCamera, numbers, picture_size, pinhole
from depth3d.io.captures.capture import Capture, PosedPhoto
from depth3d.io.captures.locate_photos import Photos
from depth3d.io.captures.poses import pose_of_quaternion
from depth3d.io.open_input import is_file, open_regular_file, shown

_UP = (0.0, 1.0, 0.0)
_LARGEST_BYTES = 100_000_000
_PHOTOS = ("rgbd", "rgb", "")


def record3d_file(folder: Path) -> Path | None:
    """The file that says where a folder's photos were taken; None where the folder is no such capture."""
    for name in ("metadata", "metadata.json"):
        path = folder / name
        if path.is_file() and any((folder / inner / "0.jpg").is_file() for inner in _PHOTOS):
            return path
    return None


def record3d_photos(folder: Path) -> tuple[Path, ...]:
    """Where the photos lie."""
    return tuple(folder / inner for inner in _PHOTOS if (folder / inner / "0.jpg").is_file())


def capture_from_record3d(path: Path, photos: Photos) -> Capture:
    """Every frame whose photo is there.

    Args:
        path: the file `metadata`.
        photos: where the photos lie.

    Raises:
        CameraError: the file is damaged, or not one photo is there.
    """
    where = shown(path)
    entries = _read(path, where)
    poses = entries.get("poses") if isinstance(entries, dict) else None
    if not (isinstance(poses, list) and poses):
        raise CameraError(f"{where}: holds no poses; expected the metadata of a Record3D capture")
    cameras = _Cameras.of(entries, where)
    posed, missing, compressed = [], [], 0
    for number, row in enumerate(poses):
        photo = photos.find(f"{number}.jpg")
        if photo is None:
            missing.append(f"{number}.jpg")
            continue
        values = numbers(row, "poses", where)
        if len(values) != 7:
            raise CameraError(f"{where}: pose {number} must be qx qy qz qw tx ty tz, got {len(values)} numbers")
        pose = pose_of_quaternion(values[4:], values[:4], where, looks_along_minus_z=True)
        depth = photo.parent.parent / "depth" / f"{number}.exr"
        compressed += photo.with_suffix(".depth").is_file()
        depth_file = depth if is_file(depth) else None
        posed.append(PosedPhoto(photo, pose, cameras.of_frame(number), depth_file=depth_file, depth_units=1.0))
    if not posed:
        raise CameraError(photos.none_found(missing, where))
    notes = photos.missing_note(missing)
    if compressed:
        notes += (
            "its LiDAR depth is compressed by LZFSE and is not read; depth is led by what photos have in common."
            " Record3D's export as EXR and JPG holds depth that is read",
        )
    return Capture(tuple(posed), f"Record3D capture, {len(posed)} frames", is_metric=True, up=_UP, notes=notes)


def _read(path: Path, where: str) -> Any:
    with open_regular_file(path, CameraError) as file:
        content = file.read(_LARGEST_BYTES + 1)
    try:
        if len(content) > _LARGEST_BYTES:
            raise ValueError(f"over {_LARGEST_BYTES // 1_000_000} MB")
        return json.loads(content.decode("utf-8"), parse_int=float)
    except (ValueError, RecursionError) as problem:
        raise CameraError(f"{where}: is not metadata of Record3D: {' '.join(str(problem).split())[:100]}") from None


@dataclass(frozen=True, slots=True)
class _Cameras:
    """One camera for all frames, or one for each."""

    matrix: tuple[float, float, float, float]
    size: tuple[int, int] | None
    of_each: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, entries: dict[str, Any], where: str) -> _Cameras:
        flat = numbers(entries.get("K", []), "K", where)
        matrix = pinhole([flat[0:3], flat[3:6], flat[6:9]], "K", where)
        rows = entries.get("perFrameIntrinsicCoeffs")
        rows = rows if isinstance(rows, list) else []
        of_each = tuple(tuple(numbers(row, "perFrameIntrinsicCoeffs", where)) for row in rows)
        if any(len(row) != 4 or not np.all(np.array(row) > 0) for row in of_each):
            raise CameraError(f"{where}: perFrameIntrinsicCoeffs must be fx fy cx cy for each frame")
        return cls(matrix, picture_size(entries, ("w", "h"), where), of_each)

    def of_frame(self, number: int) -> FileCamera:
        """The camera of a frame; ARKit's pixel centres lie at integers."""
        fx, fy, cx, cy = self.of_each[number] if number < len(self.of_each) else self.matrix
        return FileCamera(fx, fy, cx, cy, pixel_centre=0.0, size=self.size, words="Record3D", as_stored=True)
