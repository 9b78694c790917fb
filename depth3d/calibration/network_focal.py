"""Camera source: a network that sees the focal length in the photo."""

from __future__ import annotations

import math

from depth3d.core.camera import Intrinsics

NETWORK_FOCAL_SIGMA = 0.1
"""One standard deviation of a focal length that a network saw: published ones are 3 to 5 degrees off in median."""


def camera_from_network(focal_px: float, size: tuple[int, int], *, name: str) -> Intrinsics:
    """The camera of (width, height) pixels with a network's focal length and its principal point in the middle."""
    width, height = size
    angle = math.degrees(2 * math.atan(width / 2 / focal_px))
    source = f"seen by the network ({name}): {angle:.1f} degrees from left to right, ±{NETWORK_FOCAL_SIGMA:.0%}"
    return Intrinsics(
        width, height, focal_px, focal_px, width / 2, height / 2, source=source, focal_sigma=NETWORK_FOCAL_SIGMA
    )
