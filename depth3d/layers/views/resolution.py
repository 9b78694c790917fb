"""How fine layers must be for views of a width."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth
from depth3d.core.errors import UsageError
from depth3d.layers import Layers, to_layers

_WIDEST = 8192
_DETAIL = 1.5
"""Pixels of the layers per pixel of an eye's picture, so that it is sharp."""
_MOST_PIXELS = 3_000_000


def layers_for(
    rgb: NDArray[np.uint8], depth: MetricDepth, camera: Intrinsics, width: int
) -> tuple[Layers, tuple[int, int]]:
    """Layers fine enough for views of a width, and the size of these: not larger than the photo."""
    width = min(checked_width(width), rgb.shape[1])
    scale = width / rgb.shape[1]
    pixels = rgb.shape[0] * rgb.shape[1] * (scale * _DETAIL) ** 2
    layers = to_layers(rgb, depth, camera, max_pixels=int(max(4, min(pixels, _MOST_PIXELS))))
    return layers, (width, max(1, round(rgb.shape[0] * scale)))


def checked_width(width: int) -> int:
    """The width itself.

    Raises:
        UsageError: no view can be so wide.
    """
    if not 16 <= width <= _WIDEST:
        raise UsageError(f"the width must lie between 16 and {_WIDEST} pixels, got {width}")
    return width
