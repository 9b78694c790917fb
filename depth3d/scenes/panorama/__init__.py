"""Panoramas: split into perspective faces, predicted, brought to one scale, merged into one cloud or mesh."""

from depth3d.scenes.panorama.geometry import panorama_to_cloud, panorama_to_mesh, panorama_to_points
from depth3d.scenes.panorama.predict import predict_panorama, scale_panorama
from depth3d.scenes.panorama.sphere import SphericalDepth, SphericalInverseDepth

__all__ = [
    "SphericalDepth",
    "SphericalInverseDepth",
    "panorama_to_cloud",
    "panorama_to_mesh",
    "panorama_to_points",
    "predict_panorama",
    "scale_panorama",
]
