"""Turn an ordinary photo into 3D that you can measure.

The public names, by the room they live in; each room is loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # The sentence
    # Sinks
    from depth3d.formats import save

    # Sources
    from depth3d.intrinsics import choose_intrinsics
    from depth3d.photo import Photo, read_photo
    from depth3d.pipeline import Options, Scene, reconstruct
    from depth3d.predictors import load_predictor
    from depth3d.predictors.depth_map import read_depth_map

    # Nouns
    from depth3d.camera import Intrinsics, Pose, pixel_centres
    from depth3d.depth import InverseDepth, MetricDepth
    from depth3d.errors import Depth3DError
    from depth3d.pictures import Animation, Picture

    # Steps
    from depth3d.cloud import PointCloud, to_cloud
    from depth3d.colormap import to_heatmap
    from depth3d.mesh import Mesh, to_mesh
    from depth3d.parallax import animate_parallax
    from depth3d.points import PointMap, unproject
    from depth3d.scale import DistanceAt, Farthest, Nearest, ScaleFit, fit_scale

__version__ = "0.1.0"

_ROOM_OF_NAME = {
    # The sentence
    "Options": "pipeline",
    "Scene": "pipeline",
    "reconstruct": "pipeline",
    # Nouns
    "Animation": "pictures",
    "Depth3DError": "errors",
    "Intrinsics": "camera",
    "InverseDepth": "depth",
    "MetricDepth": "depth",
    "Picture": "pictures",
    "Pose": "camera",
    "pixel_centres": "camera",
    # Sources
    "Photo": "photo",
    "choose_intrinsics": "intrinsics",
    "load_predictor": "predictors",
    "read_depth_map": "predictors.depth_map",
    "read_photo": "photo",
    # Steps
    "DistanceAt": "scale",
    "Farthest": "scale",
    "Mesh": "mesh",
    "Nearest": "scale",
    "PointCloud": "cloud",
    "PointMap": "points",
    "ScaleFit": "scale",
    "animate_parallax": "parallax",
    "fit_scale": "scale",
    "to_cloud": "cloud",
    "to_heatmap": "colormap",
    "to_mesh": "mesh",
    "unproject": "points",
    # Sinks
    "save": "formats",
}

__all__ = sorted(_ROOM_OF_NAME)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF_NAME:
        raise AttributeError(f"module 'depth3d' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"depth3d.{_ROOM_OF_NAME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOM_OF_NAME})
