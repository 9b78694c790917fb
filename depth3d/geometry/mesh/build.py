"""From points on the pixel grid to a mesh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import GeometryError
from depth3d.core.point_map import PointMap, unproject
from depth3d.core.rgbd import RGBD
from depth3d.geometry.mesh.decimate import collapse
from depth3d.geometry.mesh.discontinuities import CutGrid, cut_grid
from depth3d.geometry.mesh.error_bounds import Surface, sideways_shift_px
from depth3d.geometry.mesh.mesh import Mesh, Meshing
from depth3d.geometry.mesh.normals import vertex_normals
from depth3d.geometry.mesh.right_triangulation import halve
from depth3d.geometry.mesh.settings import DEFAULT_MAX_ERROR_PX, MeshChoices, MeshSettings
from depth3d.geometry.mesh.working_mesh import renumbered

_RELAX = 1.25
_LARGEST_RELAXATION = 100.0


def to_mesh(rgbd: RGBD, *, max_points: int | None = None, **choices: Unpack[MeshChoices]) -> Mesh:
    """Make a mesh of a photo with depth: see `mesh_of_points`.

    Args:
        rgbd: photo, depth and camera, its lens distortion undone.
        max_points: take at most so many pixels, evenly spread over the picture; None takes all.
        choices: fields of `MeshSettings`.

    Raises:
        CameraError: the camera's distortion has not been undone.
        GeometryError: no triangle is left.
        UsageError: an option is out of range.
    """
    return mesh_of_points(unproject(rgbd.depth, rgbd.camera, max_points=max_points), rgbd.rgb, **choices)


def mesh_of_points(points: PointMap, rgb: NDArray[np.uint8], **choices: Unpack[MeshChoices]) -> Mesh:
    """Connect the points of the grid by triangles, except across depth edges, and leave out those that change little.

    Planes are linear in 1/z over the picture, so that flat parts become few large triangles and lose nothing. Each
    triangle keeps every pixel that it covers within `max_error_px`, as a camera sees it that is moved sideways by 10 %
    of the median depth: f * 0.1 * median(z) * |error of 1/z|. A texture is not shifted by more than that either (see
    `texture_shift`), and vertex colours keep the photo's within `max_colour_error`. Outlines at cuts and holes keep
    the pixels they had. The faces do not depend on the unit of length.

    Args:
        points: points on the pixel grid.
        rgb: (H, W, 3) uint8 photo of the size the depth had.
        choices: fields of `MeshSettings`.

    Raises:
        GeometryError: no triangle is left, or the photo has another size.
        UsageError: an option is out of range.
    """
    return _meshed(points, rgb, MeshSettings(**choices))


def _meshed(points: PointMap, rgb: NDArray[np.uint8], settings: MeshSettings) -> Mesh:
    colours = points.colours(rgb)
    cut_ratio, cut_angle_deg, max_faces = settings.cut_ratio, settings.cut_angle_deg, settings.max_faces
    grid = cut_grid(points, cut_ratio=cut_ratio, cut_angle_deg=cut_angle_deg)
    if grid.count == 0:
        raise GeometryError(
            f"mesh: no triangle is left of a {points.z.shape[1]}x{points.z.shape[0]} grid cut at ratio {cut_ratio:g} "
            f"and {cut_angle_deg:g} degrees; raise the ratio, lower the angle, or export a point cloud"
        )
    if settings.max_error_px is None and (max_faces is None or grid.count <= max_faces):
        light = _Light(grid.faces(), None)
    else:
        error_px = DEFAULT_MAX_ERROR_PX if settings.max_error_px is None else settings.max_error_px
        surface = _surface(points, None if settings.textured else colours, error_px, settings.max_colour_error)
        light = _lighten(grid, surface, error_px, max_faces)
    if max_faces is not None and len(light.faces) > max_faces:
        return _meshed(_every_second(points), rgb, settings)
    return _assembled(points, rgb, grid, light, settings)


def _assembled(points: PointMap, rgb: NDArray[np.uint8], grid: CutGrid, light: _Light, settings: MeshSettings) -> Mesh:
    used, renamed = renumbered(light.faces, points.z.size)
    faces = renamed.astype(np.uint32)
    xyz = points.xyz.reshape(-1, 3)[used]
    textured = settings.textured
    return Mesh(
        xyz=xyz,
        faces=faces,
        rgb=None if textured else points.colours(rgb).reshape(-1, 3)[used],
        normals=vertex_normals(xyz, faces) if settings.normals else None,
        uv=_texture_coordinates(points, used) if textured else None,
        texture=rgb if textured else None,
        meshing=Meshing(grid.count, grid.cut_by_ratio, grid.cut_by_angle, len(faces), light.error_px),
        unit=points.unit,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Light:
    """Faces as (M, 3) grid indices, and the error they keep to in pixels; None for the full grid."""

    faces: NDArray[np.int64]
    error_px: float | None


def _lighten(grid: CutGrid, surface: Surface, error_px: float, max_faces: int | None) -> _Light:
    halved = halve(surface, grid.whole)
    faces = collapse(np.concatenate([halved.faces, grid.faces(halved.cells)]), surface)
    factor = 1.0
    while max_faces is not None and len(faces) > max_faces and factor < _LARGEST_RELAXATION:
        factor *= _RELAX
        relaxed = surface.relaxed(factor, outline_px=error_px * factor)
        faces = collapse(faces, relaxed, at_most=max_faces)
    return _Light(faces, error_px * factor)


def _surface(points: PointMap, colours: NDArray[np.uint8] | None, error_px: float, colour_error: float) -> Surface:
    shift = sideways_shift_px(points)
    shift /= np.float32(error_px)
    if colours is None:
        return Surface((shift,), points.columns, points.rows, error_px)
    channels = [np.ascontiguousarray(colours[..., k], np.float32) / np.float32(colour_error) for k in range(3)]
    return Surface((shift, *channels), points.columns, points.rows, None)


def _every_second(points: PointMap) -> PointMap:
    return PointMap(points.xyz[::2, ::2], points.rows[::2], points.columns[::2], points.photo_size, unit=points.unit)


def _texture_coordinates(points: PointMap, used: NDArray[np.int64]) -> NDArray[np.float32]:
    width, height = points.photo_size
    row, column = np.divmod(used, points.z.shape[1])
    uv = np.stack([(points.columns[column] + 0.5) / width, (points.rows[row] + 0.5) / height], axis=1)
    return uv.astype(np.float32)
