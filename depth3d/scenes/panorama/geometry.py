"""Distances all around become points, a cloud or a closed mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import pixel_centres
from depth3d.core.equirectangular import Equirect, pixel_rays, rays_of_pixels
from depth3d.core.errors import GeometryError, UsageError
from depth3d.core.point_map import PointMap
from depth3d.geometry.mesh import DEFAULT_CUT_ANGLE_DEG, DEFAULT_CUT_RATIO, Mesh, check_cuts, grid_faces, vertex_normals
from depth3d.geometry.point_cloud import PointCloud, thinned
from depth3d.scenes.panorama.sphere import SphericalDepth, coarser

_SHRINK = 0.97
"""A coarser grid has a little fewer cells than there may be faces, as its edges close with more."""
_FEWEST_CELLS = 32
"""Of a grid that still is a shape: 8 cells around and 4 from pole to pole."""


def panorama_to_points(depth: SphericalDepth) -> PointMap:
    """The points on the panorama's grid; axes are those of a camera that looks at the panorama's middle.

    `PointMap.z` is negative behind the camera; distances are `depth.metres`.
    """
    grid = depth.equirect
    xyz = depth.metres[..., None] * pixel_rays(grid).astype(np.float32)
    width, height = depth.picture_size
    rows = ((np.arange(grid.height) * 2 + 1) * height) // (2 * grid.height)
    columns = ((np.arange(grid.width) * 2 + 1) * width) // (2 * grid.width)
    return PointMap(xyz, rows, columns, depth.picture_size, unit=depth.unit)


def panorama_to_cloud(
    depth: SphericalDepth, rgb: NDArray[np.uint8], *, normals: bool = False, voxel_m: float | None = None
) -> PointCloud:
    """A coloured cloud, as dense in every direction: rows near the poles keep fewer of their points.

    Args:
        depth: distances.
        rgb: (H, W, 3) uint8 panorama they belong to.
        normals: add unit normals from the grid, towards the camera.
        voxel_m: replace the points of each cube of this edge length, in metres, by their mean.

    Raises:
        GeometryError: nothing is known, or the panorama has another size.
        UsageError: `voxel_m` is not positive.
    """
    points = panorama_to_points(depth)
    colours = points.colours(rgb)
    kept = _evenly_kept(depth) & points.known
    directions = _normals(points, closes=depth.equirect.closes)[kept] if normals else None
    cloud = PointCloud(points.xyz[kept], colours[kept], directions, unit=depth.unit)
    return cloud if voxel_m is None else thinned(cloud, voxel_m)


def panorama_to_mesh(
    depth: SphericalDepth,
    rgb: NDArray[np.uint8],
    *,
    textured: bool = True,
    normals: bool = False,
    cut_ratio: float = DEFAULT_CUT_RATIO,
    cut_angle_deg: float = DEFAULT_CUT_ANGLE_DEG,
    max_faces: int | None = None,
) -> Mesh:
    """A mesh that closes behind the camera and over both poles, and is cut where the distance jumps.

    Where the panorama's left and right edge meet, vertices stand twice in the same place, with texture coordinates 0
    and 1; at a pole they all coincide.

    Args:
        depth: distances.
        rgb: (H, W, 3) uint8 panorama they belong to.
        textured: carry the panorama as texture; otherwise each vertex has its pixel's colour.
        normals: add unit normals from the faces, the same on either side of the seam.
        cut_ratio: greatest ratio of distances within one triangle, above 1.
        cut_angle_deg: least angle between a triangle and the ray that meets it, in degrees; 0 for any.
        max_faces: make the grid so coarse that no more faces than this are left.

    Raises:
        GeometryError: no triangle is left, or the panorama has another size.
        UsageError: an option is out of range.
    """
    check_cuts(cut_ratio, cut_angle_deg, max_faces)
    while True:
        mesh = _meshed(depth, rgb, textured, normals, cut_ratio, cut_angle_deg)
        if max_faces is None or len(mesh.faces) <= max_faces:
            return mesh
        if depth.metres.size <= _FEWEST_CELLS:
            raise UsageError(f"max faces: a panorama needs at least {len(mesh.faces)}, got {max_faces}")
        depth = coarser(depth, max(_SHRINK * max_faces / len(mesh.faces), _FEWEST_CELLS / depth.metres.size))


def _meshed(
    depth: SphericalDepth,
    rgb: NDArray[np.uint8],
    textured: bool,
    normals: bool,
    cut_ratio: float,
    cut_angle_deg: float,
) -> Mesh:
    colours = panorama_to_points(depth).colours(rgb)
    uv, metres, colours = _closed(depth, colours)
    grid = depth.equirect
    xyz = metres[..., None] * rays_of_pixels(grid, uv).astype(np.float32)
    faces = grid_faces(metres, cut_ratio, xyz=xyz, cut_angle_deg=cut_angle_deg)
    faces = faces[_has_extent(xyz.reshape(-1, 3), faces)]
    if len(faces) == 0:
        raise GeometryError(
            f"panorama: no triangle is left at the cut ratio {cut_ratio:g} and the angle {cut_angle_deg:g}; raise the "
            "ratio, lower the angle, allow more faces, or export a cloud"
        )
    used = np.zeros(metres.size, bool)
    used[faces] = True
    new_index = np.cumsum(used, dtype=np.uint32) - np.uint32(1)
    kept = used.reshape(metres.shape)
    texture_uv = (uv / grid.size).astype(np.float32)
    return Mesh(
        xyz=xyz[kept],
        faces=new_index[faces],
        rgb=None if textured else colours[kept],
        normals=_welded_normals(xyz, faces, grid)[kept] if normals else None,
        uv=texture_uv[kept] if textured else None,
        texture=rgb if textured else None,
        unit=depth.unit,
    )


def _closed(
    depth: SphericalDepth, colours: NDArray[np.uint8]
) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.uint8]]:
    """Pixels (H', W', 2), distances and colours of the grid with a column on either edge and a row on either pole."""
    grid = depth.equirect
    uv = pixel_centres(grid.width, grid.height).astype(np.float64)
    metres = depth.metres
    if grid.closes:
        seam = ((metres[:, -1] + metres[:, 0]) / 2)[:, None]
        metres = np.concatenate([seam, metres, seam], axis=1)
        shade = ((colours[:, -1].astype(np.uint16) + colours[:, 0]) // 2).astype(np.uint8)[:, None]
        colours = np.concatenate([shade, colours, shade], axis=1)
        left, right = uv[:, :1].copy(), uv[:, -1:].copy()
        left[..., 0], right[..., 0] = 0, grid.full_width
        uv = np.concatenate([left, uv, right], axis=1)
    for reaches, row, v in ((grid.reaches_top, 0, 0.0), (grid.reaches_bottom, -1, float(grid.height))):
        if reaches and np.isfinite(metres[row]).any():
            pole = np.full_like(metres[:1], np.nanmean(metres[row]))
            shade = np.broadcast_to(colours[row].mean(axis=0).astype(np.uint8), colours[:1].shape)
            edge = uv[row][None].copy()
            edge[..., 1] = v
            order = slice(None, None, 1 if row == 0 else -1)
            metres = np.concatenate([pole, metres][order])
            colours = np.concatenate([shade, colours][order])
            uv = np.concatenate([edge, uv][order])
    return uv, metres, colours


def _welded_normals(xyz: NDArray[np.float32], faces: NDArray[np.uint32], grid: Equirect) -> NDArray[np.float32]:
    """(H', W', 3) unit normals of the closed grid's vertices; those that stand in the same place have the same."""
    height, width = xyz.shape[:2]
    vertex = np.arange(height * width).reshape(height, width)
    if grid.closes:
        vertex[:, -1] = vertex[:, 0]
    for reaches, row in ((grid.reaches_top, 0), (grid.reaches_bottom, -1)):
        if reaches:
            vertex[row] = vertex[row, 0]
    welded = vertex.reshape(-1)
    known = np.nan_to_num(xyz.reshape(-1, 3))
    return vertex_normals(known, welded[faces].astype(np.uint32))[welded].reshape(height, width, 3)


def _has_extent(xyz: NDArray[np.float32], faces: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """(M,) False for triangles at a pole two of whose corners coincide."""
    corners = xyz[faces]
    tolerance = 1e-9 * np.abs(corners).max(axis=(1, 2))
    apart = [np.abs(corners[:, i] - corners[:, j]).max(axis=1) > tolerance for i, j in ((0, 1), (1, 2), (2, 0))]
    return np.asarray(np.logical_and.reduce(apart))


def _evenly_kept(depth: SphericalDepth) -> NDArray[np.bool_]:
    """(H, W) True for so many columns of each row as its circle is shorter than the equator."""
    grid = depth.equirect
    latitude = (0.5 - (np.arange(grid.height) + 0.5 + grid.top) / grid.full_height) * np.pi
    count = np.arange(grid.width + 1) * np.cos(latitude)[:, None]
    return np.asarray(np.diff(np.floor(count + 0.5), axis=1) > 0)


def _normals(points: PointMap, *, closes: bool) -> NDArray[np.float32]:
    """Unit normals towards the camera, (H, W, 3), each from the neighbours that are at the most similar distance."""
    xyz = points.xyz
    along_u, along_v = _smaller_step(xyz, axis=1, closes=closes), _smaller_step(xyz, axis=0, closes=False)
    with np.errstate(invalid="ignore", divide="ignore"):
        normals = np.cross(along_v, along_u)
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
        towards_camera = -xyz / np.linalg.norm(xyz, axis=-1, keepdims=True)
    unclear = ~np.isfinite(normals).all(axis=-1)
    normals[unclear] = towards_camera[unclear]
    return normals


def _smaller_step(xyz: NDArray[np.float32], *, axis: int, closes: bool) -> NDArray[np.float32]:
    """(H, W, 3) step to the next cell or from the one before, whichever changes the distance less."""
    following = np.roll(xyz, -1, axis=axis)
    if not closes:
        following[(slice(None),) * axis + (-1,)] = np.nan
    forward = following - xyz
    backward = np.roll(forward, 1, axis=axis)
    distance = np.linalg.norm(xyz, axis=-1)
    jump = np.abs(np.linalg.norm(following, axis=-1) - distance)
    jump_before = np.roll(jump, 1, axis=axis)
    take_backward = np.isnan(jump) | (jump_before < jump)
    return np.where(take_backward[..., None], backward, forward)
