"""Points in space: PLY, LAS and LAZ in the axes of the photo's camera, seen through that camera.

Of several points behind one pixel the nearest is kept: it hides the others.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from depth3d.camera import Intrinsics
from depth3d.errors import HintError, MissingExtraError, UsageError
from depth3d.input_files import DECODER_DAMAGE, open_regular_file, shown
from depth3d.sparse.pixel_depths import DEFAULT_RELATIVE_SIGMA, PixelDepths

_LARGEST_HEADER_BYTES = 1_000_000
_LAS_CHUNK = 1_000_000
_FLIPS = {"opencv": (1.0, 1.0, 1.0), "gltf": (1.0, -1.0, -1.0)}
_AXES_OF_COMMENT = {"x right, y up, z towards the viewer": "gltf", "x right, y down, z forward": "opencv"}
_REMEDY = "points must be in the camera's axes (x right, y down, z forward, or the axes gltf) and in metres"


def ply_depths(path: Path, camera: Intrinsics, *, units_per_metre: float, axes: str | None) -> PixelDepths:
    """Read the vertices of a PLY file.

    Args:
        path: ASCII or binary PLY, with or without faces.
        camera: of the photo.
        units_per_metre: the file's units per metre.
        axes: "opencv" or "gltf"; None means what a file of depth3d says in its header, else opencv.

    Raises:
        HintError: the file is damaged, or says that its unit is arbitrary.
        UsageError: unknown axes.
    """
    with open_regular_file(path, HintError) as file:
        said = _ply_comments(file, path)
        if said.get("unit", "metre") not in {"metre", "m"} and units_per_metre == 1:
            raise HintError(f"{shown(path)}: the file says that its unit is {said['unit'][:40]!r}, not metres")
        xyz = _ply_vertices(file, path)
    axes = axes or _AXES_OF_COMMENT.get(said.get("axes", ""), "opencv")
    return _seen([xyz], camera, units_per_metre, axes, path)


def las_depths(path: Path, camera: Intrinsics, *, units_per_metre: float, axes: str | None) -> PixelDepths:
    """Read the points of a LAS or LAZ file (ASPRS LAS 1.4).

    Args:
        path: the file.
        camera: of the photo.
        units_per_metre: the file's units per metre.
        axes: "opencv" or "gltf"; None means opencv.

    Raises:
        HintError: the file is damaged.
        UsageError: unknown axes.
        MissingExtraError: the package laspy is not installed.
    """
    try:
        import laspy
    except ImportError:
        raise MissingExtraError("LAS and LAZ files", "laspy[lazrs]", "formats") from None
    with open_regular_file(path, HintError):
        pass
    try:
        with laspy.open(path) as reader:
            parts = [np.stack([p.x, p.y, p.z], axis=1).astype(np.float64) for p in reader.chunk_iterator(_LAS_CHUNK)]
            stated = reader.header.point_count
    except (laspy.errors.LaspyException, *DECODER_DAMAGE) as problem:
        raise HintError(f"{shown(path)}: cannot be read as LAS: {_one_line(problem)}") from None
    if sum(map(len, parts)) != stated:
        raise HintError(f"{shown(path)}: cut off: {sum(map(len, parts)):,} of {stated:,} points are there")
    return _seen(parts, camera, units_per_metre, axes or "opencv", path)


def _seen(
    parts: list[NDArray[np.float64]], camera: Intrinsics, units_per_metre: float, axes: str, path: Path
) -> PixelDepths:
    if axes not in _FLIPS:
        raise UsageError(f"points: axes {axes!r} are not known; use one of {', '.join(_FLIPS)}")
    xyz = np.concatenate([np.zeros((0, 3)), *parts]) * _FLIPS[axes] / units_per_metre
    with np.errstate(invalid="ignore"):
        xyz = xyz[np.isfinite(xyz).all(axis=1) & (xyz[:, 2] > 0)]
    uv = _projected(xyz, camera)
    nearest = _nearest_per_pixel(uv, xyz[:, 2], camera)
    uv, metres = uv[nearest], xyz[nearest, 2]
    sigma = np.full(len(metres), DEFAULT_RELATIVE_SIGMA)
    return PixelDepths(uv[:, 0], uv[:, 1], metres, sigma, f"{path.name} (axes {axes})", _REMEDY)


def _projected(xyz: NDArray[np.float64], camera: Intrinsics) -> NDArray[np.float64]:
    """(N, 2) pixels (centres at +0.5) of points in front of the camera, through its lens."""
    if not camera.distortion or not len(xyz):
        return xyz[:, :2] / xyz[:, 2:] * (camera.fx, camera.fy) + (camera.cx, camera.cy)
    import cv2

    # OpenCV's pixel centres lie at integers. Far aside its polynomial folds back: such directions are not in the photo.
    wide = np.abs(xyz[:, :2]).max(axis=1) > 2 * xyz[:, 2]
    uv, _ = cv2.projectPoints(
        xyz, np.zeros(3), np.zeros(3), camera.integer_centre_matrix(), np.array(camera.distortion, np.float64)
    )
    return np.where(wide[:, None], np.nan, uv[:, 0] + 0.5)


def _nearest_per_pixel(uv: NDArray[np.float64], z: NDArray[np.float64], camera: Intrinsics) -> NDArray[np.intp]:
    """Which points to keep, in the file's order; all that lie outside the picture are kept to be counted."""
    width, height = camera.size
    with np.errstate(invalid="ignore"):
        inside = ((uv >= 0) & (uv < (width, height))).all(axis=1)
    rows = np.flatnonzero(inside)
    pixel = uv[rows, 1].astype(np.int64) * width + uv[rows, 0].astype(np.int64)
    order = np.lexsort((z[rows], pixel))
    first = np.ones(len(order), bool)
    first[1:] = np.diff(pixel[order]) > 0
    return np.sort(np.concatenate([np.flatnonzero(~inside), rows[order[first]]]))


def _ply_comments(file: IO[bytes], path: Path) -> dict[str, str]:
    """What `comment name: text` lines say, in lower-case names."""
    head = file.read(_LARGEST_HEADER_BYTES)
    file.seek(0)
    end = re.search(rb"^end_header\s", head, re.MULTILINE)
    if end is None:
        raise HintError(f"{shown(path)}: the PLY header does not end; the file is damaged or cut off")
    lines = re.findall(r"^comment (\w+): ([^\r\n]*)", head[: end.start()].decode("ascii", "replace"), re.MULTILINE)
    return {name.lower(): text.strip() for name, text in lines}


def _ply_vertices(file: IO[bytes], path: Path) -> NDArray[np.float64]:
    import trimesh

    try:
        loaded = trimesh.load(file, file_type="ply", process=False)
        xyz = np.asarray(getattr(loaded, "vertices", []), np.float64)
    except DECODER_DAMAGE as problem:
        raise HintError(f"{shown(path)}: cannot be read as PLY: {_one_line(problem)}") from None
    if xyz.ndim != 2 or xyz.shape[1] != 3:
        raise HintError(f"{shown(path)}: the PLY holds no vertices with x, y and z")
    return xyz


def _one_line(problem: BaseException) -> str:
    return " ".join(str(problem).split())[:120] or type(problem).__name__
