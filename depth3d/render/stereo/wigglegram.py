"""Two eyes' pictures one after the other: depth without glasses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from depth3d.core.images import Animation
from depth3d.core.rgbd import RGBD
from depth3d.layers.views.resolution import layers_for
from depth3d.render.stereo.layouts import DEFAULT_WIGGLE_WIDTH
from depth3d.render.stereo.stereo_rig import Eyes, see, to_rig

_FPS = 10.0
_SIDES = (-1.0, 0.0, 1.0)
_ORDER = (0, 1, 2, 1)


def animate_wigglegram(
    rgbd: RGBD,
    *,
    eyes: Eyes | None = None,
    width: int = DEFAULT_WIGGLE_WIDTH,
) -> Animation:
    """Left eye, between, right eye, between, ten a second, in a loop.

    Args:
        rgbd: photo, depth and camera.
        eyes: how they look; what is at the convergence stays still.
        width: frame width in pixels; smaller photos are not enlarged.

    Raises:
        UsageError: a number is out of range.
    """
    layers, size = layers_for(rgbd, width)
    views = see(layers, to_rig(layers, eyes or Eyes()), size, _SIDES)

    def frames() -> Iterator[NDArray[np.uint8]]:
        return (views[index] for index in _ORDER)

    return Animation(frames, len(_ORDER), _FPS)
