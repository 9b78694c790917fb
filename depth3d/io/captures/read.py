"""One door for everything that says where photos were taken."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from depth3d.core.errors import CameraError
from depth3d.io.cameras.document import read_document
from depth3d.io.captures.arkit import arkit_folder, capture_from_arkit, usual_photo_folders
from depth3d.io.captures.capture import Capture
from depth3d.io.captures.colmap_model import capture_from_colmap
from depth3d.io.captures.frames_jsonl import NAMES as FRAMES
from depth3d.io.captures.frames_jsonl import capture_from_frames
from depth3d.io.captures.locate_photos import SUFFIXES, Photos
from depth3d.io.captures.metashape import capture_from_metashape, is_metashape
from depth3d.io.captures.nerfstudio import capture_from_nerfstudio
from depth3d.io.captures.opensfm import capture_from_opensfm, is_opensfm
from depth3d.io.captures.realitycapture import capture_from_realitycapture, has_realitycapture
from depth3d.io.captures.record3d import capture_from_record3d, record3d_file, record3d_photos
from depth3d.io.captures.trajectory import capture_from_trajectory
from depth3d.io.captures.unpack_folder import UnpackFolder
from depth3d.io.captures.zip_archive import SUFFIXES as ZIPPED
from depth3d.io.captures.zip_archive import unpack
from depth3d.io.colmap.model import is_colmap_model
from depth3d.io.open_input import is_file, is_folder, shown
from depth3d.io.photos.video import is_video

_Read = Callable[[list[Path]], Capture]
"""Photos as given -> the capture."""

_MODELS_IN_PROJECTS = ("sparse/0", "sparse", "colmap/sparse/0", "0")
_RECONSTRUCTIONS = ("reconstruction.json", "opensfm/reconstruction.json")
_TRANSFORMS = ("transforms.json", "transforms_train.json", "colmap/transforms.json")
_IMAGE_FOLDERS = ("images", "color", "rgb", "image", "frames", "")
_KNOWN = (
    "a COLMAP model's folder, a transforms.json, OpenSfM's reconstruction.json, Metashape's cameras.xml, a TUM or "
    "Redwood trajectory, or a capture of 3D Scanner App, Polycam or Record3D, zipped or not"
)


def read_capture(model: str | Path, photos: Sequence[str | Path] = ()) -> Capture:
    """Read where photos were taken; the content decides what the model is.

    Args:
        model: a COLMAP model's folder (or that of a project with sparse/0 in it), nerfstudio's transforms.json,
            OpenSfM's reconstruction.json, cameras that Metashape exported as XML, the folder of RealityCapture's XMP
            files, a trajectory in TUM's or Redwood's format; or a phone's capture: the folder of 3D Scanner App,
            Polycam, Record3D or of a frames.jsonl, or its ZIP archive.
        photos: folders of photos, or photos; none means where they usually lie beside such a model.

    Raises:
        CameraError: nothing of this is there, it cannot be read, or not one of its photos is there.
        ColmapError: a COLMAP model is damaged.
    """
    model, given = Path(model), [Path(photo) for photo in photos]
    if not os.path.exists(model):  # noqa: PTH110 - Path.exists raises OSError for names that are too long
        raise CameraError(f"{shown(model)}: no such file or folder; give {_KNOWN}")
    if model.suffix.lower() in SUFFIXES:
        raise CameraError(f"{shown(model)}: a photo does not say where photos were taken; give first {_KNOWN}")
    if is_folder(model):
        return _from_folder(model)(given)
    if model.suffix.lower() in ZIPPED:
        unpacked = unpack(model)
        capture = _from_folder(unpacked.path, shown(model))(given)
        return replace(capture, scratch=(*capture.scratch, unpacked))
    return _from_file(model)(given)


def holds_poses(path: str | Path) -> bool:
    """Whether a file or folder says where photos were taken, by what it holds; a photo, or a folder of them, does not.

    A file that is neither a photo nor a video counts as one that should, so that `read_capture` says what is wrong.
    """
    path = Path(path)
    if is_file(path):
        return path.suffix.lower() not in SUFFIXES and not is_video(path)
    return is_folder(path) and (_reader_of(path) or _reader_within(path)) is not None


def _from_file(path: Path) -> _Read:
    if path.suffix.lower() == ".json":
        return _from_json(path)
    if path.suffix.lower() == ".xml":
        return lambda given: capture_from_metashape(path, Photos(given, usual=_beside(path.parent)))
    if path.suffix.lower() == ".jsonl":
        return _from_frames(path)
    return lambda given: capture_from_trajectory(path, Photos(given, usual=_beside(path.parent)))


def _from_json(path: Path) -> _Read:
    if path.name in _RECONSTRUCTIONS or is_opensfm(read_document(path)):
        usual = [*_beside(path.parent), *_beside(path.absolute().parent.parent)]
        return lambda given: capture_from_opensfm(path, Photos(given, usual=usual))
    near = (path.parent, *_beside(path.parent)[:-1], *_beside(path.absolute().parent.parent)[:-1])
    return lambda given: capture_from_nerfstudio(path, Photos(given, usual=near))


def _from_frames(path: Path) -> _Read:
    def read(given: list[Path]) -> Capture:
        scratch = UnpackFolder()
        capture = capture_from_frames(path, Photos(given, usual=_beside(path.parent)), scratch.path)
        return replace(capture, scratch=(scratch,))

    return read


def _from_folder(folder: Path, name: str | None = None) -> _Read:
    found = _reader_of(folder) or _reader_within(folder)
    if found is None:
        raise CameraError(f"{name or shown(folder)}: holds no poses of photos; give {_KNOWN}")
    return found


def _reader_within(folder: Path) -> _Read | None:
    """Archives often hold one folder, and the capture in that."""
    inner = [path for path in folder.iterdir() if is_folder(path) and not path.name.startswith((".", "__"))]
    return _reader_of(inner[0]) if len(inner) == 1 else None


def _reader_of(folder: Path) -> _Read | None:
    """What reads a folder; None where nothing in it says where photos were taken."""
    for inner in ("", *_MODELS_IN_PROJECTS):
        if is_colmap_model(folder / inner):
            places = [place for start in _upwards(folder) for place in _beside(start)[:-1]]
            return lambda given, model=folder / inner: capture_from_colmap(model, Photos(given, usual=places))  # type: ignore[misc]
    for name in (*_TRANSFORMS, *_RECONSTRUCTIONS):
        if is_file(folder / name):
            return _from_json(folder / name)
    for path in sorted(folder.glob("reconstruction*.json")):
        if is_opensfm(read_document(path)):
            return _from_json(path)
    for name in FRAMES:
        if is_file(folder / name):
            return _from_frames(folder / name)
    recorded = record3d_file(folder)
    if recorded is not None:
        return lambda given: capture_from_record3d(recorded, Photos(given, usual=record3d_photos(folder)))
    captured = arkit_folder(folder)
    if captured is not None:
        return lambda given: capture_from_arkit(captured, Photos(given, usual=usual_photo_folders(captured)))
    if has_realitycapture(folder):
        return lambda given: capture_from_realitycapture(folder, Photos(given, usual=_beside(folder)))
    for path in sorted(folder.glob("*.xml")):
        if is_file(path) and is_metashape(path):
            return _from_file(path)
    return None


def _upwards(folder: Path) -> tuple[Path, Path, Path]:
    """A folder, the one that holds it, and the one that holds that."""
    whole = folder.absolute()
    return folder, whole.parent, whole.parent.parent


def _beside(folder: Path) -> list[Path]:
    return [folder / name for name in _IMAGE_FOLDERS if is_folder(folder / name)]
