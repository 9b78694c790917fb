"""Panoramas: split into perspective faces, predicted, brought to one scale, merged into one cloud or mesh."""

from depth3d.panorama.reconstruction import predict_panorama, scale_panorama
from depth3d.panorama.sphere import SphericalDepth, SphericalRelief
from depth3d.panorama.surface import panorama_to_cloud, panorama_to_mesh, panorama_to_points

__all__ = [
    "SphericalDepth",
    "SphericalRelief",
    "panorama_to_cloud",
    "panorama_to_mesh",
    "panorama_to_points",
    "predict_panorama",
    "scale_panorama",
]
