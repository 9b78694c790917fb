"""Photos whose places are not known yet: which files they are, and what is known of their cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from depth3d.core.camera import Intrinsics
from depth3d.core.errors import Depth3DError, GeometryError, UsageError
from depth3d.io.captures.locate_photos import SUFFIXES, in_natural_order
from depth3d.io.images.codec import encode_jpeg
from depth3d.io.open_input import shown
from depth3d.io.photos.photo import Exif, Photo, read_photo
from depth3d.io.photos.video import is_video
from depth3d.scenes.multiview.progress import Report
from depth3d.scenes.options import Options
from depth3d.scenes.unscaled_photo import choose_camera

_WITHIN = ("images", "photos", "image", "frames", "rgb", "color", "imgs")

WORKING_PX = 1600
"""Longer side of the copies in which keypoints are looked for."""

_QUALITY = 95


@dataclass(frozen=True, slots=True, eq=False)
class SetPhoto:
    """One photo of a set.

    Attributes:
        path: its file.
        working_name: the name of its upright copy, of at most 1600 pixels a side, among the copies.
        size: (width, height) of the upright photo.
        working_size: of the copy.
        camera: the best guess of its camera before photos are compared, of the upright photo's size.
        camera_group: photos with the same words were taken with the same camera and lens.
        is_camera_known: the focal length was written by the camera or stated by the user, and is no assumption.
    """

    path: Path
    working_name: str
    size: tuple[int, int]
    working_size: tuple[int, int]
    camera: Intrinsics
    camera_group: str
    is_camera_known: bool


def is_bare(path: Path) -> bool:
    """Whether a path is a photo or a video by its name: nothing that says where photos were taken."""
    return path.is_file() and (path.suffix.lower() in SUFFIXES or is_video(path))


def photo_files(sources: Sequence[Path]) -> list[Path]:
    """Every photo in folders and among files; those of a folder in the order of their names and numbers.

    Raises:
        UsageError: a file is not a photo, two photos have one name, or there are fewer than two.
    """
    files: list[Path] = []
    for source in sources:
        if source.is_dir():
            files += _photos_of(source)
        elif source.suffix.lower() in SUFFIXES:
            files.append(source)
        else:
            raise UsageError(f"{shown(source)}: is not a photo; give photos, folders of photos, or one video")
    files = list(dict.fromkeys(files))
    by_stem: dict[str, Path] = {}
    for path in files:
        other = by_stem.setdefault(path.stem, path)
        if other is not path:
            raise UsageError(f"{shown(other)} and {shown(path)} have one name; rename one, names tell photos apart")
    if len(files) < 2:
        found = "no photo" if not files else "one photo"
        raise UsageError(
            f"{found} in {', '.join(shown(path) for path in sources)}: a place is found by comparing photos, so give"
            " two or more; a single photo becomes 3D with depth3d export"
        )
    return files


def _photos_of(folder: Path) -> list[Path]:
    """The photos in a folder; where there are none those in the folder within that projects keep them in."""
    places = [folder, *(folder / name for name in _WITHIN if (folder / name).is_dir())]
    for place in places:
        inside = [path for path in place.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()]
        if inside:
            return in_natural_order(inside)
    return []


def working_copies(
    files: Sequence[Path], folder: Path, options: Options, report: Report
) -> tuple[list[SetPhoto], list[tuple[str, str]]]:
    """Read every photo once, and keep an upright copy in which keypoints are looked for.

    Args:
        files: the photos.
        folder: of the copies; those that are there already are kept.
        options: what the user knows about the camera.
        report: told how far the work has got.

    Returns:
        The photos that can be read, and the names of those that cannot, with the reasons.

    Raises:
        GeometryError: fewer than two can be read.
    """
    folder.mkdir(exist_ok=True)
    photos: list[SetPhoto] = []
    unread: list[tuple[str, str]] = []
    stated = (
        options.camera.camera_file is not None
        or options.camera.fov_x_deg is not None
        or options.camera.focal_px is not None
    )
    for number, path in enumerate(files):
        report("reading photos", number, len(files))
        try:
            photo = read_photo(path)
            camera = choose_camera(photo, options)
        except Depth3DError as problem:
            unread.append((path.name, str(problem)))
            continue
        working_name = f"{number:05d}.jpg"
        working_size = _write_copy(photo, folder / working_name)
        group = f"{photo.size} stated" if stated else _camera_group(photo.exif, photo.size)
        is_known = stated or is_focal_written(photo.exif)
        photos.append(SetPhoto(path, working_name, photo.size, working_size, camera, group, is_known))
    if len(photos) < 2:
        reason = "".join(f"; {why}" for _, why in unread[:1])
        raise GeometryError(f"{len(photos)} of {len(files)} photos can be read, at least two are needed{reason}")
    return photos, unread


def working_camera(photo: SetPhoto) -> Intrinsics:
    """The camera of the copy."""
    return replace(photo.camera.resized(*photo.working_size), distortion=photo.camera.distortion)


def is_focal_written(exif: Exif) -> bool:
    """Whether a camera wrote how long its lens was."""
    return bool(exif.focal_35mm or (exif.focal_mm and exif.focal_plane_x))


def _write_copy(photo: Photo, target: Path) -> tuple[int, int]:
    width, height = photo.size
    shrink = min(1.0, WORKING_PX / max(width, height))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    if not target.is_file():
        rgb = photo.rgb if size == (width, height) else cv2.resize(photo.rgb, size, interpolation=cv2.INTER_AREA)
        unfinished = target.with_suffix(".part")
        unfinished.write_bytes(encode_jpeg(np.ascontiguousarray(rgb, np.uint8), quality=_QUALITY))
        unfinished.replace(target)
    return size


def _camera_group(exif: Exif, size: tuple[int, int]) -> str:
    """Which camera and lens took a photo; photos of one size whose Exif says nothing are taken to share one."""
    lens = exif.make, exif.model, exif.focal_mm, exif.focal_35mm, exif.digital_zoom
    return f"{size} {' '.join(str(part) for part in lens if part is not None)}"
