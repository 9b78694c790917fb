"""Camera source: a plain file, the kind that people and this program write themselves.

It holds `fx`, `fy`, `cx`, `cy`, or the matrix `K` (or `camera_matrix`): three rows of three, or nine numbers in a row;
or the file is nothing but such a matrix. `width` and `height` say for which picture size the numbers hold; without them
it is the photo's. Pixel centres are OpenCV's, at integers, unless the file says `pixel_centre: 0.5`, as those that this
program writes do (`depth3d.io.cameras.camera_json`). `distortion` lists OpenCV's coefficients k1, k2, p1, p2, k3...; or
they stand by their names; `lens: opencv_fisheye` makes them a fisheye's k1, k2, k3, k4. `focal_sigma` says how sure the
focal length is, one standard deviation as a share of it; without it the file is taken at its word.
"""

from __future__ import annotations

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

_MATRIX_KEYS = ("K", "camera_matrix", "cameraMatrix")
_NUMBER_KEYS = ("fx", "fy", "cx", "cy")
_CENTRE_KEYS = ("pixel_centre", "pixel_center")
_LIST_KEYS = ("distortion", "distortion_coefficients", "dist_coeffs")
_BROWN_NAMES = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")
_FISHEYE_NAMES = ("k1", "k2", "k3", "k4")
_LENSES = ("ideal", "opencv", "opencv_fisheye")


def camera_from_plain_file(entries: Entries, asked: Asked) -> FileCamera:
    """The camera of a plain file.

    Raises:
        CameraError: a number is missing or cannot be.
    """
    fx, fy, cx, cy = _numbers(entries, asked.where)
    is_fisheye = _lens(entries, asked.where) == "opencv_fisheye"
    coefficients = _coefficients(entries, _FISHEYE_NAMES if is_fisheye else _BROWN_NAMES, asked.where)
    return FileCamera(
        *(fx, fy, cx, cy),
        # OpenCV's convention is what most people's numbers come in; the file may say otherwise.
        pixel_centre=_pixel_centre(entries, asked.where),
        size=picture_size(entries, ("width", "height"), asked.where),
        distortion=fisheye(coefficients, asked.where) if is_fisheye else brown_conrady(coefficients, asked.where),
        fisheye=is_fisheye,
        focal_sigma=_focal_sigma(entries, asked.where),
    )


def _numbers(entries: Entries, where: str) -> tuple[float, float, float, float]:
    matrix_key = next((key for key in _MATRIX_KEYS if key in entries), None)
    if matrix_key is not None:
        if any(key in entries for key in _NUMBER_KEYS):
            raise CameraError(f"{where}: give either {matrix_key} or fx, fy, cx and cy, not both")
        return pinhole(entries[matrix_key], matrix_key, where)
    missing = [key for key in _NUMBER_KEYS if key not in entries]
    if missing:
        found = ", ".join(sorted(entries))[:120]
        raise CameraError(f"{where}: {', '.join(missing)} missing (found {found}); expected K, or fx, fy, cx and cy")
    fx, fy, cx, cy = (number(entries[key], key, where) for key in _NUMBER_KEYS)
    return fx, fy, cx, cy


def _pixel_centre(entries: Entries, where: str) -> float:
    given = {key: number(entries[key], key, where) for key in _CENTRE_KEYS if key in entries}
    for key, value in given.items():
        if value not in {0, 0.5}:
            raise CameraError(f"{where}: {key} is 0 (at integers, as OpenCV) or 0.5 (as COLMAP), got {value:g}")
    return 0.5 if 0.5 in given.values() else 0.0


def _lens(entries: Entries, where: str) -> str:
    lens = entries.get("lens", "opencv")
    if lens not in _LENSES:
        raise CameraError(f"{where}: lens is {', '.join(_LENSES[:-1])} or {_LENSES[-1]}, got {str(lens)[:40]!r}")
    return str(lens)


def _focal_sigma(entries: Entries, where: str) -> float:
    sigma = number(entries.get("focal_sigma", 0.0), "focal_sigma", where)
    if not 0 <= sigma < 1:
        raise CameraError(f"{where}: focal_sigma is a share of the focal length from 0 to 1, got {sigma:g}")
    return sigma


def _coefficients(entries: Entries, names: tuple[str, ...], where: str) -> list[float]:
    lists = [key for key in _LIST_KEYS if key in entries]
    named = [name for name in _BROWN_NAMES if name in entries]
    for name in named:
        if number(entries[name], name, where) != 0 and (lists and any(numbers(entries[lists[0]], lists[0], where))):
            raise CameraError(f"{where}: give the distortion either as {lists[0]} or as {name}, not both")
        if name not in names:
            raise CameraError(f"{where}: a fisheye has no {name}, only {', '.join(names)}")
    listed = next((found for key in lists if any(found := numbers(entries[key], key, where))), [])
    return listed or [number(entries.get(name, 0.0), name, where) for name in names]
