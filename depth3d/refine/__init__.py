"""Refinement: inverse depth whose edges lie on the photo's edges, with nothing between the surfaces that meet there."""

from depth3d.refine.inverse_depth import refine_inverse_depth
from depth3d.refine.refine_and_smooth import refine_depth

__all__ = ["refine_depth", "refine_inverse_depth"]
