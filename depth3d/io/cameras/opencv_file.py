"""Camera source: what OpenCV's FileStorage writes, as YAML (which begins with %YAML:1.0), XML or JSON.

A matrix is {rows, cols, dt, data}. There is no standard for its name; those of OpenCV's samples and of the usual
scripts are known, whatever their case and underscores. Pixel centres lie at integers (OpenCV).
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
    listed,
    number,
    numbers,
    pinhole,
    whole_size,
)

# In lower case and without underscores; those that end in 1 are the first camera of a stereo pair.
_MATRIX_NAMES = ("cameramatrix", "k", "m", "mtx", "intrinsicmatrix", "intrinsics", "cameramatrix1", "k1", "m1")
_DISTORTION_NAMES = ("distortioncoefficients", "distcoeffs", "distcoefs", "distortion", "dist", "d")
_FIRST_DISTORTION_NAMES = ("d1", "distcoeffs1", "distortioncoefficients1")
_SIZE_NAMES = (("imagewidth", "imageheight"), ("width", "height"))
_SIZE_LISTS = ("imagesize", "size", "resolution")


def is_opencv_file(entries: Entries) -> bool:
    """Whether a document holds a matrix in OpenCV's manner."""
    return any(_is_matrix(value) for value in entries.values())


def camera_from_opencv_file(entries: Entries, asked: Asked) -> FileCamera:
    """The camera; of a stereo pair the first.

    Raises:
        CameraError: no matrix has a name that is known, or it is no camera's.
    """
    where = asked.where
    plain = {key.lower().replace("_", ""): (key, value) for key, value in entries.items()}
    name = next((n for n in _MATRIX_NAMES if n in plain and _is_matrix(plain[n][1])), None)
    if name is None:
        matrices = [key for key, value in entries.items() if _is_matrix(value)]
        raise CameraError(
            f"{where}: no matrix is called camera_matrix, cameraMatrix, K or M1 (found {listed(matrices)})"
        )
    is_first_of_two = name.endswith("1")
    names = _FIRST_DISTORTION_NAMES if is_first_of_two else _DISTORTION_NAMES
    coefficients: list[float] = next((numbers(plain[n][1], plain[n][0], where) for n in names if n in plain), [])
    flag = plain.get("fisheyemodel")
    is_fisheye = flag is not None and number(flag[1], flag[0], where) != 0
    return FileCamera(
        *pinhole(plain[name][1], plain[name][0], where),
        pixel_centre=0.0,
        size=_size(plain, where),
        words="OpenCV" + (f", {plain[name][0]}: the first camera of a pair" if is_first_of_two else ""),
        distortion=fisheye(coefficients, where) if is_fisheye else brown_conrady(coefficients, where),
        fisheye=is_fisheye,
    )


def _is_matrix(value: Any) -> bool:
    return isinstance(value, dict) and {"rows", "cols", "data"} <= set(value)


def _size(plain: dict[str, tuple[str, Any]], where: str) -> tuple[int, int] | None:
    for pair in _SIZE_NAMES:
        if all(name in plain for name in pair):
            keys = " and ".join(plain[name][0] for name in pair)
            return whole_size([number(plain[name][1], plain[name][0], where) for name in pair], keys, where)
    name = next((name for name in _SIZE_LISTS if name in plain), None)
    return None if name is None else whole_size(numbers(plain[name][1], plain[name][0], where), plain[name][0], where)
