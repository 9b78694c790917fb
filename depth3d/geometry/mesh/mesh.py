"""The values: a mesh, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import Unit, check_unit
from depth3d.core.errors import GeometryError
from depth3d.core.short_repr import short_repr
from depth3d.geometry.point_cloud import check_vertices


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """How far a camera may move round the point at the photo's median depth, in degrees, before it sees gaps.

    Attributes:
        left: to the left of where the photo was taken.
        right: to the right.
        up: upwards.
        down: downwards.
    """

    left: float
    right: float
    up: float
    down: float


@dataclass(frozen=True, slots=True)
class Meshing:
    """How a mesh came about.

    Attributes:
        grid_faces: triangles of the full grid whose corners have a depth and that were not cut.
        cut_by_ratio: triangles of the full grid removed because their corners' depths differ too much.
        cut_by_angle: triangles of the full grid removed because the camera saw them edge on.
        faces: triangles of the mesh.
        error_px: what a camera moved sideways by 10 % of the median depth may see displaced, in photo pixels; None
            where every point of the grid was kept.
        behind: how many of the triangles lie behind others, continuing what is hidden.
        turn_limits: how far the mesh may be turned; None where nothing hidden was continued.
    """

    grid_faces: int
    cut_by_ratio: int
    cut_by_angle: int
    faces: int
    error_px: float | None
    behind: int = 0
    turn_limits: TurnLimits | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user."""
        cut = self.cut_by_ratio + self.cut_by_angle
        said = []
        if self.error_px is not None:
            fewer = 1 - self.faces / self.grid_faces
            said.append(f"{fewer:.1%} fewer faces than the grid, within {self.error_px:.2g} px")
        if cut:
            share = cut / (self.grid_faces + cut)
            said.append(
                f"{share:.1%} of the grid's triangles cut at depth jumps "
                f"({self.cut_by_ratio:,} by ratio, {self.cut_by_angle:,} by angle)"
            )
        if self.behind:
            said.append(f"{self.behind:,} faces continue what nearer things hide")
        return tuple(said)


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """Triangles in camera axes (x right, y down, z forward).

    Attributes:
        xyz: (N, 3) float32, finite.
        faces: (M, 3) uint32 rows of vertex indices, counter-clockwise as seen from the camera.
        rgb: (N, 3) uint8, sRGB, or None.
        normals: (N, 3) float32 unit vectors that look towards the camera, or None.
        uv: (N, 2) float32 texture coordinates, (0, 0) the texture's top-left corner, (1, 1) its bottom-right, or None.
        texture: (H, W, 3) uint8, sRGB, or None.
        meshing: how it came about, or None where that is not known.
        unit: of every length, "m" or "arbitrary".

    Raises:
        GeometryError: no vertex or no face, a vertex that is not finite, an index out of range, a texture without uv.
    """

    xyz: NDArray[np.float32]
    faces: NDArray[np.uint32]
    rgb: NDArray[np.uint8] | None = None
    normals: NDArray[np.float32] | None = None
    uv: NDArray[np.float32] | None = None
    texture: NDArray[np.uint8] | None = None
    meshing: Meshing | None = None
    unit: Unit = field(kw_only=True)

    __repr__ = short_repr

    def __post_init__(self) -> None:
        check_unit(self.unit)
        check_vertices(self.xyz, self.rgb, self.normals, self.uv)
        if self.faces.ndim != 2 or self.faces.shape[1] != 3 or len(self.faces) == 0:
            raise GeometryError(f"mesh: expected faces of shape (M, 3) with M > 0, got {self.faces.shape}")
        if int(self.faces.max()) >= len(self.xyz):
            raise GeometryError(f"mesh: a face names vertex {int(self.faces.max())} of {len(self.xyz)}")
        if self.texture is not None and self.uv is None:
            raise GeometryError("mesh: a texture needs texture coordinates (uv)")

    def to_trimesh(self) -> Any:
        """The mesh as trimesh holds it, see `conversion`."""
        from depth3d.geometry.conversion import mesh_to_trimesh

        return mesh_to_trimesh(self)

    def to_open3d(self) -> Any:
        """The mesh as Open3D holds it, see `conversion`.

        Raises:
            MissingExtraError: Open3D is not installed.
        """
        from depth3d.geometry.conversion import mesh_to_open3d

        return mesh_to_open3d(self)
