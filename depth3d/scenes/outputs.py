"""What a photo can become, and which of it a file's name asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import UsageError, nearest
from depth3d.core.images import Animation, DepthPhoto, Picture
from depth3d.geometry.gaussians import Gaussians
from depth3d.geometry.lazy_point_cloud import PixelCloud
from depth3d.geometry.mesh import Mesh
from depth3d.geometry.plate import Plate
from depth3d.geometry.point_cloud import PointCloud
from depth3d.io.registry import first_frame
from depth3d.io.save import files_for, is_sequence

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
    "splat": ("Gaussians", ""),
    "mesh": ("Mesh", ""),
    "relief": ("Plate", ""),
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


Value = (
    PointCloud
    | PixelCloud
    | Gaussians
    | Mesh
    | Plate
    | MetricDepth
    | InverseDepth
    | Picture
    | DepthPhoto
    | Animation
    | Intrinsics
)


def in_words(value: Value, unit: str) -> str:
    """What was written, such as "412,300 points"; `unit` is "m" or "arbitrary"."""
    if isinstance(value, PointCloud | PixelCloud):
        return f"{value.count:,} points"
    if isinstance(value, Mesh):
        skin = "textured" if value.texture is not None else "coloured vertices"
        notes = () if value.meshing is None else value.meshing.notes
        return "; ".join((f"{len(value.xyz):,} vertices, {len(value.faces):,} faces, {skin}", *notes))
    if isinstance(value, Gaussians):
        return f"{len(value.xyz):,} Gaussian splats"
    if isinstance(value, Plate):
        width, height, depth = np.ptp(value.xyz_mm, axis=0)
        return f"printable relief of {width:.4g} x {height:.4g} x {depth:.3g} mm, {len(value.faces):,} faces"
    if isinstance(value, MetricDepth):
        near, far = np.nanmin(value.z), np.nanmax(value.z)
        name = "m" if unit == "m" else "arbitrary units"
        return f"depth {value.size[0]}x{value.size[1]}, {near:.3g} to {far:.3g} {name}"
    if isinstance(value, InverseDepth):
        return f"relative inverse depth {value.size[0]}x{value.size[1]}, larger is nearer"
    if isinstance(value, DepthPhoto):
        return f"photo and grey depth {value.rgb.shape[1]}x{value.rgb.shape[0]}, near is white"
    if isinstance(value, Intrinsics):
        return f"camera of {value.width}x{value.height}, {value.fov_x_deg:.1f} degrees wide"
    if isinstance(value, Picture):
        return f"picture {value.rgb.shape[1]}x{value.rgb.shape[0]}"
    enlarged = f", enlarged by {value.zoom - 1:.1%} to keep the border full" if value.zoom > 1 else ""
    return f"{value.count} frames at {value.fps:g} per second{enlarged}"
