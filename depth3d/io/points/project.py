"""Points in space, in the axes of the photo's camera, seen through that camera.

Of several points behind one pixel the nearest is kept: it hides the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, project
from depth3d.core.errors import HintError
from depth3d.io.geometry.axes import axes_of_words, matrix
from depth3d.io.open_input import shown
from depth3d.io.points.pixel_depths import DEFAULT_RELATIVE_SIGMA, PixelDepths

_REMEDY = "points must be in the camera's axes (x right, y down, z forward, or those of the option axes) and in metres"


def seen_points(
    parts: Iterable[NDArray[np.float64]], camera: Intrinsics, *, units_per_metre: float, axes: str, name: str
) -> PixelDepths:
    """The points that the camera sees.

    Args:
        parts: (N, 3) float64 each, in the file's axes and units; only one of them stands in memory at a time.
        camera: of the photo.
        units_per_metre: the file's units per metre.
        axes: a name of `depth3d.io.geometry.axes.AXES`, such as "opencv" (x right, y down, z forward).
        name: of the file.

    Raises:
        UsageError: unknown axes.
    """
    file_from_cam = matrix(axes)
    total = 0
    seen = np.zeros((0, 3))
    for part in parts:
        total += len(part)
        with np.errstate(all="ignore"):  # what overflows lies outside the picture
            seen = np.concatenate([seen, _in_picture(part @ file_from_cam / units_per_metre, camera)])
        seen = seen[_nearest_per_pixel(seen, camera)]
    u, v, metres = seen.T
    source = f"{name} (axes {axes}, {total:,} points in space)"
    return PixelDepths(u, v, metres, np.full(len(metres), DEFAULT_RELATIVE_SIGMA), source, _REMEDY)


def stated_axes(said: Mapping[str, str], path: Path, *, axes: str | None, units_per_metre: float | None) -> str:
    """The axes that the user or else a file of ours states; "opencv" where nobody does.

    Raises:
        HintError: the file states that its unit is arbitrary, and the user does not know better.
    """
    if said.get("unit", "metre") not in {"metre", "m"} and units_per_metre is None:
        raise HintError(
            f"{shown(path)}: its header says that its unit is {said['unit'][:40]!r}, not metres;"
            " give the units per metre"
        )
    return axes or axes_of_words(said.get("axes", "")) or "opencv"


def _in_picture(xyz: NDArray[np.float64], camera: Intrinsics) -> NDArray[np.float64]:
    """(N, 3) of u, v (pixel centres at +0.5) and z, of the points before the camera and inside its picture."""
    xyz = xyz[np.isfinite(xyz).all(axis=1) & (xyz[:, 2] > 0)]
    uv = project(xyz, camera)
    inside = ((uv >= 0) & (uv < camera.size)).all(axis=1)
    return np.concatenate([uv[inside], xyz[inside, 2:]], axis=1)


def _nearest_per_pixel(seen: NDArray[np.float64], camera: Intrinsics) -> NDArray[np.intp]:
    """Which rows of u, v, z to keep, in their order."""
    pixel = seen[:, 1].astype(np.int64) * camera.width + seen[:, 0].astype(np.int64)
    order = np.lexsort((seen[:, 2], pixel))
    first = np.ones(len(order), bool)
    first[1:] = np.diff(pixel[order]) > 0
    return np.sort(order[first])
