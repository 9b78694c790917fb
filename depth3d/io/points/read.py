"""One door for every file of points; the content decides, not the suffix."""

from __future__ import annotations

from pathlib import Path

from depth3d.core.camera import Intrinsics
from depth3d.core.errors import CameraError, HintError, UsageError
from depth3d.io.colmap.model import is_colmap_model
from depth3d.io.colmap.points import colmap_depths
from depth3d.io.open_input import is_folder, open_regular_file, shown
from depth3d.io.photos.photo import Photo
from depth3d.io.points.las import las_depths
from depth3d.io.points.pixel_depths import PixelDepths, to_hint
from depth3d.io.points.ply import ply_depths
from depth3d.io.points.sensor_grid import sensor_depths
from depth3d.io.points.table import table_depths
from depth3d.scale import SparsePoints

_HEAD_BYTES = 512
_MODEL_FILES = {f"{name}{suffix}" for name in ("cameras", "images", "points3D") for suffix in (".bin", ".txt")}
_GRID_STARTS = (
    *(b"\x93NUMPY", b"PK\x03\x04", b"\x76\x2f\x31\x01", b"\x89PNG", b"Pf\n", b"PF\n", b"P2\n", b"P5\n"),
    *(b"II*\0", b"MM\0*", b"\xff\xd8\xff", b"RIFF", b"BM"),
)
_KNOWN = "CSV, 16-bit PNG, NPY, NPZ, PLY, LAS, LAZ, or the folder of a COLMAP model"


def read_points(
    path: str | Path,
    *,
    photo: Photo,
    camera: Intrinsics,
    units_per_metre: float | None = None,
    confidence: str | Path | None = None,
    axes: str | None = None,
) -> SparsePoints:
    """Read points of known depth as a hint for one photo.

    - CSV, TSV or text: rows of u, v, z and perhaps sigma; see `table`.
    - 16-bit PNG, NPY, NPZ, EXR, PFM: depth on a grid of the photo's size or of a sensor's smaller one; see
      `sensor_grid`.
    - PLY, LAS, LAZ: points in the camera's axes; see `ply`, `las` and `geometry`.
    - the folder of a COLMAP model: what it knows of the image with the photo's file name; see `colmap_points`.

    Pixels are those of the photo as it was taken, turned upright: if its lens distortion was undone, map them likewise.

    Args:
        path: the file or folder.
        photo: the upright photo as taken; its size, its name and how it was turned matter.
        camera: its intrinsics; used only to see where the points of PLY and LAS files lie, with their distortion.
        units_per_metre: how many of the file's units make a metre; None means what the file itself says, else metres.
            Whole numbers on a grid need it.
        confidence: for grids, a second grid of a phone's confidence: 0 low, 1 medium, 2 high, as ARKit's.
        axes: for PLY and LAS, a name of `depth3d.io.geometry.axes.AXES`, such as "opencv" (x right, y down, z forward);
            None means what a PLY of depth3d says itself, else opencv.

    Raises:
        HintError: the file cannot be read as points, or none of them lies in the photo.
        DepthMapError: a file with a grid is damaged.
        ColmapError: a COLMAP model is damaged.
        UsageError: a unit is missing or an option does not suit the file.
        CameraError: the camera is of another size than the photo.
        MissingExtraError: LAS or LAZ without the package laspy.
    """
    path = Path(path)
    if camera.size != photo.size:
        sizes = f"{camera.width}x{camera.height}, the photo {photo.name} of {photo.size[0]}x{photo.size[1]}"
        raise CameraError(f"the camera is of a picture of {sizes}; resize the camera with the photo")
    if units_per_metre is not None and not 0 < units_per_metre < float("inf"):
        raise UsageError(f"points: the units per metre must be a positive number, got {units_per_metre:g}")
    kind = _kind(path)
    if confidence is not None and kind != "grid":
        raise UsageError(f"{shown(path)}: a confidence map belongs to depth on a grid, such as a phone's 256x192")
    if axes is not None and kind not in {"ply", "las"}:
        raise UsageError(f"{shown(path)}: axes belong to points in space, in PLY or LAS files")
    found = _read(kind, path, photo, camera, units_per_metre, None if confidence is None else Path(confidence), axes)
    return to_hint(found, photo.size)


def _read(
    kind: str,
    path: Path,
    photo: Photo,
    camera: Intrinsics,
    units_per_metre: float | None,
    confidence: Path | None,
    axes: str | None,
) -> PixelDepths:
    match kind:
        case "model":
            return colmap_depths(path, photo, units_per_metre=units_per_metre or 1.0)
        case "ply":
            return ply_depths(path, camera, units_per_metre=units_per_metre, axes=axes)
        case "las":
            return las_depths(path, camera, units_per_metre=units_per_metre, axes=axes)
        case "grid":
            return sensor_depths(path, photo, units_per_metre=units_per_metre, confidence=confidence)
        case _:
            return table_depths(path, units_per_metre=units_per_metre or 1.0)


def _kind(path: Path) -> str:
    if is_folder(path):
        if is_colmap_model(path):
            return "model"
        raise HintError(f"{shown(path)}: no COLMAP model; give the folder that holds cameras.bin, such as sparse/0")
    if path.name in _MODEL_FILES:
        raise HintError(f"{shown(path)}: is one file of a COLMAP model; give the folder it lies in")
    with open_regular_file(path, HintError) as file:
        head = file.read(_HEAD_BYTES)
    if head.startswith((b"ply\n", b"ply\r")):
        return "ply"
    if head.startswith(b"LASF"):
        return "las"
    if head.startswith(_GRID_STARTS):
        return "grid"
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise HintError(f"{shown(path)}: no file of points (begins {head[:12]!r}); known: {_KNOWN}")
    return "table"
