"""Structure from motion: bare photos, or a video, become photos with known places."""

from depth3d.scenes.multiview.sfm.find import MODEL, find_places
from depth3d.scenes.multiview.sfm.photo_set import is_bare

__all__ = ["MODEL", "find_places", "is_bare"]
