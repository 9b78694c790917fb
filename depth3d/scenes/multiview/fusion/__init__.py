"""Fusion: several photos with depth and poses become one surface."""

from depth3d.scenes.multiview.fusion.consistency import CheckedDepth, agree
from depth3d.scenes.multiview.fusion.depth_view import DepthView
from depth3d.scenes.multiview.fusion.plane_sweep import SweptDepth, sweep
from depth3d.scenes.multiview.fusion.volume import DEFAULT_MEMORY_GB, Fused, fuse_depth

__all__ = ["DEFAULT_MEMORY_GB", "CheckedDepth", "DepthView", "Fused", "SweptDepth", "agree", "fuse_depth", "sweep"]
