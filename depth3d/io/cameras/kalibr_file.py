"""Camera source: Kalibr's camchain YAML, and the sensor.yaml of the EuRoC data set, which is alike.

`intrinsics: [fu, fv, pu, pv]`, pixel centres at integers (https://github.com/ethz-asl/kalibr/wiki/supported-models).
"""

from __future__ import annotations

import re
from typing import Any

from depth3d.core.errors import CameraError
from depth3d.io.cameras.entries import Asked, Entries, FileCamera, brown_conrady, fisheye, numbers, whole_size

_BROWN = {"radtan", "radial-tangential", "plumb_bob", "none", ""}
_FISHEYE = {"equidistant", "equi"}


def is_kalibr_file(entries: Entries) -> bool:
    """Whether a document looks like one of Kalibr's."""
    return bool(_cameras(entries))


def camera_from_kalibr_file(entries: Entries, asked: Asked) -> FileCamera:
    """The file's only camera.

    Raises:
        CameraError: there are several, or its model is unknown here.
    """
    cameras, where = _cameras(entries), asked.where
    if len(cameras) > 1:
        raise CameraError(f"{where}: holds {' and '.join(cameras)}; keep only the photo's camera in it")
    (camera,) = cameras.values()
    if camera["camera_model"] != "pinhole":
        raise CameraError(f"{where}: the camera_model {str(camera['camera_model'])[:40]} is not known; pinhole is")
    model = str(camera.get("distortion_model", "")).lower()
    if model not in _BROWN | _FISHEYE:
        raise CameraError(f"{where}: the distortion_model {model[:40]} is not known; radtan and equidistant are")
    values = numbers(camera["intrinsics"], "intrinsics", where)
    if len(values) != 4:
        raise CameraError(f"{where}: intrinsics must be fu, fv, pu, pv, got {len(values)} numbers")
    key = next((key for key in ("distortion_coeffs", "distortion_coefficients") if key in camera), None)
    coefficients = numbers(camera[key], key, where) if key else []
    is_fisheye = model in _FISHEYE
    fx, fy, cx, cy = values
    return FileCamera(
        *(fx, fy, cx, cy),
        pixel_centre=0.0,
        size=_size(camera, where),
        words=f"Kalibr, {model or 'no'} distortion",
        distortion=fisheye(coefficients, where) if is_fisheye else brown_conrady(coefficients, where),
        fisheye=is_fisheye,
    )


def _cameras(entries: Entries) -> dict[str, dict[str, Any]]:
    named = {key: value for key, value in entries.items() if re.fullmatch(r"cam\d+", key)}
    candidates = named or {"the camera": entries}
    return {
        name: dict(camera)
        for name, camera in candidates.items()
        if isinstance(camera, dict) and "camera_model" in camera and "intrinsics" in camera
    }


def _size(camera: Entries, where: str) -> tuple[int, int] | None:
    if "resolution" not in camera:
        return None
    return whole_size(numbers(camera["resolution"], "resolution", where), "resolution", where)
