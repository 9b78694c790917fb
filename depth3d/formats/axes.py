"""From the camera's axes to the axes of a file; the only place that turns geometry."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.errors import UsageError

# Each axis of the file, said in the camera's x, y, z; and in words. All are rotations by right angles, never mirrors,
# so that triangles keep their winding and no coordinate is rounded.
_CONVENTIONS: dict[str, tuple[tuple[str, str, str], str]] = {
    "gltf": (("+x", "-y", "-z"), "x right, y up, z towards the viewer"),
    "opencv": (("+x", "+y", "+z"), "x right, y down, z forward"),
}
AXES = tuple(_CONVENTIONS)


def turned(vectors: NDArray[np.floating[Any]], axes: str) -> NDArray[np.float32]:
    """Points or directions in camera axes, turned into the axes of a file.

    Args:
        vectors: (..., 3) in camera axes (x right, y down, z forward).
        axes: "gltf" (x right, y up, z towards the viewer) or "opencv" (camera axes).

    Returns:
        (..., 3) float32; exact, because only signs and places change.

    Raises:
        UsageError: `axes` names no known convention.

    >>> turned(np.array([1.0, 2.0, 3.0]), "gltf").tolist()
    [1.0, -2.0, -3.0]
    """
    check_axes(axes)
    signs, order = zip(*((name[0], "xyz".index(name[1])) for name in _CONVENTIONS[axes][0]), strict=True)
    result = np.array(vectors if order == (0, 1, 2) else vectors[..., order], np.float32)
    for axis, sign in enumerate(signs):
        if sign == "-":  # 0 - v has no negative zero, and column by column is the fastest way in numpy
            np.subtract(0, result[..., axis], out=result[..., axis])
    return result


def axes_in_words(axes: str) -> str:
    """What the three axes mean, such as "x right, y up, z towards the viewer"."""
    check_axes(axes)
    return _CONVENTIONS[axes][1]


def check_axes(axes: str) -> None:
    """Raise UsageError unless `axes` names a known convention."""
    if axes not in _CONVENTIONS:
        raise UsageError(f"axes {axes!r} are not known; use one of {', '.join(AXES)}")
