"""Bare photos, or a video: where were they taken?

photos -> working copies -> keypoints -> pairs -> matches -> places -> COLMAP model of the photos -> Capture
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from depth3d.core.errors import OutputError, UsageError
from depth3d.io.captures import Capture
from depth3d.io.captures.colmap_model import capture_from_colmap
from depth3d.io.captures.locate_photos import Photos
from depth3d.io.open_input import shown
from depth3d.io.photos.gps import read_gps
from depth3d.io.photos.video import is_video, read_video
from depth3d.scenes.multiview.progress import Report, silent
from depth3d.scenes.multiview.sfm.failure_reasons import groups_note, no_model, shared_points, unplaced
from depth3d.scenes.multiview.sfm.features import find_keypoints, largest_keypoints, match_photos, quiet_pycolmap
from depth3d.scenes.multiview.sfm.gps_scale import MOST_RELATIVE_SIGMA, GpsUnit, unit_from_gps
from depth3d.scenes.multiview.sfm.mapping import map_places, placed_names, write_model
from depth3d.scenes.multiview.sfm.match_pairs import MOST_COMPARED_WITH_ALL, pairs_to_compare
from depth3d.scenes.multiview.sfm.photo_set import SetPhoto, photo_files, working_copies
from depth3d.scenes.multiview.sfm.video_keyframes import extract_keyframes
from depth3d.scenes.options import Options

_VERSION = 1
"""Raised when what is in the folder changes its meaning."""

_KEY, _DATABASE, _COPIES, _FRAMES, _MAPPING, MODEL = "key.json", "photos.db", "copies", "frames", "mapping", "model"
_DONE = "places.json"
_OURS = (_DATABASE, "photos.matched", "photos.pairs", _COPIES, _FRAMES, _MAPPING, MODEL, _DONE)


@dataclass(frozen=True, slots=True)
class FoundPoses:
    """What is known of places once they were found, as it is written into the cache.

    Attributes:
        source: in words for the user.
        is_metric: the model's unit is the metre.
        left_out: (name, reason) of photos that have no place.
        notes: sentences for the user.
    """

    source: str
    is_metric: bool
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def find_poses(
    sources: Sequence[str | Path], cache: str | Path, options: Options | None = None, *, report: Report = silent
) -> Capture:
    """Find where photos were taken, from what they have in common.

    Args:
        sources: photos, folders of photos, or one video.
        cache: a folder for copies, keypoints, matches and the model, made if it is not there. A later call with the
            same photos and camera goes on where this one ended; with others it starts again.
        options: what the user knows about the camera, which then is kept as it is.
        report: told how far the work has got.

    Raises:
        UsageError: fewer than two photos, several videos, or the folder holds something else.
        GeometryError: the photos have too little in common, or the camera only turned; with the remedy.
        MissingExtraError: pycolmap is not installed, or for a video PyAV.
        OutputError: the cache cannot be written or read.
    """
    paths, folder, options = [Path(source) for source in sources], Path(cache), options or Options()
    quiet_pycolmap()  # what is missing is said before any work
    videos = [path for path in paths if is_video(path)]
    if videos and len(paths) > 1:
        raise UsageError(f"{shown(videos[0])}: a video goes alone; give one video, or photos")
    files = videos or photo_files(paths)
    _open_cache(folder, _key(files, options))
    try:
        if videos:
            files = extract_keyframes(read_video(videos[0]), folder / _FRAMES, report)
        if read_cached_poses(folder / _DONE) is None:
            _find(files, folder, options, in_order=bool(videos), report=report)
    except OSError as error:
        raise _unusable(folder, error) from error
    return _capture(files, folder)


def _find(files: list[Path], folder: Path, options: Options, *, in_order: bool, report: Report) -> None:
    """From files to a model in the folder."""
    photos, unread = working_copies(files, folder / _COPIES, options, report)
    database = folder / _DATABASE
    find_keypoints(photos, folder / _COPIES, database, report)
    complete = len(photos) <= MOST_COMPARED_WITH_ALL and not in_order
    largest = [np.zeros((0, 128), np.float32)] * len(photos) if complete else largest_keypoints(photos, database)
    match_photos(photos, pairs_to_compare(largest, in_order=in_order), database, report)
    stated = (
        options.camera.camera_file is not None
        or options.camera.fov_x_deg is not None
        or options.camera.focal_px is not None
    )
    shutil.rmtree(folder / _MAPPING, ignore_errors=True)
    models = map_places(photos, folder / _COPIES, database, folder / _MAPPING, camera_is_stated=stated, report=report)
    shared = shared_points(database)
    if not models:
        raise no_model(photos, shared)
    placed = placed_names(models[0])
    unit, gps_note = _gps(models[0], photos)
    shutil.rmtree(folder / MODEL, ignore_errors=True)
    write_model(models[0], photos, folder / MODEL, units=1.0 if unit is None else unit.metres)
    shutil.rmtree(folder / _MAPPING)
    found = FoundPoses(
        source=f"found from {len(photos)} photos, {models[0].num_points3D():,} points seen by several",
        is_metric=unit is not None,
        left_out=(*unread, *unplaced(photos, placed, shared)),
        notes=(*groups_note([placed_names(model) for model in models]), *gps_note),
    )
    told = {name: getattr(found, name) for name in FoundPoses.__slots__}
    (folder / _DONE).write_text(json.dumps(told, indent=1), encoding="utf-8")


def _gps(model: Any, photos: Sequence[SetPhoto]) -> tuple[GpsUnit | None, tuple[str, ...]]:
    """The model's unit by GPS, and what to say about it; no unit where GPS does not tell it well enough."""
    by_name = {photo.working_name: photo for photo in photos}
    images = [image for image in model.images.values() if image.has_pose]
    positions = [read_gps(by_name[image.name].path) for image in images]
    centres = np.array([image.projection_center() for image in images], np.float64)
    unit = unit_from_gps(centres, positions)
    if unit is None:
        return None, ()
    if unit.relative_sigma > MOST_RELATIVE_SIGMA:
        words = f"GPS of {unit.count} photos tells the unit to ± {unit.relative_sigma:.0%} only, so it is left open"
        return None, (f"{words}; a known length (--known) would make it metres",)
    return unit, (f"metres by GPS of {unit.count} photos, to ± {unit.relative_sigma:.0%}; a known length is better",)


def _capture(files: Sequence[Path], folder: Path) -> Capture:
    found = read_cached_poses(folder / _DONE)
    if found is None:
        raise OutputError(f"cannot read {shown(folder / _DONE)}, which was just written; give --cache another folder")
    capture = capture_from_colmap(folder / MODEL, Photos(files, usual=()))
    # The model is of upright photos, where COLMAP's own are of photos as stored; and its order differs from run to run.
    photos = tuple(
        replace(one, camera_as_taken=one.camera_as_taken and replace(one.camera_as_taken, as_stored=False))
        for one in sorted(capture.photos, key=lambda posed: posed.photo)
    )
    notes = (*found.notes, *capture.notes)
    return replace(
        capture, photos=photos, source=found.source, is_metric=found.is_metric, left_out=found.left_out, notes=notes
    )


def read_cached_poses(path: Path) -> FoundPoses | None:
    """What was found of places before; None where that is not there, or damaged."""
    try:
        told = json.loads(path.read_bytes())
        left_out = tuple((str(name), str(why)) for name, why in told["left_out"])
        notes = tuple(str(note) for note in told["notes"])
        return FoundPoses(str(told["source"]), bool(told["is_metric"]), left_out, notes)
    except (OSError, LookupError, RecursionError, TypeError, ValueError):
        return None


def _key(files: Sequence[Path], options: Options) -> str:
    """What places depend on: the files as they are, and the camera."""
    rows = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    camera = options.camera.camera_file and hashlib.sha256(options.camera.camera_file.read_bytes()).hexdigest()
    chosen = [_VERSION, rows, options.camera.fov_x_deg, options.camera.focal_px, camera]
    return json.dumps(chosen, indent=1)


def _open_cache(folder: Path, key: str) -> None:
    """Make the folder, and empty it of what belongs to other photos."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / _KEY).is_file():
            if (folder / _KEY).read_bytes() == key.encode():
                return
            for name in _OURS:
                shutil.rmtree(folder / name, ignore_errors=True)
                (folder / name).unlink(missing_ok=True)
        elif any(folder.iterdir()):
            raise UsageError(f"{shown(folder)}: is needed for what is kept between runs, and holds something else")
        (folder / _KEY).write_bytes(key.encode())
    except OSError as error:
        raise _unusable(folder, error) from None


def _unusable(folder: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot work in the folder {shown(folder)}: {error.strerror or error}")
