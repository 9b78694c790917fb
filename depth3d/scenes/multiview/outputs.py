"""What comes out of many photos: one scene in files, and depth maps for those who train on them."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import Unit
from depth3d.geometry.gaussians import Gaussians
from depth3d.geometry.mesh import Mesh
from depth3d.geometry.point_cloud import PointCloud
from depth3d.io.geometry.axes import matrix
from depth3d.io.registry import format_for, usual_type
from depth3d.io.save import atomic_write, files_for, save
from depth3d.scenes.multiview.aligned_photos import Aligned
from depth3d.scenes.multiview.fusion import DEFAULT_MEMORY_GB, fuse_depth
from depth3d.scenes.multiview.progress import Report, silent
from depth3d.scenes.multiview.texture_atlas import to_textured
from depth3d.scenes.multiview.texture_photos import texture_photos
from depth3d.scenes.options import FusionOptions
from depth3d.scenes.outputs import geometry_kind_of, provenance_path
from depth3d.scenes.provenance import to_json, versions
from depth3d.scenes.save import Saved

FusedKind = Literal["cloud", "mesh", "splat"]
MODEL_AXES = "model"

_VOXELS_PER_DEPTH = 128
_FARTHEST_DEPTHS = 4.0
_TYPE_OF_KIND = {"cloud": "PointCloud", "mesh": "Mesh", "splat": "Gaussians"}
_NOUNS = {"cloud": "points", "mesh": "vertices", "splat": "splats"}
_Value = Mesh | PointCloud | Gaussians
_SIGMA_PER_VOXEL, _THINNESS = 0.6, 0.1


@dataclass(frozen=True, slots=True, eq=False)
class FusedScene:
    """One place from many photos.

    Attributes:
        mesh: coloured triangles, turned upright: x right, y down, z forward as the first photo looks; the model's
            origin stays the origin.
        textured: the same triangles with a texture from the photos; None where none was asked for.
        upright_from_model: (4, 4) what turns and scales the model's coordinates into those of `mesh`.
        details: how everything was obtained, for the provenance.
        notes: sentences for the user.
    """

    mesh: Mesh
    textured: Mesh | None
    upright_from_model: NDArray[np.float64]
    details: dict[str, Any]
    notes: tuple[str, ...]

    @property
    def unit(self) -> Unit:
        """The unit of every length: "m", or "arbitrary" where it is the model's own."""
        return self.mesh.unit

    def cloud(self) -> PointCloud:
        """The mesh's vertices as coloured points with normals."""
        return PointCloud(self.mesh.xyz, self.mesh.rgb, self.mesh.normals, unit=self.unit)

    def splats(self) -> Gaussians:
        """The mesh's vertices as small flat Gaussians on the surface, to look at or to begin a training with."""
        normals = self.mesh.normals
        assert normals is not None
        # Any two directions across the normal (Duff et al., "Building an Orthonormal Basis, Revisited", 2017).
        x, y, z = (normals / np.linalg.norm(normals.astype(np.float64), axis=1, keepdims=True)).T
        sign = np.where(z >= 0, 1.0, -1.0)
        a = -1 / (sign + z)
        b = x * y * a
        first = np.stack([1 + sign * x * x * a, sign * b, -sign * x], axis=1)
        second = np.stack([b, sign + y * y * a, -y], axis=1)
        side = _SIGMA_PER_VOXEL * float(self.details["voxel"])
        sigma = np.tile(np.array([side, side, side * _THINNESS], np.float32), (len(normals), 1))
        directions = np.stack([first, second], axis=1).astype(np.float32)
        assert self.mesh.rgb is not None
        return Gaussians(self.mesh.xyz, self.mesh.rgb, directions, sigma, unit=self.unit)

    def save(
        self, path: str | Path, *, kind: FusedKind | None = None, axes: str | None = None, force: bool = False
    ) -> Saved:
        """Write one file, and beside it a JSON file that says how it was obtained.

        Args:
            path: target, such as room.ply (cloud) or room.glb (mesh).
            kind: "cloud", "mesh" or "splat"; None leaves it to the suffix.
            axes: a name of `io.geometry.axes.AXES`; None means what is usual in such files; "model" keeps the axes
                of the model that the poses came from.
            force: overwrite existing files.

        Raises:
            UsageError: the suffix or the axes are unknown, or the suffix cannot hold such a value.
            OutputError: the file exists, or cannot be written.
        """
        path = Path(path)
        kind = kind or fused_kind_of(path)
        usual = format_for(_TYPE_OF_KIND[kind], path).axes or "opencv"
        file_from_upright = np.eye(4)
        file_from_upright[:3, :3] = matrix("opencv" if axes == MODEL_AXES else axes or usual)
        value: _Value = self._mesh_for(path) if kind == "mesh" else self.cloud() if kind == "cloud" else self.splats()
        if axes == MODEL_AXES:
            value = _turned_value(value, self._turn.T)
            file_from_upright[:3, :3] = self._turn.T
        notes = {"unit": self.unit, "photos": str(len(self.details["photos"])), "poses": str(self.details["poses"])}
        save(value, path, axes="opencv" if axes == MODEL_AXES else axes, force=force, notes=notes)
        with atomic_write(provenance_path(path), force=force) as file:
            told = {**self.details, "file_from_model": (file_from_upright @ self.upright_from_model).tolist()}
            file.write(to_json(told))
        words = f"{len(value.xyz):,} {_NOUNS[kind]}"
        faces = f", {len(value.faces):,} faces, {_colours_of(value)}" if isinstance(value, Mesh) else ""
        return Saved(path, words + faces, self.unit)

    def _mesh_for(self, path: Path) -> Mesh:
        """The mesh with its texture, but in PLY files, which hold none."""
        return self.mesh if self.textured is None or path.suffix.lower() == ".ply" else self.textured

    @property
    def _turn(self) -> NDArray[np.float64]:
        """(3, 3) the rotation in `upright_from_model`."""
        upright = self.upright_from_model[:3, :3]
        return np.asarray(upright / np.cbrt(np.linalg.det(upright)))


def fuse_aligned(
    aligned: Aligned,
    *,
    voxel_m: float | None = None,
    farthest_m: float | None = None,
    least_photos: int = FusionOptions().least_photos,
    memory_gb: float = DEFAULT_MEMORY_GB,
    textured: bool = True,
    report: Report = silent,
) -> FusedScene:
    """Fuse photos that agree into one surface.

    Args:
        aligned: the photos.
        voxel_m: edge length of a voxel, in the result's unit; None means the median depth / 128, or more where memory
            is short.
        farthest_m: what is farther from its camera is left out; None means 4 times the median depth.
        least_photos: surfaces that fewer photos saw are left out.
        memory_gb: at most so much memory for voxels.
        textured: give the mesh a texture from the photos, for formats that hold one.
        report: told how far the work has got.

    Raises:
        GeometryError: nothing is left of the surface.
        UsageError: an option is out of range, or voxels of this size take too much memory.
        MissingExtraError: Open3D is not installed.
    """
    metres = aligned.unit.metres
    fused = fuse_depth(
        aligned.views,
        voxel=aligned.typical_z / _VOXELS_PER_DEPTH if voxel_m is None else voxel_m / metres,
        may_grow=voxel_m is None,
        farthest=aligned.typical_z * _FARTHEST_DEPTHS if farthest_m is None else farthest_m / metres,
        least_photos=least_photos,
        memory_gb=memory_gb,
        count=len(aligned.photos),
        report=report,
    )
    upright = np.eye(4)
    upright[:3, :3] = _upright_from_model(aligned)
    mesh = _placed(fused.mesh, aligned, upright[:3, :3])
    painted = None
    if textured:
        count = len(aligned.photos)
        painted = to_textured(fused.mesh, partial(texture_photos, aligned), count=count, report=report)
    painted = painted and _placed(painted, aligned, upright[:3, :3])
    upright[:3, :3] *= metres
    notes = (*aligned.notes, *_left_out_notes(aligned), *fused.notes)
    details = _details(aligned, fused.voxel * metres, notes)
    return FusedScene(mesh, painted, upright, details, notes)


def _placed(mesh: Mesh, aligned: Aligned, turn: NDArray[np.float64]) -> Mesh:
    """A mesh of the model, upright and in the unit that is known."""
    return replace(
        mesh,
        xyz=_turned(mesh.xyz * np.float32(aligned.unit.metres), turn),
        normals=None if mesh.normals is None else _turned(mesh.normals, turn),
        unit="m" if aligned.unit.is_metric else "arbitrary",
    )


def _colours_of(mesh: Mesh) -> str:
    if mesh.texture is None:
        return "coloured vertices"
    height, width = mesh.texture.shape[:2]
    return f"texture of {width}x{height} from the photos"


def fused_kind_of(path: Path) -> FusedKind:
    """What goes into a file unless the user says otherwise: a mesh where the format can hold one, but for PLY.

    Raises:
        UsageError: the suffix names no format for clouds or meshes.
    """
    if usual_type(path.suffix.lower()) == "Gaussians":
        return "splat"
    return "mesh" if geometry_kind_of(path, "a fused scene") == "mesh" else "cloud"


def fused_files_of(path: Path, kind: FusedKind | None) -> tuple[Path, ...]:
    """Every file that `FusedScene.save` would write for this path.

    Raises:
        UsageError: the suffix is unknown, or cannot hold such a value.
    """
    return (*files_for(path, _TYPE_OF_KIND[kind or fused_kind_of(path)]), provenance_path(path))


def _upright_from_model(aligned: Aligned) -> NDArray[np.float64]:
    """(3, 3) a rotation after which y is down, and z is where the first photo looks, as level as may be."""
    down = -aligned.up
    forward = aligned.photos[0].pose.world_from_cam[:3, 2]
    level = forward - down * (forward @ down)
    if np.linalg.norm(level) < 0.05:  # it looks straight down or up: what is above in the picture is ahead
        level = -aligned.photos[0].pose.world_from_cam[:3, 1]
        level = level - down * (level @ down)
    z = level / np.linalg.norm(level)
    return np.stack([np.cross(down, z), down, z])


def _turned_value(value: _Value, turn: NDArray[np.float64]) -> _Value:
    """A value in axes turned against its own."""
    if isinstance(value, Gaussians):
        directions = _turned(value.directions.reshape(-1, 3), turn).reshape(-1, 2, 3)
        return replace(value, xyz=_turned(value.xyz, turn), directions=directions)
    normals = None if value.normals is None else _turned(value.normals, turn)
    return replace(value, xyz=_turned(value.xyz, turn), normals=normals)


def _turned(vectors: NDArray[np.float32], turn: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.ascontiguousarray(vectors @ turn.T.astype(np.float32))


def _left_out_notes(aligned: Aligned) -> tuple[str, ...]:
    return tuple(f"{name} is left out: {why}" for name, why in aligned.left_out)


def _details(aligned: Aligned, voxel: float, notes: tuple[str, ...]) -> dict[str, Any]:
    return {
        "depth3d": importlib.metadata.version("depth3d"),
        "poses": aligned.source,
        "unit": {"name": "m" if aligned.unit.is_metric else "arbitrary", "source": aligned.unit.words},
        "network": aligned.options.depth.predictor
        if aligned.options.depth.depth_map is None
        else "none: own depth maps",
        "voxel": voxel,
        "photos": [
            {"name": photo.path.name, "camera": photo.camera.source, "points": photo.points, "notes": list(photo.notes)}
            for photo in aligned.photos
        ],
        "notes": list(notes),
        "versions": versions("open3d", "open3d-cpu"),
    }
