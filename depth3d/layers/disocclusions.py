"""Where the layers behind others may come into sight."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.layers.depth_peeling import Skin
from depth3d.layers.push_pull import spread
from depth3d.layers.split import Layers

_LEAST_SAY = 0.02
_RIM = np.ones((5, 5), np.uint8)
"""Two pixels of the photo's own surface, so that differently simplified meshes leave no gaps."""


def find_openings(layers: Layers, skins: Sequence[Skin]) -> tuple[NDArray[np.bool_], ...]:
    """For each layer but the nearest, where it is hidden and a turned scene may show it.

    What ends at a jump goes on behind it in its own layer, and the farther ones behind that, since it may end there.
    Nothing goes on behind what stands before the unknown, such as the sky.

    Args:
        layers: the photo in layers.
        skins: the layers that `peel` made of it, the farthest first.

    Returns:
        (H, W) True for each but the last; the rim, on the photo's own surface, is included.
    """
    jumps, unknown = layers.jumps, layers.unknown
    covered = [skin.matte >= 0.5 for skin in skins]
    shown = np.zeros(unknown.shape, np.float32)
    for number, cover in enumerate(covered):
        shown[cover] = number
    # Whose the ends around are, and whether they are known, by their gaps: a few crumbs among them change nothing.
    say = np.where(jumps.far, np.clip(jumps.gap / max(float(jumps.gap.max()), 1e-12), _LEAST_SAY, 1), 0)
    level = np.where(unknown, 0, np.minimum(shown, len(skins) - 2))
    level, known = np.moveaxis(spread(np.dstack([level, ~unknown]).astype(np.float32), say.astype(np.float32)), 2, 0)
    wanted = jumps.reach(layers.px_per_gap, where=jumps.far & ~unknown) & (known > 0.5)
    openings = []
    for number, cover in enumerate(covered[:-1]):
        hidden = wanted & cover & (shown > number) & (level > (number - 0.5) * known)
        rim = np.asarray(cv2.dilate(hidden.astype(np.uint8), _RIM), bool) & (shown == number)
        openings.append((hidden | rim) & ~unknown)
    return tuple(openings)
