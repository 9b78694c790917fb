"""What a file may hold, and how that is said in words."""

from __future__ import annotations

import numpy as np

from depth3d.camera import Intrinsics
from depth3d.cloud import PointCloud
from depth3d.depth import InverseDepth, MetricDepth
from depth3d.mesh import Mesh
from depth3d.pictures import Animation, DepthPhoto, Picture
from depth3d.pixel_cloud import PixelCloud
from depth3d.solid import Solid
from depth3d.splats import Splats

Value = (
    PointCloud
    | PixelCloud
    | Splats
    | Mesh
    | Solid
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
    if isinstance(value, Splats):
        return f"{len(value.xyz):,} Gaussian splats"
    if isinstance(value, Solid):
        width, height, depth = np.ptp(value.xyz_mm, axis=0)
        return f"printable relief of {width:.4g} x {height:.4g} x {depth:.3g} mm, {len(value.faces):,} faces"
    if isinstance(value, MetricDepth):
        near, far = np.nanmin(value.metres), np.nanmax(value.metres)
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
