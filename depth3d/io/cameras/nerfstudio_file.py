"""Camera source: transforms.json of nerfstudio, instant-ngp and Blender's NeRF scenes.

The camera stands at the top or in the frame of the photo, which overrides it; frames are matched by the photo's name.
Pixel centres lie at +0.5: nerfstudio shoots the ray of a pixel through its index plus 0.5, and takes cx and cy from
COLMAP as they are (https://docs.nerf.studio/quickstart/data_conventions.html).
"""

from __future__ import annotations

import math
from typing import Any

from depth3d.core.errors import CameraError
from depth3d.io.cameras.entries import (
    Asked,
    Entries,
    FileCamera,
    brown_conrady,
    fisheye,
    listed,
    number,
    picture_size,
    places_of_photo,
)

_SIGNS = ("frames", "fl_x", "camera_angle_x")
_CAMERA_KEYS = (
    *("fl_x", "fl_y", "cx", "cy", "w", "h", "camera_angle_x", "camera_angle_y"),
    *("camera_model", "k1", "k2", "k3", "k4", "p1", "p2"),
)
_PERSPECTIVE = {"", "OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "PERSPECTIVE"}
_FISHEYE = {"OPENCV_FISHEYE", "FISHEYE"}


def is_nerfstudio_file(entries: Entries) -> bool:
    """Whether a document looks like a transforms.json."""
    return any(key in entries for key in _SIGNS)


def camera_from_nerfstudio_file(entries: Entries, asked: Asked) -> FileCamera:
    """The photo's camera.

    Raises:
        CameraError: something is missing, cameras differ between frames and none is of the photo, or the camera is
            not a photo's.
    """
    return lens_of_frame(entries, _frame(entries, asked), asked)


def lens_of_frame(entries: Entries, frame: Entries, asked: Asked) -> FileCamera:
    """The camera of one frame.

    Args:
        entries: the document.
        frame: one of its frames, whose entries override those of the document; may be empty.
        asked: its size stands in where the file states none.

    Raises:
        CameraError: something is missing, or the camera is not a photo's.
    """
    merged = {**entries, **frame}
    where = asked.where
    size = picture_size(merged, ("w", "h"), where)
    width, height = size or asked.size
    fx, fy = _focal_lengths(merged, width, height, where)
    model = str(merged.get("camera_model", "")).upper()
    if model not in _PERSPECTIVE | _FISHEYE:
        raise CameraError(f"{where}: the camera_model {model[:40]} is not a perspective or fisheye camera")
    is_fisheye = model in _FISHEYE or merged.get("is_fisheye") is True
    k1, k2, k3, k4, p1, p2 = (number(merged.get(key, 0.0), key, where) for key in ("k1", "k2", "k3", "k4", "p1", "p2"))
    if not is_fisheye and k4 != 0:  # nerfstudio's fourth radial coefficient, which OpenCV's k4 is not
        raise CameraError(f"{where}: a perspective camera with k4 = {k4:g} is not known here; k4 must be 0")
    return FileCamera(
        *(fx, fy),
        cx=number(merged.get("cx", width / 2), "cx", where),
        cy=number(merged.get("cy", height / 2), "cy", where),
        pixel_centre=0.5,
        size=size,
        words="nerfstudio" + (f", frame {frame['file_path']}" if "file_path" in frame else ""),
        distortion=fisheye((k1, k2, k3, k4), where) if is_fisheye else brown_conrady((k1, k2, p1, p2, k3), where),
        fisheye=is_fisheye,
    )


def _focal_lengths(entries: Entries, width: int, height: int, where: str) -> tuple[float, float]:
    found: dict[str, float] = {}
    for axis, length in (("x", width), ("y", height)):
        if f"fl_{axis}" in entries:
            found[axis] = number(entries[f"fl_{axis}"], f"fl_{axis}", where)
        elif f"camera_angle_{axis}" in entries:
            angle = number(entries[f"camera_angle_{axis}"], f"camera_angle_{axis}", where)
            if not 0 < angle < math.pi:
                raise CameraError(f"{where}: camera_angle_{axis} must lie between 0 and pi radians, got {angle:g}")
            found[axis] = length / 2 / math.tan(angle / 2)
    if not found:
        raise CameraError(f"{where}: neither fl_x nor camera_angle_x is there")
    return found.get("x", found.get("y", 0.0)), found.get("y", found.get("x", 0.0))


def _frame(entries: Entries, asked: Asked) -> dict[str, Any]:
    """The photo's frame where frames have cameras of their own, else nothing."""
    frames = entries.get("frames", [])
    if not (isinstance(frames, list) and all(isinstance(frame, dict) for frame in frames)):
        raise CameraError(f"{asked.where}: frames must be a list of frames")
    with_camera = [frame for frame in frames if any(key in frame for key in _CAMERA_KEYS)]
    if not with_camera:
        return {}
    names = [str(frame.get("file_path", "")) for frame in frames]
    found = [frames[i] for i in places_of_photo(names, asked.photo_name)]
    if not found:
        raise CameraError(
            f"{asked.where}: no frame is of {asked.photo_name or 'a photo without a name'} (found {listed(names)}),"
            " and frames have cameras of their own; name the photo as there"
        )
    if any(_camera_of(other) != _camera_of(found[0]) for other in found):
        paths = listed([str(frame["file_path"]) for frame in found])
        raise CameraError(f"{asked.where}: {paths} have different cameras, and each could be {asked.photo_name}")
    return dict(found[0])


def _camera_of(frame: Entries) -> dict[str, Any]:
    return {key: frame[key] for key in _CAMERA_KEYS if key in frame}
