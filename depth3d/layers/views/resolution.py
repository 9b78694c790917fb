"""How fine layers must be for views of a width."""

from __future__ import annotations

from depth3d.core.errors import UsageError
from depth3d.core.rgbd import RGBD
from depth3d.layers import Layers, to_layers

_WIDEST = 8192
_DETAIL = 1.5
"""Pixels of the layers per pixel of an eye's picture, so that it is sharp."""
_MOST_PIXELS = 3_000_000


def layers_for(rgbd: RGBD, width: int) -> tuple[Layers, tuple[int, int]]:
    """Layers fine enough for views of a width, and the size of these: not larger than the photo."""
    photo_width, photo_height = rgbd.size
    width = min(checked_width(width), photo_width)
    scale = width / photo_width
    pixels = photo_height * photo_width * (scale * _DETAIL) ** 2
    layers = to_layers(rgbd, max_pixels=int(max(4, min(pixels, _MOST_PIXELS))))
    return layers, (width, max(1, round(photo_height * scale)))


def checked_width(width: int) -> int:
    """The width itself.

    Raises:
        UsageError: no view can be so wide.
    """
    if not 16 <= width <= _WIDEST:
        raise UsageError(f"the width must lie between 16 and {_WIDEST} pixels, got {width}")
    return width
