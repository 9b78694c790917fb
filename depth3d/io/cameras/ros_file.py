"""Camera source: ROS camera_info, as the calibrator's YAML or as a CameraInfo message printed as YAML or JSON.

K and D belong to the raw picture; a rectified one (image_rect) has the camera P instead. Pixel centres lie at integers,
as in OpenCV, whose calibration ROS uses (https://docs.ros.org/en/api/sensor_msgs/html/msg/CameraInfo.html, REP 104).
"""

from __future__ import annotations

from typing import Any

from depth3d.core.errors import CameraError
from depth3d.io.cameras.entries import (
    Asked,
    Entries,
    FileCamera,
    brown_conrady,
    fisheye,
    number,
    numbers,
    picture_size,
    pinhole,
)

_MATRIX_KEYS = ("camera_matrix", "K", "k")
_DISTORTION_KEYS = ("distortion_coefficients", "D", "d")
_BROWN = {"plumb_bob": 5, "rational_polynomial": 8, "": 5, "none": 0}
_FISHEYE = {"equidistant", "fisheye", "kannala_brandt"}


def is_ros_file(entries: Entries) -> bool:
    """Whether a document looks like a camera_info."""
    inner = _message(entries)
    return "distortion_model" in inner and any(key in inner for key in _MATRIX_KEYS)


def camera_from_ros_file(entries: Entries, asked: Asked) -> FileCamera:
    """The camera of the raw picture.

    Raises:
        CameraError: the camera is not calibrated, its distortion model is unknown, or it is of a region only.
    """
    entries, where = _message(entries), asked.where
    key = next(key for key in _MATRIX_KEYS if key in entries)
    if not any(numbers(entries[key], key, where)):
        raise CameraError(f"{where}: {key} is all zeros, which is ROS's word for a camera that is not calibrated")
    _refuse_region(entries, where)
    model = str(entries["distortion_model"]).strip().lower()
    coefficients: list[float] = next((numbers(entries[d], d, where) for d in _DISTORTION_KEYS if d in entries), [])
    if model not in _FISHEYE and model not in _BROWN:
        known = ", ".join(sorted(name for name in {*_FISHEYE, *_BROWN} if name))
        raise CameraError(f"{where}: the distortion_model {model[:40]!r} is not known; known are {known}")
    is_fisheye = model in _FISHEYE
    names = ("image_width", "image_height") if "image_width" in entries else ("width", "height")
    return FileCamera(
        *pinhole(entries[key], key, where),
        pixel_centre=0.0,
        size=picture_size(entries, names, where),
        words=f"ROS camera_info, {model or 'no'} distortion",
        distortion=fisheye(coefficients, where) if is_fisheye else brown_conrady(coefficients, where),
        fisheye=is_fisheye,
    )


def _message(entries: Entries) -> Entries:
    inner = entries.get("camera_info")
    return inner if isinstance(inner, dict) else entries


def _refuse_region(entries: Entries, where: str) -> None:
    """Refuse a region of interest: the picture is a part of what K is for, and where it lies must be applied first."""
    region: Any = entries.get("roi")
    if not isinstance(region, dict):
        return
    for key in ("width", "height", "x_offset", "y_offset"):
        if number(region.get(key, 0.0), f"roi {key}", where) != 0:
            raise CameraError(f"{where}: the camera is of a region of interest; subtract its offset from cx, cy first")
