"""Clouds and meshes from files, whoever wrote them, in camera axes and with the unit that the file states."""

from __future__ import annotations

import base64
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import Unit
from depth3d.core.errors import Depth3DError, GeometryError, UsageError
from depth3d.geometry.mesh import Mesh
from depth3d.geometry.point_cloud import PointCloud
from depth3d.io.geometry import e57, las, pcd, xyz
from depth3d.io.geometry.axes import axes_of_words, check_axes, turned
from depth3d.io.geometry.gltf_reader import is_ours, read_model
from depth3d.io.geometry.trimesh_reader import read_parts
from depth3d.io.geometry.usda import TEXTURE_NAME, read_layer
from depth3d.io.geometry.vertex_colors import srgb_from_linear
from depth3d.io.notes import unit_beside
from depth3d.io.open_input import check_regular_file, shown

Geometry = PointCloud | Mesh

_DEFAULT_AXES = "gltf"
_HEADER_BYTES = 65536
_SPLATS = b"\nproperty float f_dc_0\n"  # Gaussian splats, which have no room for words and always the same axes
_MODEL_OF_PAGE = re.compile(rb'<script id="model" type="text/plain">([A-Za-z0-9+/=]+)</script>')


def read_geometry(path: str | Path, *, axes: str | None = None) -> PointCloud | Mesh:
    """Read the cloud or the mesh of a file, in camera axes (x right, y down, z forward).

    Its unit is what the file states, as all of ours do that have a place for it (for the others the provenance beside
    them); "arbitrary" where nothing states one.

    Args:
        path: a file of one of `READABLE`; of USDZ and HTML only our own.
        axes: the file's axes, a name of `depth3d.io.geometry.axes.AXES`, such as "opencv" (y down, z forward). None
            means what the file states, else "opencv" for splats, "z-up" for LAS and E57, and "gltf".

    Raises:
        UsageError: the suffix or the axes are unknown.
        GeometryError: the file cannot be read, or holds nothing or several things; see `read_geometries`.
        MissingExtraError: LAS, LAZ or E57 without its package.
    """
    parts = read_geometries(path, axes=axes)
    if len(parts) > 1:
        raise GeometryError(f"{path}: it holds {len(parts)} clouds and meshes; read them with read_geometries")
    return parts[0]


def read_geometries(path: str | Path, *, axes: str | None = None) -> list[PointCloud | Mesh]:
    """Read every cloud and mesh of a file, see `read_geometry`.

    Raises:
        UsageError: the suffix or the axes are unknown.
        GeometryError: the file cannot be read, or there is nothing in it.
        MissingExtraError: LAS, LAZ or E57 without its package.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise UsageError(f"{path}: cannot read {suffix or 'a file without suffix'}; known are {' '.join(READABLE)}")
    if axes is not None:
        check_axes(axes)
    check_regular_file(path, GeometryError)
    try:
        parts = _READERS[suffix](path, axes)
    except Depth3DError as error:
        if not isinstance(error, GeometryError):
            raise
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - what libraries raise on damaged files has no common type
        reason = getattr(error, "strerror", None) or str(error).split("\n")[0][:200] or type(error).__name__
    else:
        if not parts:
            raise GeometryError(f"{shown(path)}: there is no point in it; is it damaged?")
        return parts
    raise GeometryError(f"{shown(path)}: cannot be read as {suffix[1:].upper()}; is it damaged? ({reason})")


@dataclass(frozen=True, slots=True)
class Stated:
    """What a file says about itself.

    Attributes:
        axes: a name of `axes.AXES`.
        unit: "m" or "arbitrary".
    """

    axes: str
    unit: Unit

    @property
    def cam_from_file(self) -> NDArray[np.float32]:
        """(3, 3): coordinates of the file, as columns, to those of the camera."""
        return turned(np.eye(3, dtype=np.float32), self.axes)


def stated(said: Mapping[str, str], path: Path, axes: str | None, *, usual_axes: str = _DEFAULT_AXES) -> Stated:
    """The axes that the user or else the file states, and the unit that the file or its provenance does."""
    unit = said.get("unit") or unit_beside(path)
    return Stated(
        axes or axes_of_words(said.get("axes", "")) or usual_axes, "m" if unit in ("m", "metre") else "arbitrary"
    )


def comments_of(path: Path) -> dict[str, str]:
    """The comments `name: text` of a file whose header is text: PLY, PCD, OBJ."""
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    head = head.split(b"end_header")[0].split(b"\nDATA ")[0]
    lines = re.findall(r"^(?:comment|#) (\w+): ([^\r\n]*)", head.decode("ascii", "replace"), re.MULTILINE)
    return {name: text.strip() for name, text in lines}


def _with_comments(path: Path, axes: str | None) -> list[Geometry]:
    usual = _DEFAULT_AXES
    if path.suffix.lower() == ".ply":
        with path.open("rb") as file:
            usual = "opencv" if _SPLATS in file.read(_HEADER_BYTES) else usual
    by = stated(comments_of(path), path, axes, usual_axes=usual)
    return read_parts(path, by.cam_from_file, unit=by.unit)


def _glb(path: Path, axes: str | None) -> list[Geometry]:
    data = path.read_bytes()
    if is_ours(data):
        return [_of_model(data, path, axes)]
    by = stated({}, path, axes)
    return read_parts(path, by.cam_from_file, unit=by.unit)


def _html(path: Path, axes: str | None) -> list[Geometry]:
    found = _MODEL_OF_PAGE.search(path.read_bytes())
    if found is None:
        raise GeometryError("only pages that depth3d wrote can be read")
    return [_of_model(base64.b64decode(found[1]), path, axes)]


def _of_model(data: bytes, path: Path, axes: str | None) -> Geometry:
    model = read_model(data)
    by = stated(model.said, path, axes)
    xyz, normals = _in_camera(model.xyz, by), None if model.normals is None else _in_camera(model.normals, by)
    if model.faces is None:
        return PointCloud(xyz, model.rgb, normals, unit=by.unit)
    faces = _faces(model.faces, by)
    return Mesh(xyz, faces, model.rgb, normals, model.uv, model.texture, unit=by.unit)


def _usdz(path: Path, axes: str | None) -> list[Geometry]:
    from PIL import Image

    with zipfile.ZipFile(path) as archive:
        members = {info.filename: info for info in archive.infolist() if info.compress_type == zipfile.ZIP_STORED}
        layer = read_layer(archive.read(archive.namelist()[0]) if archive.namelist()[0] in members else b"")
        texture = None
        if TEXTURE_NAME in members:  # USDZ stores its members as they are, so that none is larger than the file
            texture = np.asarray(Image.open(BytesIO(archive.read(TEXTURE_NAME))).convert("RGB"))
    by = stated(layer.said, path, axes)
    normals = None if layer.normals is None else _in_camera(layer.normals, by)
    uv = None if layer.st is None else (layer.st * (1, -1) + (0, 1)).astype(np.float32)
    rgb = None if layer.rgb is None else srgb_from_linear(layer.rgb)
    faces = _faces(layer.faces, by)
    return [Mesh(_in_camera(layer.xyz, by), faces, rgb, normals, uv, texture, unit=by.unit)]


def _las(path: Path, axes: str | None) -> list[Geometry]:
    points, rgb = las.read_points(path)
    return _cloud(points, rgb, stated(las.read_notes(path), path, axes, usual_axes="z-up"))


def _e57(path: Path, axes: str | None) -> list[Geometry]:
    points, rgb, said = e57.read_points(path)
    return _cloud(points, rgb, stated(said, path, axes, usual_axes="z-up"))


def _pcd(path: Path, axes: str | None) -> list[Geometry]:
    points, rgb, said = pcd.read_points(path)
    return _cloud(points, rgb, stated(said, path, axes))


def _xyz(path: Path, axes: str | None) -> list[Geometry]:
    points, rgb = xyz.read_points(path)
    return _cloud(points, rgb, stated({}, path, axes))


def _cloud(xyz: NDArray[np.float64], rgb: NDArray[np.uint8] | None, by: Stated) -> list[Geometry]:
    return [PointCloud(_in_camera(xyz, by), rgb, unit=by.unit)] if len(xyz) else []


def _in_camera(vectors: NDArray[np.floating], by: Stated) -> NDArray[np.float32]:
    return (vectors @ by.cam_from_file.T.astype(vectors.dtype)).astype(np.float32)


def _faces(faces: NDArray[np.uint32], by: Stated) -> NDArray[np.uint32]:
    """A mirror turns fronts into backs."""
    return faces[:, [0, 2, 1]] if np.linalg.det(by.cam_from_file) < 0 else faces


_READERS: dict[str, Callable[[Path, str | None], list[Geometry]]] = {
    **dict.fromkeys((".ply", ".obj", ".stl", ".off", ".gltf"), _with_comments),
    ".glb": _glb,
    ".usdz": _usdz,
    ".html": _html,
    ".las": _las,
    ".laz": _las,
    ".e57": _e57,
    ".pcd": _pcd,
    ".xyz": _xyz,
}
READABLE = tuple(_READERS)
