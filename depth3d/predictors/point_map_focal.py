"""The camera and the depth of a point map whose depth is known up to a shift (Wang et al., MoGe, arXiv 2410.19115)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.errors import DepthMapError

_GRID = 96
_FEWEST_POINTS = 16
_NEAREST_SHARE = 0.999


@dataclass(frozen=True, slots=True)
class FocalAndShift:
    """What makes a point map fit a pinhole camera.

    Attributes:
        focal_px: focal length in pixels of the photo.
        shift: what is added to z, in the units of the points.
        error_px: root mean square distance between the points' pixels and where they are seen.
    """

    focal_px: float
    shift: float
    error_px: float


def recover_focal(points: NDArray[np.float32], known: NDArray[np.bool_], size: tuple[int, int]) -> FocalAndShift:
    """Find f and t so that f x / (z + t) and f y / (z + t) are the pixels, seen from the photo's middle.

    For a given t the best f follows in closed form (Golub and Pereyra, variable projection, 1973), so that one unknown
    is left for least squares.

    Args:
        points: (h, w, 3) float32 in camera axes; they show the whole photo.
        known: (h, w) bool, which of them count.
        size: (width, height) of the photo.

    Raises:
        DepthMapError: too few points are known, or no camera sees them so.
    """
    width, height = size
    return _solve(points, known, size, (width / 2, height / 2), None)


def recover_shift(points: NDArray[np.float32], known: NDArray[np.bool_], camera: Intrinsics) -> FocalAndShift:
    """The same where the camera is known, so that only t is looked for."""
    return _solve(points, known, camera.size, (camera.cx, camera.cy), (camera.fx, camera.fy))


def _solve(
    points: NDArray[np.float32],
    known: NDArray[np.bool_],
    size: tuple[int, int],
    centre: tuple[float, float],
    focal: tuple[float, float] | None,
) -> FocalAndShift:
    from scipy.optimize import least_squares

    xyz, uv = _sample(points, known, size)
    uv -= centre
    nearest = float(xyz[:, 2].min())
    unit = float(np.median(np.abs(xyz[:, 2]))) or 1.0
    # z + t must stay positive: the unknown is how much the nearest point is moved, from just before the camera on.
    lowest = (-_NEAREST_SHARE * nearest if nearest > 0 else -nearest + 1e-3 * unit) / unit

    def seen(shift: float) -> tuple[NDArray[np.float64], float]:
        plane = xyz[:, :2] / (xyz[:, 2:] + shift * unit)
        if focal is not None:
            return plane * focal - uv, focal[0]
        f_px = float((plane * uv).sum() / (plane * plane).sum())
        return f_px * plane - uv, f_px

    found = least_squares(
        lambda shift: seen(float(shift[0]))[0].ravel(),
        [max(0.0, lowest + 1e-3)],
        bounds=([lowest], [np.inf]),
        xtol=1e-14,
        ftol=1e-14,
        gtol=1e-14,
        x_scale="jac",
    )
    errors, f_px = seen(float(found.x[0]))
    if not (np.isfinite(f_px) and f_px > 0):
        raise DepthMapError("the network's points are seen by no camera: their focal length comes out negative")
    return FocalAndShift(f_px, float(found.x[0]) * unit, float(np.sqrt(np.mean((errors**2).sum(axis=1)))))


def _sample(
    points: NDArray[np.float32], known: NDArray[np.bool_], size: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N, 3) known points, evenly spread, and (N, 2) where in the photo they are seen."""
    h, w = known.shape
    rows = np.unique(np.linspace(0, h - 1, min(h, _GRID)).astype(int))
    columns = np.unique(np.linspace(0, w - 1, min(w, _GRID)).astype(int))
    kept = known[np.ix_(rows, columns)]
    if kept.sum() < _FEWEST_POINTS:
        raise DepthMapError(f"the network tells {int(kept.sum())} points of the photo, too few to find the camera")
    xyz = points[np.ix_(rows, columns)][kept].astype(np.float64)
    u, v = np.meshgrid((columns + 0.5) * (size[0] / w), (rows + 0.5) * (size[1] / h))
    return xyz, np.stack([u[kept], v[kept]], axis=1)
