"""Clouds and meshes from files, whoever wrote them, so that they can be looked at."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import GeometryError, UsageError, ViewerError
from depth3d.geometry.mesh import Mesh
from depth3d.geometry.point_cloud import PointCloud
from depth3d.io.geometry.axes import AXES, axes_in_words, check_axes, turned
from depth3d.viewers.open3d.window import import_open3d

_TRIMESH_SUFFIXES = (".ply", ".glb", ".gltf", ".obj", ".stl", ".off")
_OPEN3D_SUFFIXES = (".pcd", ".xyz", ".xyzn", ".xyzrgb", ".pts")
GEOMETRY_SUFFIXES = _TRIMESH_SUFFIXES + _OPEN3D_SUFFIXES

_DEFAULT_AXES = "gltf"
_PLY_AXES = re.compile(rb"^comment axes: (.+)$", re.MULTILINE)
_HEADER_BYTES = 65536
_SPLATS = b"\nproperty float f_dc_0\n"  # Gaussian splats, which have no room for words and always the same axes
_CONSTANT_HARMONIC = 0.28209479177387814
# What parsers of damaged files raise; trimesh promises no type of its own.
_DAMAGE = (ArithmeticError, AttributeError, EOFError, LookupError, RuntimeError, TypeError, ValueError, struct.error)


def load_geometry(path: Path, *, axes: str | None = None) -> list[PointCloud | Mesh]:
    """Read every cloud and mesh of a PLY, GLB, glTF, OBJ, STL, OFF, PCD, XYZ or PTS file, in camera axes.

    Args:
        path: the file; its suffix says what it is.
        axes: the file's axes, a name of `depth3d.io.geometry.axes.AXES`, such as ``"opencv"`` (y down, z forward). By
            default what the header of our own PLY says, else ``"gltf"``.

    Raises:
        UsageError: the suffix or the axes are unknown.
        ViewerError: the file cannot be read, or there is no point in it.
        MissingExtraError: a PCD, XYZ or PTS file, and Open3D is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in GEOMETRY_SUFFIXES:
        raise UsageError(
            f"{path}: cannot show {suffix or 'a file without suffix'}; known are {' '.join(GEOMETRY_SUFFIXES)}"
        )
    if axes is not None:
        check_axes(axes)
    try:
        header = _first_bytes(path)
        cam_from_file = turned(np.eye(3, dtype=np.float32), axes or _ply_axes(header))
        read = _read_with_open3d if suffix in _OPEN3D_SUFFIXES else _read_with_trimesh
        geometries = read(path, cam_from_file)
    except (OSError, GeometryError, *_DAMAGE) as error:
        reason = getattr(error, "strerror", None) or str(error).split("\n")[0] or type(error).__name__
        raise ViewerError(f"{path}: cannot be read as {suffix[1:].upper()}; is it damaged? ({reason})") from error
    if not geometries:
        raise ViewerError(f"{path}: there is no point in it; is it damaged?")
    return geometries


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEADER_BYTES)


def _ply_axes(header: bytes) -> str:
    if header.startswith(b"ply") and _SPLATS in header:
        return "opencv"
    said = _PLY_AXES.search(header.split(b"end_header")[0]) if header.startswith(b"ply") else None
    words = said[1].decode("ascii", "replace").strip() if said else ""
    return next((name for name in AXES if axes_in_words(name) == words), _DEFAULT_AXES)


def _read_with_trimesh(path: Path, cam_from_file: NDArray[np.float32]) -> list[PointCloud | Mesh]:
    import trimesh

    loaded = trimesh.load(path, process=False)
    if isinstance(loaded, trimesh.Scene):
        placed = [loaded.graph[node] for node in loaded.graph.nodes_geometry]
        parts = [(loaded.geometry[name], file_from_part) for file_from_part, name in placed]
    else:
        parts = [(loaded, np.eye(4))]
    linear = path.suffix.lower() in (".glb", ".gltf")  # glTF's vertex colours are linear
    return [
        _from_trimesh(part, cam_from_file @ file_from_part[:3], linear=linear)
        for part, file_from_part in parts
        if isinstance(part, (trimesh.Trimesh, trimesh.PointCloud)) and len(part.vertices)
    ]


def _from_trimesh(part: Any, cam_from_part: NDArray[np.floating[Any]], *, linear: bool) -> PointCloud | Mesh:
    xyz = (np.asarray(part.vertices) @ cam_from_part[:, :3].T + cam_from_part[:, 3]).astype(np.float32)
    faces = np.asarray(getattr(part, "faces", ()), np.uint32).reshape(-1, 3)
    if np.linalg.det(cam_from_part[:, :3]) < 0:  # a mirror turns fronts into backs
        faces = faces[:, [0, 2, 1]]
    if len(faces) == 0:
        colours = _splat_colours(part) if "_ply_raw" in part.metadata else None
        if colours is None:
            colours = getattr(part, "colors", None)
        return PointCloud(xyz, _vertex_rgb(colours, len(xyz), linear=linear), unit="arbitrary")
    uv, texture = _texture(part.visual)
    if texture is not None:
        return Mesh(xyz, faces, uv=uv, texture=texture, unit="arbitrary")
    if part.visual.kind == "vertex":
        colours = part.visual.vertex_colors
    else:  # where there is a material, trimesh keeps the colours beside it
        colours = getattr(part.visual, "vertex_attributes", {}).get("color")
    return Mesh(xyz, faces, rgb=_vertex_rgb(colours, len(xyz), linear=linear), unit="arbitrary")


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


def _read_with_open3d(path: Path, cam_from_file: NDArray[np.float32]) -> list[PointCloud | Mesh]:
    o3d = import_open3d()
    with o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error):
        points = o3d.io.read_point_cloud(str(path), remove_nan_points=True, remove_infinite_points=True)
    if not points.has_points():
        return []
    xyz = (np.asarray(points.points) @ cam_from_file.T).astype(np.float32)
    colours = np.asarray(points.colors) if points.has_colors() else None
    return [PointCloud(xyz, _vertex_rgb(colours, len(xyz), linear=False), unit="arbitrary")]


def _vertex_rgb(colours: Any, count: int, *, linear: bool) -> NDArray[np.uint8] | None:
    """Colours of any depth as sRGB bytes; None where there is not one for each of `count` vertices."""
    if colours is None or len(colours) != count:
        return None
    values = np.asarray(colours)[:, :3]
    share = values / np.iinfo(values.dtype).max if values.dtype.kind == "u" else np.clip(values, 0, 1)
    if linear:  # IEC 61966-2-1
        share = np.where(share <= 0.0031308, 12.92 * share, 1.055 * share ** (1 / 2.4) - 0.055)
    return (share * 255 + 0.5).astype(np.uint8)
