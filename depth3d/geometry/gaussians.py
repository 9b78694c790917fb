"""Gaussian splats: each known pixel as a small flat ellipse on its surface."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import Unit, check_unit
from depth3d.core.errors import GeometryError
from depth3d.core.point_map import PointMap, grid_normals, unproject
from depth3d.core.rgbd import RGBD
from depth3d.core.short_repr import short_repr
from depth3d.geometry.point_cloud import check_vertices, known_rows

_SIGMA_PER_PIXEL = 0.6  # neighbours then cover the gap between four of them to more than nine tenths
_THINNESS = 0.1
_OPACITY = 0.99
_LEAST_COSINE = 0.15  # a surface seen at a flatter angle is not stretched any further


@dataclass(frozen=True, slots=True, eq=False)
class Gaussians:
    """Three-dimensional Gaussians, in camera axes (x right, y down, z forward).

    Attributes:
        xyz: (N, 3) float32 centres, finite.
        rgb: (N, 3) uint8, sRGB.
        directions: (N, 2, 3) float32, the directions of the first two principal axes, of unit length and perpendicular.
        sigma: (N, 3) float32, one standard deviation along the first, the second and the third axis, positive.
        opacity: of the centres, between 0 and 1; one for all, or (N,) float32.
        unit: of every length, "m" or "arbitrary".

    Raises:
        GeometryError: no splat, one that is not finite, or arrays of different lengths.
    """

    xyz: NDArray[np.float32]
    rgb: NDArray[np.uint8]
    directions: NDArray[np.float32]
    sigma: NDArray[np.float32]
    opacity: float | NDArray[np.float32] = _OPACITY
    unit: Unit = field(kw_only=True)

    __repr__ = short_repr

    def __post_init__(self) -> None:
        check_unit(self.unit)
        check_vertices(self.xyz, self.rgb, self.directions, self.sigma)
        if not (np.isfinite(self.sigma).all() and np.isfinite(self.directions).all() and self.sigma.min() > 0):
            raise GeometryError("geometry: a splat has no proper size")
        if np.ndim(self.opacity):
            check_vertices(self.xyz, np.asarray(self.opacity))
        if not (np.min(self.opacity) > 0 and np.max(self.opacity) < 1):
            raise GeometryError("geometry: the opacity of a splat must lie between 0 and 1")

    @property
    def opacities(self) -> NDArray[np.float32]:
        """(N,) the opacity of each."""
        return np.broadcast_to(np.asarray(self.opacity, np.float32), len(self.xyz))


def to_gaussians(rgbd: RGBD, *, max_points: int | None = None) -> Gaussians:
    """Lay an ellipse on the surface at each pixel of known depth, in colours that draw the photo.

    See `gaussians_of_points` and `fit_colours`.

    Args:
        rgbd: photo, depth and camera, its lens distortion undone.
        max_points: take at most so many pixels, evenly spread over the picture; None takes all.

    Raises:
        CameraError: the camera's distortion has not been undone.
        GeometryError: no depth is known.
        UsageError: `max_points` is not positive.
    """
    from depth3d.geometry.splat_colours import fit_colours  # it needs this module's splats

    points = unproject(rgbd.depth, rgbd.camera, max_points=max_points)
    splats = gaussians_of_points(points, rgbd.rgb, rgbd.camera)
    return fit_colours(splats, rgbd.rgb, rgbd.camera, where=np.isfinite(rgbd.depth.z))


def gaussians_of_points(
    points: PointMap,
    rgb: NDArray[np.uint8],
    camera: Intrinsics,
    *,
    where: NDArray[np.bool_] | None = None,
    opacity: NDArray[np.float32] | None = None,
) -> Gaussians:
    """Lay an ellipse on the surface at each known point, which the camera sees as a round spot of about a pixel.

    Its axes are those in which a step of one pixel moves on the tangent plane; flat angles are limited. (Kerbl et al.,
    3D Gaussian Splatting, 2023, fit such ellipses to many photos; from one photo they follow from the geometry.)

    Args:
        points: points on the pixel grid.
        rgb: (H, W, 3) uint8 photo of the size the depth had.
        camera: the camera that the points were unprojected with.
        where: (H, W) the points of the grid that are wanted; None for all.
        opacity: (H, W) share of a solid splat's opacity; None for 1.

    Raises:
        GeometryError: no depth is known, or the photo has another size.
    """
    known = points.known if where is None else points.known & where
    xyz = known_rows(points.xyz, known)
    if len(xyz) == 0:
        raise GeometryError("geometry: no point is left; every depth is unknown or was cut away")
    along_u, along_v = _pixel_steps(xyz, known_rows(grid_normals(points), known), points, camera)
    first, second = _principal_axes(along_u, along_v)
    lengths = [np.linalg.norm(axis, axis=1) for axis in (first, second)]
    sigma = np.stack([*lengths, np.minimum(*lengths) * _THINNESS], axis=1) * _SIGMA_PER_PIXEL
    directions = np.stack([first / lengths[0][:, None], second / lengths[1][:, None]], axis=1)
    colours = known_rows(np.ascontiguousarray(points.colours(rgb)), known)
    share = _OPACITY if opacity is None else (opacity[known] * np.float32(_OPACITY)).astype(np.float32)
    return Gaussians(xyz, colours, directions.astype(np.float32), sigma.astype(np.float32), share, unit=points.unit)


def _pixel_steps(
    xyz: NDArray[np.float32], normals: NDArray[np.float32], points: PointMap, camera: Intrinsics
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How far a step of one grid cell to the right and one down moves on the tangent plane, both (N, 3).

    The ray r (z = 1) through pixel u moves by du = (1/f, 0, 0); the plane n . (z r) = const makes z change with it:
    d(z r) = z (du - r (n . du) / (n . r)).
    """
    width, height = points.photo_size
    step_u = width / len(points.columns) / camera.fx
    step_v = height / len(points.rows) / camera.fy
    z = xyz[:, 2:]
    ray = xyz / z
    facing = -np.einsum("ij,ij->i", normals, ray)[:, None]
    facing = np.maximum(facing, _LEAST_COSINE * np.linalg.norm(ray, axis=1, keepdims=True))
    right, down = np.eye(3, dtype=np.float32)[:2]
    along_u = z * np.float32(step_u) * (right + ray * (normals[:, :1] / facing))
    along_v = z * np.float32(step_v) * (down + ray * (normals[:, 1:2] / facing))
    return along_u, along_v


def _principal_axes(a: NDArray[np.float32], b: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The half axes of the ellipses a cos t + b sin t: perpendicular, with the same sum of outer products."""
    aa, bb, ab = (np.einsum("ij,ij->i", p, q) for p, q in ((a, a), (b, b), (a, b)))
    angle = (np.arctan2(2 * ab, aa - bb) / 2)[:, None]
    cosine, sine = np.cos(angle), np.sin(angle)
    return a * cosine + b * sine, b * cosine - a * sine
