"""Turn an ordinary photo into 3D that you can measure.

The public names, by the room they live in; each room is loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # The sentence
    from depth3d.options import Options as Options
    from depth3d.scene import Scene as Scene
    from depth3d.pipeline import reconstruct as reconstruct
    from depth3d.clip import reconstruct_video as reconstruct_video
    from depth3d.clip import save_video as save_video
    from depth3d.multiview import KnownLength as KnownLength
    from depth3d.multiview import align_views as align_views
    from depth3d.multiview import fuse_aligned as fuse_aligned

    from depth3d.panorama_scene import PanoramaScene as PanoramaScene
    from depth3d.panorama_scene import reconstruct_panorama as reconstruct_panorama

    # Nouns
    from depth3d.camera import Intrinsics as Intrinsics
    from depth3d.camera import Pose as Pose
    from depth3d.camera import pixel_centres as pixel_centres
    from depth3d.depth import InverseDepth as InverseDepth
    from depth3d.depth import MetricDepth as MetricDepth
    from depth3d.errors import Depth3DError as Depth3DError
    from depth3d.pictures import Animation as Animation
    from depth3d.pictures import DepthPhoto as DepthPhoto
    from depth3d.pictures import Picture as Picture

    # Sources
    from depth3d.captures import read_capture as read_capture
    from depth3d.intrinsics import choose_intrinsics as choose_intrinsics
    from depth3d.photo import Photo as Photo
    from depth3d.photo import read_photo as read_photo
    from depth3d.predictors import load_predictor as load_predictor
    from depth3d.predictors.depth_map import read_depth_map as read_depth_map
    from depth3d.video import read_video as read_video

    from depth3d.sparse import read_embedded_depth as read_embedded_depth
    from depth3d.sparse import read_hints as read_hints
    from depth3d.sparse import read_points as read_points

    # Steps
    from depth3d.bokeh import defocus as defocus
    from depth3d.cloud import PointCloud as PointCloud
    from depth3d.cloud import to_cloud as to_cloud
    from depth3d.colormap import to_depth_photo as to_depth_photo
    from depth3d.colormap import to_heatmap as to_heatmap
    from depth3d.measure import Measurement as Measurement
    from depth3d.measure import measure_length as measure_length
    from depth3d.mesh import Mesh as Mesh
    from depth3d.mesh import to_mesh as to_mesh
    from depth3d.layers import Layers as Layers
    from depth3d.layers import layers_to_mesh as layers_to_mesh
    from depth3d.layers import to_layers as to_layers
    from depth3d.parallax import animate_parallax as animate_parallax
    from depth3d.pixel_cloud import PixelCloud as PixelCloud
    from depth3d.pixel_cloud import to_pixel_cloud as to_pixel_cloud
    from depth3d.points import PointMap as PointMap
    from depth3d.points import unproject as unproject
    from depth3d.refine import refine_relief as refine_relief
    from depth3d.solid import Solid as Solid
    from depth3d.solid import to_solid as to_solid
    from depth3d.splats import Splats as Splats
    from depth3d.splats import to_splats as to_splats
    from depth3d.stereo import Eyes as Eyes
    from depth3d.stereo import animate_wigglegram as animate_wigglegram
    from depth3d.stereo import to_stereo as to_stereo
    from depth3d.scale import CameraHeight as CameraHeight
    from depth3d.scale import DepthAt as DepthAt
    from depth3d.scale import DistanceAt as DistanceAt
    from depth3d.scale import Farthest as Farthest
    from depth3d.scale import InfinityAt as InfinityAt
    from depth3d.scale import LengthBetween as LengthBetween
    from depth3d.scale import Nearest as Nearest
    from depth3d.scale import RightAngle as RightAngle
    from depth3d.scale import ScaleFit as ScaleFit
    from depth3d.scale import SparsePoints as SparsePoints
    from depth3d.scale import fit_scale as fit_scale

    # Sinks
    from depth3d.formats import save as save

__version__ = "0.1.0"

_ROOM_OF_NAME = {
    # The sentence
    "Options": "options",
    "Scene": "scene",
    "reconstruct": "pipeline",
    "reconstruct_video": "clip",
    "save_video": "clip",
    "KnownLength": "multiview",
    "align_views": "multiview",
    "fuse_aligned": "multiview",
    "PanoramaScene": "panorama_scene",
    "reconstruct_panorama": "panorama_scene",
    # Nouns
    "Intrinsics": "camera",
    "Pose": "camera",
    "pixel_centres": "camera",
    "InverseDepth": "depth",
    "MetricDepth": "depth",
    "Depth3DError": "errors",
    "Animation": "pictures",
    "DepthPhoto": "pictures",
    "Picture": "pictures",
    # Sources
    "read_capture": "captures",
    "choose_intrinsics": "intrinsics",
    "Photo": "photo",
    "read_photo": "photo",
    "load_predictor": "predictors",
    "read_depth_map": "predictors.depth_map",
    "read_video": "video",
    "read_embedded_depth": "sparse",
    "read_hints": "sparse",
    "read_points": "sparse",
    # Steps
    "defocus": "bokeh",
    "PointCloud": "cloud",
    "to_cloud": "cloud",
    "to_depth_photo": "colormap",
    "to_heatmap": "colormap",
    "Measurement": "measure",
    "measure_length": "measure",
    "Mesh": "mesh",
    "to_mesh": "mesh",
    "Layers": "layers",
    "layers_to_mesh": "layers",
    "to_layers": "layers",
    "animate_parallax": "parallax",
    "PixelCloud": "pixel_cloud",
    "to_pixel_cloud": "pixel_cloud",
    "PointMap": "points",
    "unproject": "points",
    "refine_relief": "refine",
    "Solid": "solid",
    "to_solid": "solid",
    "Splats": "splats",
    "to_splats": "splats",
    "Eyes": "stereo",
    "animate_wigglegram": "stereo",
    "to_stereo": "stereo",
    "CameraHeight": "scale",
    "DepthAt": "scale",
    "DistanceAt": "scale",
    "Farthest": "scale",
    "InfinityAt": "scale",
    "LengthBetween": "scale",
    "Nearest": "scale",
    "RightAngle": "scale",
    "ScaleFit": "scale",
    "SparsePoints": "scale",
    "fit_scale": "scale",
    # Sinks
    "save": "formats",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF_NAME:
        raise AttributeError(f"module 'depth3d' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"depth3d.{_ROOM_OF_NAME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOM_OF_NAME})
