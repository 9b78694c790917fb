"""What comes out of many photos: one scene in files, and depth maps for those who train on them."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import MetricDepth, Unit
from depth3d.core.errors import OutputError
from depth3d.geometry.mesh import Mesh
from depth3d.geometry.point_cloud import PointCloud
from depth3d.io.geometry.axes import matrix
from depth3d.io.registry import format_for
from depth3d.io.save import atomic_write, files_for, save
from depth3d.scenes.multiview.aligned import Aligned
from depth3d.scenes.multiview.fusion import DEFAULT_MEMORY_GB, fuse_depth
from depth3d.scenes.options import FusionOptions
from depth3d.scenes.outputs import geometry_kind_of, provenance_path
from depth3d.scenes.provenance import to_json, versions
from depth3d.scenes.scene import Saved

FusedKind = Literal["cloud", "mesh"]
DepthLayout = Literal["3dgs", "nerfstudio"]
MODEL_AXES = "model"

_VOXELS_PER_DEPTH = 128
_FARTHEST_DEPTHS = 4.0
_NERFSTUDIO_UNITS = 1000.0
_TYPE_OF_KIND = {"cloud": "PointCloud", "mesh": "Mesh"}


@dataclass(frozen=True, slots=True, eq=False)
class FusedScene:
    """One place from many photos.

    Attributes:
        mesh: coloured triangles, turned upright: x right, y down, z forward as the first photo looks; the model's
            origin stays the origin.
        upright_from_model: (4, 4) what turns and scales the model's coordinates into those of `mesh`.
        details: how everything was obtained, for the provenance.
        notes: sentences for the user.
    """

    mesh: Mesh
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

    def save(
        self, path: str | Path, *, kind: FusedKind | None = None, axes: str | None = None, force: bool = False
    ) -> Saved:
        """Write one file, and beside it a JSON file that says how it was obtained.

        Args:
            path: target, such as room.ply (cloud) or room.glb (mesh).
            kind: "cloud" or "mesh"; None leaves it to the suffix.
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
        value: Mesh | PointCloud = self.mesh if kind == "mesh" else self.cloud()
        if axes == MODEL_AXES:
            turn = self._turn.T
            value = replace(
                value,
                xyz=_turned(value.xyz, turn),
                normals=None if value.normals is None else _turned(value.normals, turn),
            )
            file_from_upright[:3, :3] = turn
        notes = {"unit": self.unit, "photos": str(len(self.details["photos"])), "poses": str(self.details["poses"])}
        save(value, path, axes="opencv" if axes == MODEL_AXES else axes, force=force, notes=notes)
        with atomic_write(provenance_path(path), force=force) as file:
            told = {**self.details, "file_from_model": (file_from_upright @ self.upright_from_model).tolist()}
            file.write(to_json(told))
        words = f"{len(value.xyz):,} points" if kind == "cloud" else f"{len(value.xyz):,} vertices"
        faces = f", {len(self.mesh.faces):,} faces, coloured vertices" if kind == "mesh" else ""
        return Saved(path, words + faces, self.unit)

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
) -> FusedScene:
    """Fuse photos that agree into one surface.

    Args:
        aligned: the photos.
        voxel_m: edge length of a voxel, in the result's unit; None means the median depth / 128, or more where memory
            is short.
        farthest_m: what is farther from its camera is left out; None means 4 times the median depth.
        least_photos: surfaces that fewer photos saw are left out.
        memory_gb: at most so much memory for voxels.

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
    )
    upright = np.eye(4)
    upright[:3, :3] = _upright_from_model(aligned)
    mesh = replace(
        fused.mesh,
        xyz=_turned(fused.mesh.xyz * np.float32(metres), upright[:3, :3]),
        normals=None if fused.mesh.normals is None else _turned(fused.mesh.normals, upright[:3, :3]),
        unit="m" if aligned.unit.is_metric else "arbitrary",
    )
    upright[:3, :3] *= metres
    notes = (*aligned.notes, *_left_out_notes(aligned), *fused.notes)
    details = _details(aligned, fused.voxel * metres, notes)
    return FusedScene(mesh, upright, details, notes)


def save_depths(
    aligned: Aligned,
    folder: Path,
    *,
    layout: DepthLayout = "3dgs",
    force: bool = False,
    saved: Callable[[Path], None] | None = None,
) -> int:
    """Write each photo's depth map on the model's scale, for training splats or radiance fields.

    "3dgs": inverse depth in 16 bits and depth_params.json, see `depth3d.io.depth.depth_layouts`. "nerfstudio": depth in
    16 bits, 1000 units per unit of the model, as its `depth_file_path` expects. The unit is the model's own, whatever
    known lengths say. A map belongs to the photo with its lens's distortion undone, and is as large as photos were
    compared.

    Args:
        aligned: the photos.
        folder: where to; made if it is not there.
        layout: which program reads them.
        force: overwrite existing files.
        saved: told of each file.

    Returns:
        How many were written; a photo without any depth on which photos agree has none.

    Raises:
        OutputError: a file exists, or cannot be written.
        UsageError: a depth does not fit into nerfstudio's numbers.
    """
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror or error}") from None
    count = 0
    for number, photo in enumerate(aligned.photos):
        z = aligned.view(number).z
        if np.isnan(z).all():
            continue
        path = folder / f"{photo.path.stem}.png"
        depth = MetricDepth(z, source=f"aligned with {len(aligned.photos)} photos", unit="arbitrary")
        if layout == "3dgs":
            save(depth, path, layout="3dgs", force=force, notes={"unit": "the model's"})
        else:
            save(depth, path, units_per_metre=_NERFSTUDIO_UNITS, force=force, notes={"unit": "the model's"})
        count += 1
        if saved is not None:
            saved(path)
    return count


def fused_kind_of(path: Path) -> FusedKind:
    """What goes into a file unless the user says otherwise: a mesh where the format can hold one, but for PLY.

    Raises:
        UsageError: the suffix names no format for clouds or meshes.
    """
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
