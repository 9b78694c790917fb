"""Refinement: inverse depth whose edges lie on the photo's edges, with nothing between the surfaces that meet there."""

from depth3d.refine.polishing import polish
from depth3d.refine.relief import refine_relief

__all__ = ["polish", "refine_relief"]
