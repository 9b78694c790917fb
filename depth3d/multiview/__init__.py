"""Many photos of one place: one scale, and one surface."""

from depth3d.multiview.aligned import Aligned, AlignedPhoto
from depth3d.multiview.alignment import align_views
from depth3d.multiview.known import KnownLength
from depth3d.multiview.result import FusedScene, fuse_aligned, save_depths

__all__ = ["Aligned", "AlignedPhoto", "FusedScene", "KnownLength", "align_views", "fuse_aligned", "save_depths"]
