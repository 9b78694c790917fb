"""Camera source: nothing is known, so an ordinary lens is assumed, and said."""

from __future__ import annotations

import math

from depth3d.core.camera import Intrinsics

ASSUMED_LONG_SIDE_DEG = 60.0
"""Between a phone's main camera (66 degrees) and a normal lens on film (40 degrees along the long side)."""

ASSUMED_SIGMA = 0.25
"""One standard deviation of the assumed focal length: ordinary lenses span 40 to 80 degrees."""


def assume_camera(size: tuple[int, int], *, reason: str) -> Intrinsics:
    """A camera of (width, height) pixels that spans 60 degrees along its long side; `reason` says why it is needed."""
    width, height = size
    f_px = max(size) / 2 / math.tan(math.radians(ASSUMED_LONG_SIDE_DEG) / 2)
    source = (
        f"assumed: {ASSUMED_LONG_SIDE_DEG:g} degrees along the long side ({reason}); angles may be off by a third,"
        " give a field of view, a focal length or a camera file"
    )
    return Intrinsics(width, height, f_px, f_px, width / 2, height / 2, source=source, focal_sigma=ASSUMED_SIGMA)
