"""Many photos of one place: one scale, and one surface."""

from depth3d.scenes.multiview.aligned import Aligned, AlignedPhoto
from depth3d.scenes.multiview.alignment import align_views
from depth3d.scenes.multiview.known_lengths import KnownLength
from depth3d.scenes.multiview.outputs import FusedScene, fuse_aligned, save_depths

__all__ = ["Aligned", "AlignedPhoto", "FusedScene", "KnownLength", "align_views", "fuse_aligned", "save_depths"]
