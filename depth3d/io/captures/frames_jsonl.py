"""A capture as lines of JSON, one frame each: frames.jsonl or poses.jsonl, as several apps for ARKit write them.

There is no standard for them, so that content decides: a frame's photo is the entry that names a picture, its pose the
entry of 16 numbers that are a rotation and a translation (row by row, or column by column as ARKit stores them), its
camera nine numbers, or fx fy cx cy. Depth is a picture, NPY or EXR file, or a raw file of float32 or float16 in metres,
whose size is depth_width and depth_height (256x192 where that fits). The world is ARKit's: metres, y up, cameras that
look along -z.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from depth3d.core.errors import CameraError
from depth3d.io.cameras.entries import FileCamera, numbers, picture_size, pinhole
from depth3d.io.captures.capture import Capture, PosedPhoto
from depth3d.io.captures.locate_photos import SUFFIXES, Photos
from depth3d.io.captures.poses import pose_of_matrix
from depth3d.io.open_input import is_file, open_regular_file, shown

NAMES = ("frames.jsonl", "poses.jsonl")

_UP = (0.0, 1.0, 0.0)
_LARGEST_BYTES = 500_000_000
_RAW = (".bin", ".raw", ".f32", ".depth")
_USUAL_DEPTH = (256, 192)
_SIZES = (("image_resolution_w", "image_resolution_h"), ("image_width", "image_height"), ("width", "height"))


def capture_from_frames(path: Path, photos: Photos, scratch: Path) -> Capture:
    """Every frame whose photo is there.

    Args:
        path: the file of lines.
        photos: where the photos lie.
        scratch: a folder for raw depth as NPY files; it must live as long as the capture.

    Raises:
        CameraError: a line is damaged or lacks something, or not one photo is there.
    """
    posed, missing = [], []
    for number, entries in _lines(path):
        where = f"{shown(path)}: line {number}"
        name = _photo_name(entries, where)
        photo = photos.find(name)
        if photo is None:
            missing.append(name)
            continue
        pose = pose_of_matrix(_matrix(entries, where), where, looks_along_minus_z=True)
        depth = _depth(entries, path.parent, scratch, where)
        posed.append(PosedPhoto(photo, pose, _camera(entries, where), depth_file=depth, depth_units=_units(depth)))
    if not posed:
        raise CameraError(photos.none_found(missing, shown(path)))
    source = f"{path.name}, {len(posed)} frames"
    return Capture(tuple(posed), source, is_metric=True, up=_UP, notes=photos.missing_note(missing))


def _lines(path: Path) -> list[tuple[int, dict[str, Any]]]:
    with open_regular_file(path, CameraError) as file:
        content = file.read(_LARGEST_BYTES + 1)
    if len(content) > _LARGEST_BYTES:
        raise CameraError(f"{shown(path)}: over {_LARGEST_BYTES // 1_000_000} MB, no list of frames")
    rows = []
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entries = json.loads(line, parse_int=float)
        except (ValueError, RecursionError):
            entries = None
        if not isinstance(entries, dict):
            raise CameraError(f"{shown(path)}: line {number} is not a JSON object; expected one frame a line")
        rows.append((number, entries))
    return rows


def _photo_name(entries: dict[str, Any], where: str) -> str:
    names = [value for value in entries.values() if isinstance(value, str) and value.lower().endswith(SUFFIXES)]
    named = {
        key: value for key, value in entries.items() if value in names and "depth" not in key and "conf" not in key
    }
    if not named:
        raise CameraError(f"{where}: names no photo; expected an entry such as image_file")
    return str(next(iter(named.values())))


def _matrix(entries: dict[str, Any], where: str) -> list[float]:
    """The 16 numbers of world from camera, row by row."""
    for key, value in entries.items():
        if not isinstance(value, list):
            continue
        flat = [part for row in value for part in (row if isinstance(row, list) else [row])]
        if len(flat) != 16 or not all(isinstance(part, float) for part in flat):
            continue
        matrix = np.array(numbers(value, key, where)).reshape(4, 4)
        if np.allclose(matrix[3], (0, 0, 0, 1)):
            return matrix.ravel().tolist()
        if np.allclose(matrix[:, 3], (0, 0, 0, 1)):
            return matrix.T.ravel().tolist()
    raise CameraError(f"{where}: has no pose; expected 16 numbers that are a rotation and a translation")


def _camera(entries: dict[str, Any], where: str) -> FileCamera:
    size = next((found for keys in _SIZES if (found := picture_size(entries, keys, where))), None)
    if {"fx", "fy", "cx", "cy"} <= entries.keys():
        fx, fy, cx, cy = (numbers(entries[key], key, where)[0] for key in ("fx", "fy", "cx", "cy"))
    else:
        key = next((key for key in entries if "intrinsic" in key.lower() and "saved" not in key.lower()), "")
        flat = numbers(entries.get(key, []), key or "intrinsics", where)
        fx, fy, cx, cy = pinhole([flat[0:3], flat[3:6], flat[6:9]], key or "intrinsics", where)
    return FileCamera(fx, fy, cx, cy, pixel_centre=0.0, size=size, words="frames of ARKit", as_stored=True)


def _depth(entries: dict[str, Any], folder: Path, scratch: Path, where: str) -> Path | None:
    name = next((v for k, v in entries.items() if "depth" in k.lower() and isinstance(v, str) and "." in v), None)
    if name is None or not is_file(folder / name):
        return None
    if ".." in Path(name).parts or Path(name).is_absolute():
        raise CameraError(f"{where}: {shown(Path(name))} lies outside the capture's folder; put its depth beside it")
    path = folder / name
    if path.suffix.lower() not in _RAW:
        return path
    size = picture_size(entries, ("depth_width", "depth_height"), where) or _USUAL_DEPTH
    content, count = path.read_bytes(), size[0] * size[1]
    kinds = {4 * count: "<f4", 2 * count: "<f2"}
    if len(content) not in kinds:
        raise CameraError(f"{where}: {name} holds {len(content)} bytes, {size[0]}x{size[1]} of float32 are {4 * count}")
    target = scratch / f"{path.stem}.npy"
    np.save(target, np.frombuffer(content, np.dtype(kinds[len(content)])).reshape(size[1], size[0]).astype(np.float32))
    return target


def _units(depth: Path | None) -> float:
    """Stored units per metre: millimetres in pictures of whole numbers, metres elsewhere."""
    return 1000.0 if depth is not None and depth.suffix.lower() == ".png" else 1.0
