"""One door for everything that says where photos were taken."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from depth3d.core.errors import CameraError
from depth3d.io.captures.arkit import arkit_folder, capture_from_arkit, usual_photo_folders
from depth3d.io.captures.capture import Capture
from depth3d.io.captures.colmap_model import capture_from_colmap
from depth3d.io.captures.nerfstudio import capture_from_nerfstudio
from depth3d.io.captures.photos import SUFFIXES, Photos
from depth3d.io.captures.trajectory import capture_from_trajectory
from depth3d.io.colmap.model import is_colmap_model
from depth3d.io.open_input import is_file, is_folder, shown

_MODELS_IN_PROJECTS = ("sparse/0", "sparse", "colmap/sparse/0", "0")
_IMAGE_FOLDERS = ("images", "color", "rgb", "image", "")
_KNOWN = "a COLMAP model's folder, a transforms.json, a TUM or Redwood trajectory, or the folder of an ARKit capture"


def read_capture(model: str | Path, photos: Sequence[str | Path] = ()) -> Capture:
    """Read where photos were taken; the content decides what the model is.

    Args:
        model: a COLMAP model's folder (or that of a project with sparse/0 in it), nerfstudio's transforms.json or its
            folder, a trajectory in TUM's or Redwood's format, or the folder of an ARKit capture.
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
        return _from_folder(model, given)
    if model.suffix.lower() == ".json":
        return capture_from_nerfstudio(model, Photos(given, usual=(model.parent,)))
    return capture_from_trajectory(model, Photos(given, usual=_beside(model.parent)))


def _from_folder(folder: Path, given: list[Path]) -> Capture:
    for inner in ("", *_MODELS_IN_PROJECTS):
        if is_colmap_model(folder / inner):
            places = [place for start in (folder, folder.parent, folder.parent.parent) for place in _beside(start)[:-1]]
            return capture_from_colmap(folder / inner, Photos(given, usual=places))
    if is_file(folder / "transforms.json"):
        return capture_from_nerfstudio(folder / "transforms.json", Photos(given, usual=(folder,)))
    captured = arkit_folder(folder)
    if captured is not None:
        return capture_from_arkit(captured, Photos(given, usual=usual_photo_folders(captured)))
    raise CameraError(f"{shown(folder)}: holds no poses of photos; give {_KNOWN}")


def _beside(folder: Path) -> list[Path]:
    return [folder / name for name in _IMAGE_FOLDERS if is_folder(folder / name)]
