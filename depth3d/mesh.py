"""Triangle meshes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.cloud import check_vertices
from depth3d.errors import GeometryError, UsageError
from depth3d.points import PointMap, grid_normals

DEFAULT_CUT_RATIO = 1.08

_INVISIBLE_JUMP = 0.01
"""A jump in 1/z smaller than this share of the nearest things' 1/z is not cut: a camera that moves so far that those
shift by 100 pixels opens a gap of one pixel there. Quantised far depth would otherwise crack all over."""


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """Triangles in camera axes (x right, y down, z forward) and metres.

    Attributes:
        xyz: (N, 3) float32, finite.
        faces: (M, 3) uint32 rows of vertex indices, counter-clockwise as seen from the camera.
        rgb: (N, 3) uint8, sRGB, or None.
        normals: (N, 3) float32 unit vectors that look towards the camera, or None.
        uv: (N, 2) float32 texture coordinates, (0, 0) the texture's top-left corner, (1, 1) its bottom-right, or None.
        texture: (H, W, 3) uint8, sRGB, or None.

    Raises:
        GeometryError: no vertex or no face, a vertex that is not finite, an index out of range, a texture without uv.
    """

    xyz: NDArray[np.float32]
    faces: NDArray[np.uint32]
    rgb: NDArray[np.uint8] | None = None
    normals: NDArray[np.float32] | None = None
    uv: NDArray[np.float32] | None = None
    texture: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        check_vertices(self.xyz, self.rgb, self.normals, self.uv)
        if self.faces.ndim != 2 or self.faces.shape[1] != 3 or len(self.faces) == 0:
            raise GeometryError(f"mesh: expected faces of shape (M, 3) with M > 0, got {self.faces.shape}")
        if int(self.faces.max()) >= len(self.xyz):
            raise GeometryError(f"mesh: a face names vertex {int(self.faces.max())} of {len(self.xyz)}")
        if self.texture is not None and self.uv is None:
            raise GeometryError("mesh: a texture needs texture coordinates (uv)")


def to_mesh(
    points: PointMap,
    rgb: NDArray[np.uint8],
    *,
    textured: bool = True,
    normals: bool = False,
    cut_ratio: float = DEFAULT_CUT_RATIO,
) -> Mesh:
    """Connect neighbouring points of the grid by triangles, except across depth jumps.

    A triangle is cut where its farthest corner is more than `cut_ratio` times as deep as its nearest, unless the jump
    in 1/z is below one per cent of the nearest things' 1/z (98th percentile). Neither depends on the unit.

    Args:
        points: points on the pixel grid.
        rgb: (H, W, 3) uint8 photo of the size the depth had.
        textured: carry the whole photo as texture; otherwise each vertex has its pixel's colour.
        normals: add unit normals from the grid.
        cut_ratio: greatest ratio of depths within one triangle, above 1.

    Raises:
        GeometryError: no triangle is left, or the photo has another size.
        UsageError: `cut_ratio` is not above 1.
    """
    if not cut_ratio > 1:
        raise UsageError(f"cut ratio must be above 1, got {cut_ratio:g}")
    colours = points.colours(rgb)
    faces = grid_faces(points.z, cut_ratio)
    if len(faces) == 0:
        raise GeometryError(
            f"mesh: no triangle is left of a {points.z.shape[1]}x{points.z.shape[0]} grid cut at ratio {cut_ratio:g}; "
            "raise the cut ratio, or export a point cloud"
        )
    used = np.zeros(points.z.size, bool)
    used[faces] = True
    new_index = np.cumsum(used, dtype=np.uint32) - np.uint32(1)
    kept = used.reshape(points.z.shape)
    return Mesh(
        xyz=points.xyz[kept],
        faces=new_index[faces],
        rgb=None if textured else colours[kept],
        normals=grid_normals(points)[kept] if normals else None,
        uv=_texture_coordinates(points)[kept] if textured else None,
        texture=rgb if textured else None,
    )


def _texture_coordinates(points: PointMap) -> NDArray[np.float32]:
    width, height = points.photo_size
    u = ((points.columns + 0.5) / width).astype(np.float32)
    v = ((points.rows + 0.5) / height).astype(np.float32)
    return np.stack(np.broadcast_arrays(u[None, :], v[:, None]), axis=-1)


def grid_faces(z: NDArray[np.float32], cut_ratio: float) -> NDArray[np.uint32]:
    """Faces (M, 3) of a grid of depths, or of distances, cut at jumps as in `to_mesh`; NaN where unknown.

    Each cell is split along the diagonal whose ends are closer in 1/z.
    """
    inverse = np.float32(1) / z
    height, width = z.shape
    index = np.arange(height * width, dtype=np.uint32).reshape(height, width)
    corners = (np.s_[:-1, :-1], np.s_[:-1, 1:], np.s_[1:, :-1], np.s_[1:, 1:])
    top_left, top_right, bottom_left, bottom_right = (inverse[c] for c in corners)
    falling = np.abs(top_left - bottom_right)
    rising = np.abs(top_right - bottom_left)
    along_rising = (rising < falling) | np.isnan(falling)
    # Counter-clockwise as seen from the camera: down first, then right, with y pointing down.
    splits = (
        (~along_rising, (0, 2, 3)),
        (~along_rising, (0, 3, 1)),
        (along_rising, (0, 2, 1)),
        (along_rising, (1, 2, 3)),
    )
    invisible = np.float32(_INVISIBLE_JUMP * _nearest(inverse))
    faces = []
    for chosen, triangle in splits:
        ends = [inverse[corners[k]][chosen] for k in triangle]
        near, far = np.maximum.reduce(ends), np.minimum.reduce(ends)
        # False where a corner is unknown, because NaN compares so.
        whole = (near <= far * np.float32(cut_ratio)) | (near - far <= invisible)
        faces.append(np.stack([index[corners[k]][chosen][whole] for k in triangle], axis=1))
    return np.concatenate(faces)


def _nearest(inverse: NDArray[np.float32]) -> float:
    known = inverse[np.isfinite(inverse)]
    return float(np.percentile(known, 98)) if known.size else 0.0
