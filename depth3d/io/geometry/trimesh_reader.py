"""Clouds and meshes as trimesh reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import Unit
from depth3d.core.errors import GeometryError
from depth3d.geometry.mesh import Mesh
from depth3d.geometry.point_cloud import PointCloud
from depth3d.io.geometry.vertex_colors import srgb_from_linear
from depth3d.io.open_input import open_regular_file, shown

_CONSTANT_HARMONIC = 0.28209479177387814


def read_parts(path: Path, cam_from_file: NDArray[np.float32], *, unit: Unit) -> list[PointCloud | Mesh]:
    """Read every cloud and mesh of a PLY, GLB, glTF, OBJ, STL or OFF file.

    Args:
        path: the file; its suffix says what it is.
        cam_from_file: (3, 3) from the file's axes to the camera's.
        unit: of every length.

    Raises:
        Exception: the file is damaged; trimesh promises no type of its own.
    """
    import trimesh

    beside: Any = _Beside(path.parent)
    with open_regular_file(path, GeometryError) as file:
        loaded = trimesh.load(file, file_type=path.suffix[1:].lower(), resolver=beside, process=False)
    if isinstance(loaded, trimesh.Scene):
        placed = [loaded.graph[node] for node in loaded.graph.nodes_geometry]
        parts = [(loaded.geometry[name], file_from_part) for file_from_part, name in placed]
    else:
        parts = [(loaded, np.eye(4))]
    linear = path.suffix.lower() in (".glb", ".gltf")  # glTF's vertex colours are linear
    return [
        _from_trimesh(part, cam_from_file @ file_from_part[:3], unit=unit, linear=linear)
        for part, file_from_part in parts
        if isinstance(part, (trimesh.Trimesh, trimesh.PointCloud)) and len(part.vertices)
    ]


class _Beside:
    """Finds the materials and pictures that a file names, for trimesh.

    What is no regular file, or lies outside the folder, is refused.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> bytes:
        """The content of a file named so."""
        path = self._folder / name.strip()
        if not path.resolve().is_relative_to(self._folder.resolve()):
            raise GeometryError(f"it names {shown(Path(name))}, which lies outside its folder")
        with open_regular_file(path, GeometryError) as file:
            return file.read()

    __getitem__ = get


def _from_trimesh(
    part: Any, cam_from_part: NDArray[np.floating[Any]], *, unit: Unit, linear: bool
) -> PointCloud | Mesh:
    xyz = (np.asarray(part.vertices) @ cam_from_part[:, :3].T + cam_from_part[:, 3]).astype(np.float32)
    faces = np.asarray(getattr(part, "faces", ()), np.uint32).reshape(-1, 3)
    if np.linalg.det(cam_from_part[:, :3]) < 0:  # a mirror turns fronts into backs
        faces = faces[:, [0, 2, 1]]
    if len(faces) == 0:
        colours = _splat_colours(part) if "_ply_raw" in part.metadata else None
        if colours is None:
            colours = getattr(part, "colors", None)
        return PointCloud(xyz, vertex_rgb(colours, len(xyz), linear=linear), unit=unit)
    uv, texture = _texture(part.visual)
    if texture is not None:
        return Mesh(xyz, faces, uv=uv, texture=texture, unit=unit)
    if part.visual.kind == "vertex":
        colours = part.visual.vertex_colors
    else:  # where there is a material, trimesh keeps the colours beside it
        colours = getattr(part.visual, "vertex_attributes", {}).get("color")
    return Mesh(xyz, faces, rgb=vertex_rgb(colours, len(xyz), linear=linear), unit=unit)


def _splat_colours(part: Any) -> NDArray[np.float64] | None:
    """Colours from 0 to 1 of Gaussian splats; None for other points."""
    rows = part.metadata["_ply_raw"]["vertex"]["data"]
    names = [f"f_dc_{i}" for i in range(3)]
    there = rows.dtype.names or () if isinstance(rows, np.ndarray) else rows  # a dictionary where the file is text
    if not set(names) <= set(there):
        return None
    return 0.5 + _CONSTANT_HARMONIC * np.stack([np.ravel(rows[name]) for name in names], axis=1).astype(np.float64)


def _texture(visual: Any) -> tuple[NDArray[np.float32] | None, NDArray[np.uint8] | None]:
    if visual.kind != "texture" or visual.uv is None:
        return None, None
    material = visual.material
    image = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
    if image is None:
        return None, None
    uv = np.asarray(visual.uv, np.float32).copy()
    uv[:, 1] = 1 - uv[:, 1]  # trimesh counts v from the texture's bottom edge, we from its top
    return uv, np.asarray(image.convert("RGB"))


def vertex_rgb(colours: Any, count: int, *, linear: bool) -> NDArray[np.uint8] | None:
    """Colours of any depth as sRGB bytes; None where there is not one for each of `count` vertices."""
    if colours is None or len(colours) != count:
        return None
    values = np.asarray(colours)[:, :3]
    share = values / np.iinfo(values.dtype).max if values.dtype.kind == "u" else np.clip(values, 0, 1)
    return srgb_from_linear(share) if linear else (share * 255 + 0.5).astype(np.uint8)
