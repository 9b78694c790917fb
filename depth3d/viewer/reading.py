"""Clouds and meshes from files, whoever wrote them, so that they can be looked at."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.cloud import PointCloud
from depth3d.errors import GeometryError, UsageError, ViewerError
from depth3d.formats.axes import AXES, axes_in_words, check_axes, turned
from depth3d.mesh import Mesh
from depth3d.viewer.window import import_open3d

_TRIMESH_SUFFIXES = (".ply", ".glb", ".gltf", ".obj", ".stl", ".off")
_OPEN3D_SUFFIXES = (".pcd", ".xyz", ".xyzn", ".xyzrgb", ".pts")
GEOMETRY_SUFFIXES = _TRIMESH_SUFFIXES + _OPEN3D_SUFFIXES

_DEFAULT_AXES = "gltf"
_PLY_AXES = re.compile(rb"^comment axes: (.+)$", re.MULTILINE)
_HEADER_BYTES = 65536
# What parsers of damaged files raise; trimesh promises no type of its own.
_DAMAGE = (ArithmeticError, AttributeError, EOFError, LookupError, RuntimeError, TypeError, ValueError, struct.error)


def load_geometry(path: Path, *, axes: str | None = None) -> list[PointCloud | Mesh]:
    """Read every cloud and mesh of a PLY, GLB, glTF, OBJ, STL, OFF, PCD, XYZ or PTS file, in camera axes.

    Args:
        path: the file; its suffix says what it is.
        axes: the file's axes, ``"gltf"`` (y up, z towards the viewer) or ``"opencv"`` (y down, z forward). By default
            what the header of our own PLY says, else ``"gltf"``.

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
        parts = _read_with_open3d(path) if suffix in _OPEN3D_SUFFIXES else _read_with_trimesh(path)
        cam_from_file = turned(np.eye(3, dtype=np.float32), axes or _ply_axes(header))
        return [_value(part, cam_from_file, linear=suffix in (".glb", ".gltf")) for part in parts]
    except (OSError, GeometryError, *_DAMAGE) as error:
        reason = getattr(error, "strerror", None) or str(error).split("\n")[0] or type(error).__name__
        raise ViewerError(f"{path}: cannot be read as {suffix[1:].upper()}; is it damaged? ({reason})") from error


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEADER_BYTES)


def _ply_axes(header: bytes) -> str:
    said = _PLY_AXES.search(header.split(b"end_header")[0]) if header.startswith(b"ply") else None
    words = said[1].decode("ascii", "replace").strip() if said else ""
    return next((name for name in AXES if axes_in_words(name) == words), _DEFAULT_AXES)


def _read_with_trimesh(path: Path) -> list[Any]:
    import trimesh

    loaded = trimesh.load(path, process=False)
    parts = loaded.dump() if isinstance(loaded, trimesh.Scene) else [loaded]
    shown = [part for part in parts if isinstance(part, (trimesh.Trimesh, trimesh.PointCloud)) and len(part.vertices)]
    if not shown:
        raise ValueError("there is no point in it")
    return shown


def _read_with_open3d(path: Path) -> list[Any]:
    o3d = import_open3d()
    with o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error):
        points = o3d.io.read_point_cloud(str(path), remove_nan_points=True, remove_infinite_points=True)
    if not points.has_points():
        raise ValueError("there is no point in it")
    return [points]


def _value(part: Any, cam_from_file: NDArray[np.float32], *, linear: bool) -> PointCloud | Mesh:
    """One geometry of trimesh or Open3D as ours; `linear` says that its vertex colours are linear, as glTF's are."""
    if hasattr(part, "points") and not hasattr(part, "vertices"):
        rgb = np.asarray(part.colors) * 255 + 0.5 if part.has_colors() else None
        return PointCloud(
            np.asarray(part.points, np.float32) @ cam_from_file.T, None if rgb is None else rgb.astype(np.uint8)
        )
    xyz = np.asarray(part.vertices, np.float32) @ cam_from_file.T
    faces = np.asarray(getattr(part, "faces", ()), np.uint32).reshape(-1, 3)
    if len(faces) == 0:
        colours = getattr(part, "colors", None)
        return PointCloud(xyz, _vertex_rgb(colours, len(xyz), linear=linear))
    uv, texture = _texture(part.visual)
    if texture is not None:
        return Mesh(xyz, faces, uv=uv, texture=texture)
    colours = part.visual.vertex_colors if part.visual.kind == "vertex" else None
    return Mesh(xyz, faces, rgb=_vertex_rgb(colours, len(xyz), linear=linear))


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


def _vertex_rgb(colours: Any, count: int, *, linear: bool) -> NDArray[np.uint8] | None:
    if colours is None or len(colours) != count or count == 0:
        return None
    rgb = np.asarray(colours, np.uint8)[:, :3]
    return _SRGB_FROM_LINEAR[rgb] if linear else rgb


def _srgb_table() -> NDArray[np.uint8]:
    """Table of the sRGB byte of every linear byte (IEC 61966-2-1)."""
    linear = np.arange(256) / 255
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (encoded * 255 + 0.5).astype(np.uint8)


_SRGB_FROM_LINEAR = _srgb_table()
