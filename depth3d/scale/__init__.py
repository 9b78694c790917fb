"""Scale: relative inverse depth and hints become metres."""

from depth3d.scale.fit import Residual, ScaleFit
from depth3d.scale.hints import DistanceAt, Farthest, Hint, Nearest
from depth3d.scale.solver import fit_scale

__all__ = ["DistanceAt", "Farthest", "Hint", "Nearest", "Residual", "ScaleFit", "fit_scale"]
