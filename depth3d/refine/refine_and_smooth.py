"""Depth of either kind, refined and smoothed as the user wants it."""

from __future__ import annotations

from dataclasses import replace
from typing import overload

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import UsageError
from depth3d.refine.inverse_depth import refine_inverse_depth, smooth_known

Depth = InverseDepth | MetricDepth


@overload
def refine_depth(
    depth: InverseDepth, rgb: NDArray[np.uint8], *, refine: bool, smooth_px: float = 0.0
) -> InverseDepth: ...


@overload
def refine_depth(
    depth: MetricDepth, rgb: NDArray[np.uint8], *, refine: bool, smooth_px: float = 0.0
) -> MetricDepth: ...


def refine_depth(depth: Depth, rgb: NDArray[np.uint8], *, refine: bool, smooth_px: float = 0.0) -> Depth:
    """Bring depth edges onto the photo's, then blur; either may be left out.

    Metric depth goes through 1/z, where planes are linear in pixel coordinates; what is unknown stays unknown. The
    error of 1/z stays what it was, and no depth appears outside the range that was there.

    Args:
        depth: of the photo's size.
        rgb: (H, W, 3) uint8 photo.
        refine: as `refine_inverse_depth` does.
        smooth_px: sigma of a Gaussian in photo pixels; 0 for none.

    Returns:
        The same object if there is nothing to do; else `source` says what was done.

    Raises:
        UsageError: `smooth_px` is negative, or more than the photo is wide and high.
    """
    check_smoothing(smooth_px, (rgb.shape[1], rgb.shape[0]))
    if not refine and not smooth_px:
        return depth
    done = (", edges refined" if refine else "") + (f", smoothed by {smooth_px:g} px" if smooth_px else "")
    if isinstance(depth, InverseDepth):
        return replace(_polished(depth, rgb, refine, smooth_px), source=depth.source + done)
    before = np.float32(1) / depth.z
    inverse = _polished(InverseDepth(before), rgb, refine, smooth_px).values
    inverse = np.clip(inverse, np.nanmin(before), np.nanmax(before))
    metres = np.float32(1) / inverse
    sigma = None if depth.sigma is None else depth.sigma * (metres * before) ** 2
    return replace(depth, z=metres, sigma=sigma, source=depth.source + done)


def check_smoothing(smooth_px: float, size: tuple[int, int]) -> None:
    """Raise UsageError unless a photo of (width, height) can be smoothed by so many pixels."""
    if not 0 <= smooth_px <= max(size):
        raise UsageError(
            f"smoothing must be zero or a positive number of pixels, up to the photo's longer side of {max(size)}; "
            f"got {smooth_px:g}"
        )


def _polished(inverse_depth: InverseDepth, rgb: NDArray[np.uint8], refine: bool, smooth_px: float) -> InverseDepth:
    if refine:
        return refine_inverse_depth(inverse_depth, rgb, smooth_px=smooth_px)
    return replace(inverse_depth, values=smooth_known(inverse_depth.values, smooth_px))
