"""From the camera's axes to the axes of a file; the only place that turns geometry."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import UsageError
from depth3d.geometry.lazy_point_cloud import Cloud, PixelCloud
from depth3d.geometry.point_cloud import CloudPart

# Each axis of the file, said in the camera's x, y, z; and in words. Signs and places change and nothing else, so that
# no coordinate is rounded. All but unity's are rotations.
#   gltf     Khronos, glTF 2.0 specification, section 3.4
#   opencv   as COLMAP, and as the PLY files of 3D Gaussian splatting
#   blender  Blender manual: z up, a model's front looks along -y
#   ros      ROS REP 103: x forward, y left, z up
#   unity    Unity manual: left-handed, y up, z forward
#   z-up     surveying (LAS), CAD, most printers
_CONVENTIONS: dict[str, tuple[tuple[str, str, str], str]] = {
    "gltf": (("+x", "-y", "-z"), "x right, y up, z towards the viewer"),
    "opencv": (("+x", "+y", "+z"), "x right, y down, z forward"),
    "blender": (("+x", "+z", "-y"), "x right, y forward, z up"),
    "ros": (("+z", "-x", "-y"), "x forward, y left, z up"),
    "unity": (("+x", "-y", "+z"), "x right, y up, z forward (left-handed)"),
    "z-up": (("+x", "+z", "-y"), "x right, y forward, z up"),
}
AXES = tuple(_CONVENTIONS)
_ROWS = 1 << 14


def turned(vectors: NDArray[np.floating[Any]], axes: str) -> NDArray[np.float32]:
    """Points or directions in camera axes, turned into the axes of a file.

    Args:
        vectors: (..., 3) in camera axes (x right, y down, z forward).
        axes: a name of `AXES`, such as "gltf" (x right, y up, z towards the viewer) or "opencv" (camera axes).

    Returns:
        (..., 3) float32; exact, because only signs and places change.

    Raises:
        UsageError: `axes` names no known convention.

    >>> turned(np.array([1.0, 2.0, 3.0]), "gltf").tolist()
    [1.0, -2.0, -3.0]
    """
    signs, order = _signs_and_order(axes)
    if order != (0, 1, 2):
        vectors = np.stack([vectors[..., axis] for axis in order], axis=-1)
    # One long row of signs beside one long row of numbers is five times as fast as rows of three.
    flat = np.ascontiguousarray(vectors, np.float32).reshape(-1)
    result = np.empty_like(flat)
    for start in range(0, len(flat), 3 * _ROWS):
        part = slice(start, start + 3 * _ROWS)
        np.multiply(flat[part], _row_of_signs(signs)[: len(flat[part])], out=result[part])
        result[part] += 0  # no negative zeros
    return result.reshape(vectors.shape)


def turned_part(cloud: Cloud, span: slice, axes: str) -> CloudPart:
    """Some points of a cloud, and their normals, in the axes of a file.

    Args:
        cloud: points in camera axes.
        span: which, see `PointCloud.spans`.
        axes: a name of `AXES`.

    Raises:
        UsageError: `axes` names no known convention.
    """
    if isinstance(cloud, PixelCloud):  # points that do not exist yet need not be turned, only made differently
        return cloud.part(span, turn=matrix(axes))
    part = cloud.part(span)
    normals = None if part.normals is None else turned(part.normals, axes)
    return CloudPart(turned(part.xyz, axes), part.rgb, normals)


def wind_faces(faces: NDArray[np.integer[Any]], axes: str) -> NDArray[np.integer[Any]]:
    """Triangles with the winding that belongs to the axes of a file.

    Left-handed axes mirror space. There the second and third corner change places, so that (b - a) x (c - a), taken
    with the file's numbers, still is the side that looks at the camera: Unity's front, which is clockwise on its
    screen.

    Args:
        faces: (M, 3) vertex indices, counter-clockwise as seen from the camera.
        axes: a name of `AXES`.

    Raises:
        UsageError: `axes` names no known convention.
    """
    return faces[:, [0, 2, 1]] if is_mirrored(axes) else faces


def is_mirrored(axes: str) -> bool:
    """Whether the axes are left-handed, so that turning into them mirrors.

    >>> [name for name in AXES if is_mirrored(name)]
    ['unity']
    """
    return bool(np.linalg.det(matrix(axes)) < 0)


def matrix(axes: str) -> NDArray[np.float64]:
    """The (3, 3) matrix that takes camera coordinates, as columns, to the file's."""
    signs, order = _signs_and_order(axes)
    return np.eye(3)[list(order)] * np.array(signs, np.float64)[:, None]


def axes_in_words(axes: str) -> str:
    """What the three axes mean, such as "x right, y up, z towards the viewer"."""
    check_axes(axes)
    return _CONVENTIONS[axes][1]


def blender_import(axes: str) -> str:
    """What to choose in Blender's importers, which turn files themselves, so that up is up.

    >>> blender_import("gltf")
    'Forward -Z, Up Y'
    """
    rows = matrix(axes)  # of the camera's axes, y points down and z forward
    forward, up = rows @ (0, 0, 1), rows @ (0, -1, 0)
    return f"Forward {_axis_name(forward)}, Up {_axis_name(up)}"


def _axis_name(direction: NDArray[np.float64]) -> str:
    axis = int(np.abs(direction).argmax())
    return f"{'-' if direction[axis] < 0 else ''}{'XYZ'[axis]}"


def axes_of_words(words: str) -> str | None:
    """The first convention with these words, as files of ours have them; None where there is none.

    >>> axes_of_words("x right, y down, z forward")
    'opencv'
    """
    return next((name for name, (_, said) in _CONVENTIONS.items() if said == words), None)


def check_axes(axes: str) -> None:
    """Raise UsageError unless `axes` names a known convention."""
    if axes not in _CONVENTIONS:
        raise UsageError(f"axes {axes!r} are not known; use one of {', '.join(AXES)}")


@cache
def _row_of_signs(signs: tuple[int, ...]) -> NDArray[np.float32]:
    return np.tile(np.array(signs, np.float32), _ROWS)


@cache
def _signs_and_order(axes: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    check_axes(axes)
    names = _CONVENTIONS[axes][0]
    return tuple(-1 if name[0] == "-" else 1 for name in names), tuple("xyz".index(name[1]) for name in names)
