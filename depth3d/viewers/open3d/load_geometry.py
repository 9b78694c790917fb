"""Clouds and meshes from files, whoever wrote them, so that they can be looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from depth3d.core.errors import GeometryError, UsageError, ViewerError
from depth3d.geometry.mesh import Mesh
from depth3d.geometry.point_cloud import PointCloud
from depth3d.io.geometry.axes import check_axes
from depth3d.io.geometry.read import READABLE, Stated, comments_of, read_geometries, stated
from depth3d.io.geometry.trimesh_reader import vertex_rgb
from depth3d.io.open_input import check_regular_file
from depth3d.viewers.open3d.window import import_open3d

_OPEN3D_SUFFIXES = (".pcd", ".xyz", ".xyzn", ".xyzrgb", ".pts")
GEOMETRY_SUFFIXES = tuple(dict.fromkeys(READABLE + _OPEN3D_SUFFIXES))


def load_geometry(path: Path, *, axes: str | None = None) -> list[PointCloud | Mesh]:
    """Read every cloud and mesh of a file, in camera axes.

    Args:
        path: the file; its suffix says what it is.
        axes: the file's axes, a name of `depth3d.io.geometry.axes.AXES`, such as ``"opencv"`` (y down, z forward). By
            default what the file states, see `read_geometry`.

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
    if suffix not in _OPEN3D_SUFFIXES:
        try:
            return read_geometries(path, axes=axes)
        except GeometryError as error:
            raise ViewerError(str(error)) from None
    check_regular_file(path, ViewerError)
    try:
        by = stated(comments_of(path) if suffix == ".pcd" else {}, path, axes)
        geometries = _read_with_open3d(path, by)
    except (OSError, GeometryError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).split("\n")[0] or type(error).__name__
        raise ViewerError(f"{path}: cannot be read as {suffix[1:].upper()}; is it damaged? ({reason})") from error
    if not geometries:
        raise ViewerError(f"{path}: there is no point in it; is it damaged?")
    return geometries


def _read_with_open3d(path: Path, by: Stated) -> list[PointCloud | Mesh]:
    o3d = import_open3d()
    with o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error):
        points = o3d.io.read_point_cloud(str(path), remove_nan_points=True, remove_infinite_points=True)
    if not points.has_points():
        return []
    xyz = (np.asarray(points.points) @ by.cam_from_file.T).astype(np.float32)
    colours = np.asarray(points.colors) if points.has_colors() else None
    return [PointCloud(xyz, vertex_rgb(colours, len(xyz), linear=False), unit=by.unit)]
