"""Captures: several photos of one place, and where each was taken."""

from depth3d.io.captures.capture import Capture, PlacedPhoto, PosedPhoto, SeenPoints, place
from depth3d.io.captures.read import holds_poses, read_capture

__all__ = ["Capture", "PlacedPhoto", "PosedPhoto", "SeenPoints", "holds_poses", "place", "read_capture"]
