"""Camera source: one number that the user states."""

from __future__ import annotations

import math

from depth3d.core.camera import Intrinsics
from depth3d.core.errors import UsageError
from depth3d.core.focal_35mm import film_mm_from_focal_px, is_plausible_film_mm


def camera_from_fov(fov_x_deg: float, size: tuple[int, int]) -> Intrinsics:
    """The camera of (width, height) pixels that spans `fov_x_deg` degrees from left edge to right edge.

    Raises:
        UsageError: the angle does not lie between 0 and 180 degrees.
    """
    if not 0 < fov_x_deg < 180:
        raise UsageError(f"the field of view must lie between 0 and 180 degrees, got {fov_x_deg:g}")
    return Intrinsics.from_fov(*size, fov_x_deg=fov_x_deg, source=f"stated: {fov_x_deg:g} degrees from left to right")


def camera_from_focal(focal_px: float, size: tuple[int, int]) -> Intrinsics:
    """The camera of (width, height) pixels with a focal length in pixels and its principal point in the middle.

    Raises:
        UsageError: the length is not positive, or so far off that it cannot be in pixels.
    """
    if not (math.isfinite(focal_px) and focal_px > 0):
        raise UsageError(f"the focal length must be a positive number of pixels, got {focal_px:g}")
    width, height = size
    if not is_plausible_film_mm(film_mm_from_focal_px(focal_px, size)):
        angle = math.degrees(2 * math.atan(width / 2 / focal_px))
        raise UsageError(
            f"a focal length of {focal_px:g} pixels would make this {width}x{height} photo {angle:.3g} degrees wide;"
            " give it in pixels, not millimetres"
        )
    source = f"stated: focal length {focal_px:g} px"
    return Intrinsics(width, height, focal_px, focal_px, width / 2, height / 2, source=source)
