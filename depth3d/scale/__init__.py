"""Scale: relative inverse depth and hints become metres."""

from depth3d.scale.depth_hints import DepthAt, DistanceAt, Farthest, InfinityAt, Nearest, SparsePoints
from depth3d.scale.error_covariance import SharedErrors, share_errors
from depth3d.scale.fit import Residual, ScaleFit
from depth3d.scale.hint import Hint
from depth3d.scale.shape_hints import CameraHeight, LengthBetween, RightAngle
from depth3d.scale.solver import fit_scale

__all__ = [
    "CameraHeight",
    "DepthAt",
    "DistanceAt",
    "Farthest",
    "Hint",
    "InfinityAt",
    "LengthBetween",
    "Nearest",
    "Residual",
    "RightAngle",
    "ScaleFit",
    "SharedErrors",
    "SparsePoints",
    "fit_scale",
    "share_errors",
]
