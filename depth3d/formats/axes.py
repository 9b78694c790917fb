"""From the camera's axes to the axes of a file; the only place that turns geometry."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.errors import UsageError

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
    result = np.array(vectors if order == (0, 1, 2) else vectors[..., order], np.float32)
    for axis, sign in enumerate(signs):
        if sign < 0:  # 0 - v has no negative zero, and column by column is the fastest way in numpy
            np.subtract(0, result[..., axis], out=result[..., axis])
    return result


def wound(faces: NDArray[np.integer[Any]], axes: str) -> NDArray[np.integer[Any]]:
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


def check_axes(axes: str) -> None:
    """Raise UsageError unless `axes` names a known convention."""
    if axes not in _CONVENTIONS:
        raise UsageError(f"axes {axes!r} are not known; use one of {', '.join(AXES)}")


def _signs_and_order(axes: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    check_axes(axes)
    names = _CONVENTIONS[axes][0]
    return tuple(-1 if name[0] == "-" else 1 for name in names), tuple("xyz".index(name[1]) for name in names)
