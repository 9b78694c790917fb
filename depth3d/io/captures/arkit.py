"""Captures by ARKit: a JSON file for each photo, by the apps 3D Scanner App and Polycam.

- 3D Scanner App, "all data": frame_00000.json beside frame_00000.jpg, with `cameraPoseARFrame` (16 numbers, row by row)
  and `intrinsics` (9); LiDAR depth in depth_00000.png, in millimetres, and conf_00000.png. Only some frames, such as
  one of six, have a photo.
- Polycam, raw data: keyframes/corrected_cameras (or cameras) with `t_00` to `t_23`, fx, fy, cx, cy; photos in
  corrected_images (or images), LiDAR depth in depth, in millimetres.

ARKit's unit is the metre, its world has y up, its cameras look along -z, its pixel centres lie at integers
(https://developer.apple.com/documentation/arkit/arcamera).
"""

from __future__ import annotations

from pathlib import Path

from depth3d.core.errors import CameraError
from depth3d.io.cameras.document import read_document
from depth3d.io.cameras.entries import Entries, FileCamera, number, numbers, picture_size, pinhole
from depth3d.io.captures.capture import Capture, PosedPhoto
from depth3d.io.captures.locate_photos import Photos, stored_size
from depth3d.io.captures.poses import pose_of_matrix
from depth3d.io.open_input import is_file, is_folder, shown

_UP = (0.0, 1.0, 0.0)
_POLYCAM = tuple(f"t_{row}{column}" for row in range(3) for column in range(4))
_LOOKED_AT = 12
_FOLDERS = ("", "corrected_cameras", "cameras", "keyframes/corrected_cameras", "keyframes/cameras")


def arkit_folder(folder: Path) -> Path | None:
    """Where in a folder the JSON files of a capture lie; None where there are none."""
    for inner in _FOLDERS:
        # Some of their JSON files are about no photo, such as info.json and annotations.json.
        files = sorted((folder / inner).glob("*.json"))[:_LOOKED_AT] if is_folder(folder / inner) else []
        if any(_may_be_frame(path) for path in files):
            return folder / inner
    return None


def usual_photo_folders(folder: Path) -> tuple[Path, ...]:
    """Where the photos lie, seen from the JSON files."""
    names = {"corrected_cameras": "corrected_images", "cameras": "images"}
    return (folder.parent / names[folder.name],) if folder.name in names else (folder,)


def capture_from_arkit(folder: Path, photos: Photos) -> Capture:
    """Every frame whose photo is there.

    Args:
        folder: of the JSON files.
        photos: where the photos lie.

    Raises:
        CameraError: a file is damaged, or not one photo is there.
    """
    posed: list[PosedPhoto] = []
    missing = 0
    for path in sorted(folder.glob("*.json")):
        entries = read_document(path)
        if not _is_frame(entries):
            continue
        photo = photos.find(path.stem)
        if photo is None:
            missing += 1
        else:
            posed.append(_posed(path, entries, photo))
    if not posed:
        names = [path.stem for path in sorted(folder.glob("*.json")) if _may_be_frame(path)]
        raise CameraError(photos.none_found(names, shown(folder)))
    notes = (
        (f"{missing} of {missing + len(posed)} frames have no photo, as the app keeps only some",) if missing else ()
    )
    source = f"ARKit capture {folder.resolve().name}, {len(posed)} frames"
    return Capture(tuple(posed), source, is_metric=True, up=_UP, notes=notes)


def _may_be_frame(path: Path) -> bool:
    try:
        return _is_frame(read_document(path))
    except CameraError:
        return False


def _is_frame(entries: object) -> bool:
    return isinstance(entries, dict) and ("cameraPoseARFrame" in entries or "t_00" in entries)


def _posed(path: Path, entries: Entries, photo: Path) -> PosedPhoto:
    where = shown(path)
    if "t_00" in entries:
        matrix = [number(entries.get(key), key, where) for key in _POLYCAM]
        fx, fy, cx, cy = (number(entries.get(key), key, where) for key in ("fx", "fy", "cx", "cy"))
        depth, confidence = path.parent.parent / "depth" / f"{path.stem}.png", None
    else:
        matrix = numbers(entries["cameraPoseARFrame"], "cameraPoseARFrame", where)
        flat = numbers(entries.get("intrinsics", []), "intrinsics", where)
        fx, fy, cx, cy = pinhole([flat[0:3], flat[3:6], flat[6:9]], "intrinsics", where)
        which = path.stem.rpartition("_")[2]
        depth, confidence = (path.with_name(f"{what}_{which}.png") for what in ("depth", "conf"))
    camera_as_taken = FileCamera(
        *(fx, fy, cx, cy),
        pixel_centre=0.0,
        size=picture_size(entries, ("width", "height"), where) or stored_size(photo),
        words="ARKit",
        as_stored=True,
    )
    return PosedPhoto(
        photo,
        pose_of_matrix(matrix, where, looks_along_minus_z=True),
        camera_as_taken,
        depth_file=depth if is_file(depth) else None,
        confidence_file=confidence if confidence is not None and is_file(confidence) else None,
    )
