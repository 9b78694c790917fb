"""Distances all around become points, a cloud or a closed mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import pixel_centres
from depth3d.core.equirectangular import pixel_rays, rays_of_pixels
from depth3d.core.errors import GeometryError, UsageError
from depth3d.core.point_map import PointMap
from depth3d.geometry.mesh import DEFAULT_CUT_RATIO, Mesh, grid_faces
from depth3d.geometry.point_cloud import PointCloud
from depth3d.scenes.panorama.sphere import SphericalDepth


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


def panorama_to_cloud(depth: SphericalDepth, rgb: NDArray[np.uint8], *, normals: bool = False) -> PointCloud:
    """A coloured cloud, as dense in every direction: rows near the poles keep fewer of their points.

    Args:
        depth: distances.
        rgb: (H, W, 3) uint8 panorama they belong to.
        normals: add unit normals from the grid, towards the camera.

    Raises:
        GeometryError: nothing is known, or the panorama has another size.
    """
    points = panorama_to_points(depth)
    colours = points.colours(rgb)
    kept = _evenly_kept(depth) & points.known
    directions = _normals(points, closes=depth.equirect.closes)[kept] if normals else None
    return PointCloud(points.xyz[kept], colours[kept], directions, unit=depth.unit)


def panorama_to_mesh(
    depth: SphericalDepth,
    rgb: NDArray[np.uint8],
    *,
    textured: bool = True,
    cut_ratio: float = DEFAULT_CUT_RATIO,
) -> Mesh:
    """A mesh that closes behind the camera and over both poles, and is cut where the distance jumps.

    Where the panorama's left and right edge meet, vertices stand twice in the same place, with texture coordinates 0
    and 1; at a pole they all coincide.

    Args:
        depth: distances.
        rgb: (H, W, 3) uint8 panorama they belong to.
        textured: carry the panorama as texture; otherwise each vertex has its pixel's colour.
        cut_ratio: greatest ratio of distances within one triangle, above 1.

    Raises:
        GeometryError: no triangle is left, or the panorama has another size.
        UsageError: `cut_ratio` is not above 1.
    """
    if not cut_ratio > 1:
        raise UsageError(f"cut ratio must be above 1, got {cut_ratio:g}")
    colours = panorama_to_points(depth).colours(rgb)
    uv, metres, colours = _closed(depth, colours)
    grid = depth.equirect
    xyz = metres[..., None] * rays_of_pixels(grid, uv).astype(np.float32)
    faces = grid_faces(metres, cut_ratio)
    faces = faces[_has_extent(xyz.reshape(-1, 3), faces)]
    if len(faces) == 0:
        raise GeometryError(
            f"panorama: no triangle is left at the cut ratio {cut_ratio:g}; raise it, or export a cloud"
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
