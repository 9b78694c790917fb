"""A capture from a trajectory: poses without cameras, as RGB-D programs write them.

- TUM RGB-D: lines `timestamp tx ty tz qx qy qz qw`, world from camera, in metres (Sturm et al., file formats). Photos
  are found by their timestamps, which are their names or stand in an rgb.txt beside the trajectory.
- The same without timestamps, one line per photo.
- Redwood and Open3D (.log): a line `i i i+1` and four lines of a matrix, world from camera, in metres. i counts the
  photos in the order of their names.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from depth3d.core.camera import Pose
from depth3d.core.errors import CameraError
from depth3d.io.captures.capture import Capture, PosedPhoto
from depth3d.io.captures.locate_photos import Photos
from depth3d.io.captures.poses import pose_of_matrix, pose_of_quaternion
from depth3d.io.open_input import is_file, open_regular_file, shown

_LARGEST_BYTES = 100_000_000
_SAME_MOMENT_S = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class _Stop:
    """One pose: of the photo of this number, or of this moment in seconds."""

    pose: Pose
    number: int | None = None
    time_s: float | None = None


def capture_from_trajectory(path: Path, photos: Photos) -> Capture:
    """Every photo that has a pose.

    Args:
        path: the trajectory.
        photos: where the photos lie.

    Raises:
        CameraError: the file is not a trajectory, or poses and photos cannot be matched.
    """
    rows = _rows(path)
    is_log = len(rows[0]) == 3
    stops = _log(rows, path) if is_log else _lines(rows, path)
    found = photos.in_order()
    if not found:
        raise CameraError(f"{shown(path)}: no photos are given or beside it; give their folder")
    if stops[0].time_s is None:
        posed, left_out = _by_number(stops, found, path)
    else:
        posed, left_out = _by_time(stops, _moments(found, path), path)
    words = f"{'Redwood' if is_log else 'TUM'} trajectory {path.name}, {len(stops)} poses"
    notes = (f"{left_out} of {len(found)} photos have no pose and are left out",) if left_out else ()
    return Capture(tuple(posed), words, is_metric=True, notes=notes)


def _rows(path: Path) -> list[list[float]]:
    with open_regular_file(path, CameraError) as file:
        content = file.read(_LARGEST_BYTES + 1)
    if len(content) > _LARGEST_BYTES:
        raise CameraError(f"{shown(path)}: over {_LARGEST_BYTES // 1_000_000} MB, not a trajectory")
    lines = content.decode("utf-8", "replace").splitlines()
    rows = [line.replace(",", " ").split() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    try:
        numbers = [[float(word) for word in row] for row in rows]
    except ValueError:
        numbers = []
    if not numbers:
        raise CameraError(f"{shown(path)}: is not a trajectory; expected TUM's lines of 8 numbers or a Redwood .log")
    return numbers


def _log(rows: list[list[float]], path: Path) -> list[_Stop]:
    stops = []
    for start in range(0, len(rows), 5):
        where = f"{shown(path)}: pose {start // 5 + 1}"
        head, *matrix = rows[start : start + 5]
        if len(head) != 3 or not head[0].is_integer() or [len(row) for row in matrix] != [4] * 4:
            raise CameraError(f"{where}: expected a line i i i+1 and four lines of four numbers")
        stops.append(_Stop(pose_of_matrix(sum(matrix, []), where), number=int(head[0])))
    return stops


def _lines(rows: list[list[float]], path: Path) -> list[_Stop]:
    stops = []
    for number, row in enumerate(rows):
        where = f"{shown(path)}: pose {number + 1}"
        if len(row) not in (7, 8) or len(row) != len(rows[0]):
            raise CameraError(f"{where}: expected timestamp tx ty tz qx qy qz qw, got {len(row)} numbers")
        pose = pose_of_quaternion(row[-7:-4], row[-4:], where)
        stops.append(_Stop(pose, time_s=row[0]) if len(row) == 8 else _Stop(pose, number=number))
    return stops


def _by_number(stops: list[_Stop], photos: list[Path], path: Path) -> tuple[list[PosedPhoto], int]:
    numbers = [stop.number for stop in stops if stop.number is not None]
    if max(numbers) >= len(photos):
        raise CameraError(
            f"{shown(path)}: poses go up to number {max(numbers)}, but there are {len(photos)} photos; they are counted"
            " from 0 in the order of their names"
        )
    posed = [PosedPhoto(photos[number], stop.pose) for number, stop in zip(numbers, stops, strict=True)]
    return posed, len(photos) - len(posed)


def _by_time(stops: list[_Stop], moments: list[tuple[float, Path]], path: Path) -> tuple[list[PosedPhoto], int]:
    times = np.array([stop.time_s for stop in stops], np.float64)
    posed = []
    for moment, photo in moments:
        nearest = int(np.argmin(np.abs(times - moment)))
        if abs(times[nearest] - moment) <= _SAME_MOMENT_S:
            posed.append(PosedPhoto(photo, stops[nearest].pose))
    if not posed:
        raise CameraError(f"{shown(path)}: no photo was taken within {_SAME_MOMENT_S:g} s of a pose; check the times")
    return posed, len(moments) - len(posed)


def _moments(photos: list[Path], path: Path) -> list[tuple[float, Path]]:
    """When each photo was taken, in seconds: from rgb.txt beside the trajectory, else from the names."""
    listed = path.with_name("rgb.txt")
    if is_file(listed):
        by_name = {photo.name: photo for photo in photos}
        words = [line.split() for line in listed.read_text(encoding="utf-8", errors="replace").splitlines()]
        named = [
            (row[0], by_name[Path(row[1]).name]) for row in words if len(row) == 2 and Path(row[1]).name in by_name
        ]
    else:
        named = [(photo.stem, photo) for photo in photos]
    try:
        return sorted((float(time), photo) for time, photo in named)
    except ValueError:
        raise CameraError(
            f"{shown(path)}: has timestamps, but the photos are not named by theirs and there is no rgb.txt beside it"
        ) from None
