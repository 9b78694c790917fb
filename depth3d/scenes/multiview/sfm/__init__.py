"""Structure from motion: bare photos, or a video, become photos with known places."""

from depth3d.scenes.multiview.sfm.photo_set import is_bare
from depth3d.scenes.multiview.sfm.reconstruct import MODEL, find_poses

__all__ = ["MODEL", "find_poses", "is_bare"]
