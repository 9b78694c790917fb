"""What every camera file is made of: numbers, matrices, sizes, names of photos; and how what is wrong is said."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from depth3d.core.errors import CameraError

Entries = Mapping[str, Any]

_SKEW_TOLERANCE = 1e-6
_BROWN_LENGTHS = (4, 5, 8)
_FISHEYE_LENGTH = 4
_NAMES_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a file.

    Attributes:
        where: the file as messages name it.
        size: (width, height) of the upright photo in pixels.
        photo_name: the photo's file name, by which files with many cameras know it.
    """

    where: str
    size: tuple[int, int]
    photo_name: str = ""


@dataclass(frozen=True, slots=True)
class FileCamera:
    """A file's camera as written.

    Attributes:
        fx: focal length in pixels of width.
        fy: focal length in pixels of height.
        cx: principal point, in the file's own convention.
        cy: principal point, likewise.
        pixel_centre: where that convention puts the centre of the top-left pixel: 0 or 0.5.
        size: (width, height) of the pictures it is for, or None where the file does not say.
        words: the kind of file, for the user; nothing for our own.
        distortion: as in `Intrinsics`.
        fisheye: as in `Intrinsics`.
        focal_sigma: as in `Intrinsics`.
        as_stored: the file is known to speak of pixels as stored, before the photo was turned upright.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    pixel_centre: float
    size: tuple[int, int] | None
    words: str = ""
    distortion: tuple[float, ...] = ()
    fisheye: bool = False
    focal_sigma: float = 0.0
    as_stored: bool = False


def number(value: Any, key: str, where: str) -> float:
    """A finite number.

    Raises:
        CameraError: it is none.
    """
    try:
        found = float(value) if isinstance(value, str | float) else math.nan
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        shown = f"a {type(value).__name__}" if isinstance(value, list | dict) else repr(str(value)[:40])
        raise CameraError(f"{where}: {key} must be a finite number, got {shown}")
    return found


def numbers(value: Any, key: str, where: str) -> list[float]:
    """Numbers in a row: a list, a list of rows, OpenCV's and ROS's {rows, cols, data}, or text with blanks (XML).

    Raises:
        CameraError: something in it is no finite number.
    """
    if isinstance(value, Mapping):
        value = value.get("data", [])
    if isinstance(value, str):
        value = value.split()
    if not isinstance(value, list):
        value = [value]
    flat = [entry for row in value for entry in (row if isinstance(row, list) else [row])]
    return [number(entry, key, where) for entry in flat]


def pinhole(value: Any, key: str, where: str) -> tuple[float, float, float, float]:
    """Read fx, fy, cx, cy from a 3x3 matrix, by rows or by columns: told apart by where its 0 0 1 stands.

    Raises:
        CameraError: it is no such matrix, or its axes are not at right angles.
    """
    flat = numbers(value, key, where) if isinstance(value, list | Mapping) else []
    if len(flat) != 9:
        raise CameraError(f"{where}: {key} must be a matrix of 3x3 numbers")
    if flat[6:] != [0, 0, 1]:
        flat = [flat[3 * column + row] for row in range(3) for column in range(3)]
    fx, skew, cx, below, fy, cy, *last_row = flat
    if last_row != [0, 0, 1] or below != 0 or abs(skew) > _SKEW_TOLERANCE * abs(fx):
        raise CameraError(f"{where}: {key} must be [[fx, 0, cx], [0, fy, cy], [0, 0, 1]], got {flat}")
    return fx, fy, cx, cy


def picture_size(entries: Entries, names: tuple[str, str], where: str) -> tuple[int, int] | None:
    """The (width, height) under two names, or None where neither is there.

    Raises:
        CameraError: only one is there, or they are no sizes.
    """
    given = [name for name in names if name in entries]
    if not given:
        return None
    if len(given) == 1:
        raise CameraError(f"{where}: {given[0]} is there but not the other of {' and '.join(names)}; give both or none")
    return whole_size([number(entries[name], name, where) for name in names], " and ".join(names), where)


def whole_size(pair: Sequence[float], key: str, where: str) -> tuple[int, int]:
    """The (width, height) in whole pixels.

    Raises:
        CameraError: it is none.
    """
    if len(pair) != 2:
        raise CameraError(f"{where}: {key} must be width and height, got {len(pair)} numbers")
    width, height = pair
    if not (width.is_integer() and height.is_integer() and width >= 1 and height >= 1):
        raise CameraError(f"{where}: {key} must be whole numbers of pixels, got {width:g} x {height:g}")
    return int(width), int(height)


def brown_conrady(coefficients: Sequence[float], where: str) -> tuple[float, ...]:
    """OpenCV's (k1, k2, p1, p2[, k3[, k4, k5, k6]]) from as many as the file has; nothing if all are 0.

    Raises:
        CameraError: there are thin-prism or tilt coefficients, which few lenses need.
    """
    used = list(coefficients)
    while used and used[-1] == 0:
        used.pop()
    if not used:
        return ()
    if len(used) > _BROWN_LENGTHS[-1]:
        raise CameraError(
            f"{where}: {len(used)} distortion coefficients; those beyond k6 (thin prism, tilted sensor) are not known"
            " here, calibrate without them"
        )
    length = next(length for length in _BROWN_LENGTHS if length >= len(used))
    return (*used, *(0.0,) * (length - len(used)))


def fisheye(coefficients: Sequence[float], where: str) -> tuple[float, ...]:
    """A fisheye's (k1, k2, k3, k4) from four or fewer.

    Raises:
        CameraError: there are more.
    """
    if len(coefficients) > _FISHEYE_LENGTH:
        raise CameraError(f"{where}: a fisheye has 4 distortion coefficients, got {len(coefficients)}")
    return (*coefficients, *(0.0,) * (_FISHEYE_LENGTH - len(coefficients)))


def places_of_photo(names: Sequence[str], photo_name: str) -> list[int]:
    """Which of a file's pictures the photo is, whatever folder they are in: by name, else by name without suffix.

    >>> places_of_photo(["images/a.jpg", "b.jpg", "old/a.png"], "a.jpg")
    [0]
    >>> places_of_photo(["./train/r_0", "./train/r_1"], "r_1.png")
    [1]
    """
    paths = [PurePosixPath(name.replace("\\", "/")) for name in names]
    photo = PurePosixPath(photo_name)
    same_name = [i for i, path in enumerate(paths) if path.name == photo.name]
    return same_name or [i for i, path in enumerate(paths) if photo.stem in (path.name, path.stem)]


def listed(names: Sequence[str]) -> str:
    """A few names for a message."""
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return (", ".join(names[:_NAMES_SHOWN]) or "none") + more
