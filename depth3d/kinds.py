"""What a photo can become, and which of it a file's name asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from depth3d.errors import UsageError, nearest
from depth3d.formats import files_for, is_sequence
from depth3d.formats.registry import first_frame

Geometry = Literal["cloud", "points", "splat", "mesh", "relief"]
Image = Literal[
    "depth",
    "relative",
    "tum",
    "3dgs",
    "heatmap",
    "depth-photo",
    "parallax",
    "bokeh",
    "stereo",
    "wigglegram",
    "photo",
    "camera",
]
Kind = Literal[Geometry, Image]

TYPE_AND_LAYOUT: dict[Kind, tuple[str, str]] = {
    "cloud": ("PointCloud", ""),
    "points": ("PointCloud", ""),
    "splat": ("Splats", ""),
    "mesh": ("Mesh", ""),
    "relief": ("Solid", ""),
    "depth": ("MetricDepth", ""),
    "relative": ("InverseDepth", ""),
    "tum": ("MetricDepth", "tum"),
    "3dgs": ("MetricDepth", "3dgs"),
    "heatmap": ("Picture", ""),
    "depth-photo": ("DepthPhoto", ""),
    "parallax": ("Animation", ""),
    "bokeh": ("Picture", ""),
    "stereo": ("Picture", ""),
    "wigglegram": ("Animation", ""),
    "photo": ("Picture", ""),
    "camera": ("Intrinsics", ""),
}

KIND_OF_SUFFIX: dict[str, Kind] = {
    ".ply": "cloud",
    ".pcd": "cloud",
    ".xyz": "cloud",
    ".las": "cloud",
    ".laz": "cloud",
    ".e57": "cloud",
    ".spz": "splat",
    ".glb": "mesh",
    ".obj": "mesh",
    ".usdz": "mesh",
    ".html": "mesh",
    ".stl": "relief",
    ".png": "depth",
    ".npy": "depth",
    ".npz": "depth",
    ".exr": "depth",
    ".tif": "depth",
    ".tiff": "depth",
    ".pfm": "depth",
    ".gif": "parallax",
    ".webp": "parallax",
    ".apng": "parallax",
    ".avif": "parallax",
    ".mp4": "parallax",
    ".webm": "parallax",
    ".jpg": "heatmap",
    ".jpeg": "heatmap",
    ".json": "camera",
}


def provenance_path(path: Path) -> Path:
    """The JSON file beside an output: kitchen.ply has kitchen.ply.json, numbered frames have that of their folder."""
    if is_sequence(path):
        folder = first_frame(path).parent
        return folder.with_name(f"{folder.name}.json") if folder.name else folder / "frames.json"
    return path.with_name(f"{path.name}.json")


def files_of(path: Path, kind: Kind | None) -> tuple[Path, ...]:
    """Every file that saving would write for this path, but for the provenance.

    Raises:
        UsageError: the suffix is unknown, or cannot hold such a value.
    """
    return files_for(path, *TYPE_AND_LAYOUT[kind or kind_of(path)])


def kind_of(path: Path) -> Kind:
    """What goes into a file unless the user says otherwise.

    Raises:
        UsageError: the suffix names no known format.
    """
    suffix = path.suffix.lower()
    if suffix and is_sequence(path):
        return "parallax"
    if suffix not in KIND_OF_SUFFIX:
        known = " ".join(KIND_OF_SUFFIX)
        meant = nearest(suffix, KIND_OF_SUFFIX)
        raise UsageError(f"{path}: the suffix {suffix or '(none)'!r} names no known format; use one of {known}{meant}")
    return KIND_OF_SUFFIX[suffix]
