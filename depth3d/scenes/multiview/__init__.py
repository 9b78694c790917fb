"""Many photos of one place: one scale, and one surface."""

from depth3d.scenes.multiview.align import align_views
from depth3d.scenes.multiview.aligned_photos import Aligned, AlignedPhoto
from depth3d.scenes.multiview.colmap_project import save_colmap_project
from depth3d.scenes.multiview.depth_outputs import save_depths
from depth3d.scenes.multiview.known_lengths import KnownLength
from depth3d.scenes.multiview.outputs import FusedScene, fuse_aligned
from depth3d.scenes.multiview.sfm import find_poses

__all__ = [
    "Aligned",
    "AlignedPhoto",
    "FusedScene",
    "KnownLength",
    "align_views",
    "find_poses",
    "fuse_aligned",
    "save_colmap_project",
    "save_depths",
]
