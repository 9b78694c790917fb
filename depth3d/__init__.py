"""Turn an ordinary photo into 3D that you can measure.

The public names, by the room they live in; each room is loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from depth3d.core.dependencies import switch_off_reports

if TYPE_CHECKING:
    # The sentence
    from depth3d.scenes.options import Options as Options
    from depth3d.scenes.scene import Scene as Scene
    from depth3d.scenes.photo import reconstruct as reconstruct
    from depth3d.scenes.video.pipeline import reconstruct_video as reconstruct_video
    from depth3d.scenes.video.pipeline import save_video as save_video
    from depth3d.scenes.multiview import KnownLength as KnownLength
    from depth3d.scenes.multiview import align_views as align_views
    from depth3d.scenes.multiview import fuse_aligned as fuse_aligned

    from depth3d.scenes.panorama.pipeline import PanoramaScene as PanoramaScene
    from depth3d.scenes.panorama.pipeline import reconstruct_panorama as reconstruct_panorama

    # Nouns
    from depth3d.core.camera import Intrinsics as Intrinsics
    from depth3d.core.camera import Pose as Pose
    from depth3d.core.camera import pixel_centres as pixel_centres
    from depth3d.core.depth import InverseDepth as InverseDepth
    from depth3d.core.depth import MetricDepth as MetricDepth
    from depth3d.core.errors import Depth3DError as Depth3DError
    from depth3d.core.images import Animation as Animation
    from depth3d.core.images import DepthPhoto as DepthPhoto
    from depth3d.core.images import Picture as Picture

    # Sources
    from depth3d.io.captures import read_capture as read_capture
    from depth3d.calibration import choose_intrinsics as choose_intrinsics
    from depth3d.io.photos.photo import Photo as Photo
    from depth3d.io.photos.photo import read_photo as read_photo
    from depth3d.predictors import load_predictor as load_predictor
    from depth3d.predictors.plugins import predictor as predictor
    from depth3d.predictors.prediction import Prediction as Prediction
    from depth3d.io.depth.depth_map import read_depth_map as read_depth_map
    from depth3d.io.photos.video import read_video as read_video

    from depth3d.io.photos.embedded_depth_file import read_embedded_depth as read_embedded_depth
    from depth3d.io.geometry.read import read_geometries as read_geometries
    from depth3d.io.geometry.read import read_geometry as read_geometry
    from depth3d.io.points.hints_file import read_hints as read_hints
    from depth3d.io.points.read import read_points as read_points

    # Steps
    from depth3d.render.bokeh import defocus as defocus
    from depth3d.geometry.point_cloud import PointCloud as PointCloud
    from depth3d.geometry.point_cloud import to_cloud as to_cloud
    from depth3d.render.heatmap import to_depth_photo as to_depth_photo
    from depth3d.render.heatmap import to_heatmap as to_heatmap
    from depth3d.geometry.measure import Measurement as Measurement
    from depth3d.geometry.measure import measure_length as measure_length
    from depth3d.geometry.mesh import Mesh as Mesh
    from depth3d.geometry.mesh import to_mesh as to_mesh
    from depth3d.layers import Layers as Layers
    from depth3d.layers import layers_to_mesh as layers_to_mesh
    from depth3d.layers import to_layers as to_layers
    from depth3d.render.parallax import animate_parallax as animate_parallax
    from depth3d.geometry.lazy_point_cloud import PixelCloud as PixelCloud
    from depth3d.geometry.lazy_point_cloud import to_pixel_cloud as to_pixel_cloud
    from depth3d.core.point_map import PointMap as PointMap
    from depth3d.core.point_map import unproject as unproject
    from depth3d.refine import refine_inverse_depth as refine_inverse_depth
    from depth3d.geometry.plate import Plate as Plate
    from depth3d.geometry.plate import to_plate as to_plate
    from depth3d.geometry.gaussians import Gaussians as Gaussians
    from depth3d.geometry.gaussians import to_gaussians as to_gaussians
    from depth3d.render.stereo import Eyes as Eyes
    from depth3d.render.stereo import animate_wigglegram as animate_wigglegram
    from depth3d.render.stereo import to_stereo as to_stereo
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
    from depth3d.io.save import save as save

__version__ = "0.1.0"

switch_off_reports()  # before anything that reports is loaded

_ROOM_OF_NAME = {
    # The sentence
    "Options": "scenes.options",
    "Scene": "scenes.scene",
    "reconstruct": "scenes.photo",
    "reconstruct_video": "scenes.video.pipeline",
    "save_video": "scenes.video.pipeline",
    "KnownLength": "scenes.multiview",
    "align_views": "scenes.multiview",
    "fuse_aligned": "scenes.multiview",
    "PanoramaScene": "scenes.panorama.pipeline",
    "reconstruct_panorama": "scenes.panorama.pipeline",
    # Nouns
    "Intrinsics": "core.camera",
    "Pose": "core.camera",
    "pixel_centres": "core.camera",
    "InverseDepth": "core.depth",
    "MetricDepth": "core.depth",
    "Depth3DError": "core.errors",
    "Animation": "core.images",
    "DepthPhoto": "core.images",
    "Picture": "core.images",
    # Sources
    "read_capture": "io.captures",
    "choose_intrinsics": "calibration",
    "Photo": "io.photos.photo",
    "read_photo": "io.photos.photo",
    "load_predictor": "predictors",
    "predictor": "predictors.plugins",
    "Prediction": "predictors.prediction",
    "read_depth_map": "io.depth.depth_map",
    "read_video": "io.photos.video",
    "read_embedded_depth": "io.photos.embedded_depth_file",
    "read_geometries": "io.geometry.read",
    "read_geometry": "io.geometry.read",
    "read_hints": "io.points.hints_file",
    "read_points": "io.points.read",
    # Steps
    "defocus": "render.bokeh",
    "PointCloud": "geometry.point_cloud",
    "to_cloud": "geometry.point_cloud",
    "to_depth_photo": "render.heatmap",
    "to_heatmap": "render.heatmap",
    "Measurement": "geometry.measure",
    "measure_length": "geometry.measure",
    "Mesh": "geometry.mesh",
    "to_mesh": "geometry.mesh",
    "Layers": "layers",
    "layers_to_mesh": "layers",
    "to_layers": "layers",
    "animate_parallax": "render.parallax",
    "PixelCloud": "geometry.lazy_point_cloud",
    "to_pixel_cloud": "geometry.lazy_point_cloud",
    "PointMap": "core.point_map",
    "unproject": "core.point_map",
    "refine_inverse_depth": "refine",
    "Plate": "geometry.plate",
    "to_plate": "geometry.plate",
    "Gaussians": "geometry.gaussians",
    "to_gaussians": "geometry.gaussians",
    "Eyes": "render.stereo",
    "animate_wigglegram": "render.stereo",
    "to_stereo": "render.stereo",
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
    "save": "io.save",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF_NAME:
        raise AttributeError(f"module 'depth3d' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"depth3d.{_ROOM_OF_NAME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOM_OF_NAME})
