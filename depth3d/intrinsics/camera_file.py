"""Camera source: a JSON or YAML file with the camera's numbers.

The file holds `fx`, `fy`, `cx`, `cy`, or the matrix `K` (or `camera_matrix`, `intrinsic_matrix`): three rows of three,
or nine numbers by rows or, as Open3D writes them, by columns, told apart by where their 0 0 1 stands; or the file is
nothing but such a matrix. `width` and `height` say for which picture size the numbers hold; without them it is the
photo's. Pixel centres are OpenCV's, at integers, unless the file says `pixel_centre: 0.5`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from depth3d.aspect import same_aspect
from depth3d.camera import Intrinsics
from depth3d.errors import CameraError
from depth3d.input_files import open_regular_file, shown
from depth3d.intrinsics.film import film_mm_from_focal_px, is_plausible_film_mm

_MATRIX_KEYS = ("K", "camera_matrix", "intrinsic_matrix")
_NUMBER_KEYS = ("fx", "fy", "cx", "cy")
_CENTRE_KEYS = ("pixel_centre", "pixel_center")
_DISTORTION_KEYS = ("distortion", "distortion_coefficients", "dist_coeffs", *(f"k{i}" for i in range(1, 7)), "p1", "p2")
_LARGEST_FILE_BYTES = 1_000_000
_OFF_CENTRE = 0.1
_SKEW_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class _Numbers:
    """A file's camera as written."""

    fx: float
    fy: float
    cx: float
    cy: float


def read_camera_file(path: Path, size: tuple[int, int]) -> Intrinsics:
    """The camera of an upright photo of (width, height) pixels from a .json, .yaml or .yml file.

    A camera of another picture size is resized with every ray kept, if the aspect ratio is the photo's.

    Raises:
        CameraError: the file cannot be read, lacks a key (which is named), holds what no camera can have, or is of a
            picture with another aspect ratio.
    """
    path = Path(path)
    where = shown(path)
    entries = _entries(_parsed(path, where), where)
    _refuse_distortion(entries, where)
    numbers = _numbers(entries, where)
    own_size = _own_size(entries, where)
    _check_plausible(numbers, own_size or size, where, size_is_stated=own_size is not None)
    build = Intrinsics if _has_half_centres(entries, where) else Intrinsics.from_integer_centres
    camera = build(*(own_size or size), numbers.fx, numbers.fy, numbers.cx, numbers.cy)
    return _fitted(replace(camera, source=f"camera file {path.name}"), size, where)


def _parsed(path: Path, where: str) -> Any:
    suffix = path.suffix.lower()
    if suffix not in {".json", ".yaml", ".yml"}:
        raise CameraError(f"{where}: a camera file ends in .json, .yaml or .yml")
    with open_regular_file(path, CameraError) as file:
        content = file.read(_LARGEST_FILE_BYTES + 1)
    if len(content) > _LARGEST_FILE_BYTES:
        raise CameraError(f"{where}: larger than a megabyte, not a camera file")
    try:
        text = content.decode("utf-8-sig")
        return json.loads(text, parse_int=float) if suffix == ".json" else _parsed_yaml(text)
    except ValueError as problem:
        raise CameraError(f"{where}: not valid {suffix[1:].upper()}: {' '.join(str(problem).split())}") from None
    except RecursionError:
        raise CameraError(f"{where}: nested too deeply for a camera file") from None


def _parsed_yaml(text: str) -> Any:
    """The document with every scalar as text: YAML's own idea of numbers reads 1e3 as text and 1:30 as ninety."""
    import yaml

    try:
        return yaml.load(text, Loader=yaml.BaseLoader)  # builds lists, dictionaries and text, and nothing else
    except yaml.YAMLError as problem:
        raise ValueError(str(problem)) from None


def _entries(document: Any, where: str) -> Mapping[str, Any]:
    if isinstance(document, list):
        return {"K": document}
    if isinstance(document, dict) and document:
        return {str(key): value for key, value in document.items()}
    raise CameraError(f"{where}: holds no camera; expected K, or fx, fy, cx and cy")


def _refuse_distortion(entries: Mapping[str, Any], where: str) -> None:
    for key in [key for key in _DISTORTION_KEYS if key in entries]:
        value = entries[key]
        coefficients = value if isinstance(value, list) else [value]
        if any(_number(coefficient, key, where) != 0 for coefficient in coefficients):
            raise CameraError(f"{where}: {key} says that the lens distorts; undistort the photo and leave {key} out")


def _numbers(entries: Mapping[str, Any], where: str) -> _Numbers:
    matrix_key = next((key for key in _MATRIX_KEYS if key in entries), None)
    if matrix_key is not None:
        if any(key in entries for key in _NUMBER_KEYS):
            raise CameraError(f"{where}: give either {matrix_key} or fx, fy, cx and cy, not both")
        return _numbers_of_matrix(entries[matrix_key], matrix_key, where)
    missing = [key for key in _NUMBER_KEYS if key not in entries]
    if missing:
        found = ", ".join(sorted(entries))[:120]
        raise CameraError(f"{where}: {', '.join(missing)} missing (found {found}); expected K, or fx, fy, cx and cy")
    return _Numbers(*(_number(entries[key], key, where) for key in _NUMBER_KEYS))


def _numbers_of_matrix(value: Any, key: str, where: str) -> _Numbers:
    """From three rows of three; or from nine in a row, which Open3D writes by columns."""
    rows = value if isinstance(value, list) else []
    if len(rows) == 3 and all(isinstance(row, list) and len(row) == 3 for row in rows):
        flat = [_number(entry, key, where) for row in rows for entry in row]
    elif len(rows) == 9:
        flat = [_number(entry, key, where) for entry in rows]
        if flat[6:] != [0, 0, 1]:
            flat = [flat[3 * column + row] for row in range(3) for column in range(3)]
    else:
        raise CameraError(f"{where}: {key} must be a matrix of 3x3 numbers")
    fx, skew, cx, below, fy, cy, *last_row = flat
    if last_row != [0, 0, 1] or below != 0 or abs(skew) > _SKEW_TOLERANCE * abs(fx):
        raise CameraError(f"{where}: {key} must be [[fx, 0, cx], [0, fy, cy], [0, 0, 1]], got {flat}")
    return _Numbers(fx, fy, cx, cy)


def _own_size(entries: Mapping[str, Any], where: str) -> tuple[int, int] | None:
    given = [key for key in ("width", "height") if key in entries]
    if not given:
        return None
    if len(given) == 1:
        raise CameraError(f"{where}: {given[0]} is there but not the other of width and height; give both or none")
    width, height = (_number(entries[key], key, where) for key in given)
    if not (width.is_integer() and height.is_integer() and width >= 1 and height >= 1):
        raise CameraError(f"{where}: width and height must be whole numbers of pixels, got {width:g} x {height:g}")
    return int(width), int(height)


def _has_half_centres(entries: Mapping[str, Any], where: str) -> bool:
    """Whether the file counts pixel centres at +0.5, as this program and COLMAP do, and not at integers."""
    given = {key: _number(entries[key], key, where) for key in _CENTRE_KEYS if key in entries}
    for key, value in given.items():
        if value not in {0, 0.5}:
            raise CameraError(f"{where}: {key} is 0 (at integers, as OpenCV) or 0.5 (as COLMAP), got {value:g}")
    return 0.5 in given.values()


def _number(value: Any, key: str, where: str) -> float:
    try:
        number = float(value) if isinstance(value, str | float) else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise CameraError(f"{where}: {key} must be a finite number, got {str(value)[:40]!r}")
    return number


def _check_plausible(numbers: _Numbers, size: tuple[int, int], where: str, *, size_is_stated: bool) -> None:
    width, height = size
    for key, focal_px in (("fx", numbers.fx), ("fy", numbers.fy)):
        if not is_plausible_film_mm(film_mm_from_focal_px(focal_px, size)):
            raise CameraError(
                f"{where}: {key} = {focal_px:g} cannot be for a picture of {width}x{height};"
                " focal lengths are in pixels, not millimetres or fractions"
            )
    tolerance, remedy = (1.5, "check it") if size_is_stated else (0.1, "add the width and height it belongs to")
    for key, centre, side in (("cx", numbers.cx, width), ("cy", numbers.cy, height)):
        if abs(centre / side - 0.5) > max(tolerance, 1 / side):
            raise CameraError(f"{where}: {key} = {centre:g} is far from the middle of {width}x{height}; {remedy}")


def _fitted(camera: Intrinsics, size: tuple[int, int], where: str) -> Intrinsics:
    if camera.size == size:
        return camera
    own, photo = f"{camera.width}x{camera.height}", f"{size[0]}x{size[1]}"
    if not same_aspect(camera.size, size):
        turned = same_aspect(camera.size, size[::-1])
        remedy = "give it for the photo turned upright" if turned else "they must have one aspect ratio"
        raise CameraError(f"{where}: the camera is of a picture of {own}, the photo is {photo}; {remedy}")
    return replace(camera.resized(*size), source=f"{camera.source}, resized from {own}")
