"""A capture from a transforms.json of nerfstudio, instant-ngp or Blender's NeRF scenes.

`transform_matrix` is world from camera, with cameras that look along -z; `depth_file_path` is a 16-bit picture with
1000 units per unit of the model (https://docs.nerf.studio/quickstart/data_conventions.html). These programs do not turn
photos upright, so that their cameras are of pixels as stored. The unit is the model's own.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from depth3d.core.errors import CameraError
from depth3d.io.cameras.document import read_document
from depth3d.io.cameras.entries import Asked, Entries, numbers
from depth3d.io.cameras.nerfstudio_file import lens_of_frame
from depth3d.io.captures.capture import Capture, PosedPhoto
from depth3d.io.captures.locate_photos import Photos, stored_size
from depth3d.io.captures.poses import pose_of_matrix
from depth3d.io.open_input import is_file, shown


def capture_from_nerfstudio(path: Path, photos: Photos) -> Capture:
    """Every frame whose photo is there.

    Args:
        path: the transforms.json.
        photos: where the photos lie.

    Raises:
        CameraError: the file cannot be read, or a frame has no pose; or not one photo is there.
    """
    where = shown(path)
    entries = read_document(path)
    frames = entries.get("frames") if isinstance(entries, dict) else None
    if not (isinstance(frames, list) and frames and all(isinstance(frame, dict) for frame in frames)):
        raise CameraError(f"{where}: holds no frames; expected a transforms.json of nerfstudio or instant-ngp")
    posed: list[PosedPhoto] = []
    missing: list[str] = []
    for frame in frames:
        name = str(frame.get("file_path", ""))
        photo = photos.find(name)
        if photo is None:
            missing.append(name)
        else:
            posed.append(_posed(entries, frame, photo, path))
    if not posed:
        raise CameraError(photos.none_found(missing, where))
    return Capture(tuple(posed), f"{path.name}, {len(frames)} frames", notes=photos.missing_note(missing))


def _posed(entries: Entries, frame: dict[str, Any], photo: Path, path: Path) -> PosedPhoto:
    where = f"{shown(path)}: {photo.name}"
    matrix = numbers(frame.get("transform_matrix", []), "transform_matrix", where)
    size = stored_size(photo)
    camera = lens_of_frame(entries, frame, Asked(where, size, photo.name))
    depth = frame.get("depth_file_path")
    file = path.parent / str(depth) if depth else None
    return PosedPhoto(
        photo,
        pose_of_matrix(matrix, where, looks_along_minus_z=True),
        replace(camera, size=camera.size or size, as_stored=True),
        depth_file=file if file is not None and is_file(file) else None,
    )
