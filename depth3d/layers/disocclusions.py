"""Disocclusions: where the layers behind others may come into sight."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.layers.depth_peeling import DepthLayer
from depth3d.layers.push_pull import push_pull
from depth3d.layers.split import Layers

_LEAST_WEIGHT = 0.02
_RIM = np.ones((5, 5), np.uint8)
"""Two pixels of the photo's own surface, so that differently simplified meshes leave no gaps."""


def find_disocclusions(layers: Layers, depth_layers: Sequence[DepthLayer]) -> tuple[NDArray[np.bool_], ...]:
    """For each layer but the nearest, where it is hidden and a turned scene may show it.

    What ends at a depth edge continues behind it in its own layer, and the farther ones behind it, as it may end there.
    Nothing goes on behind what stands before the unknown, such as the sky.

    Args:
        layers: the photo in layers.
        depth_layers: the layers that `peel` made of it, the farthest first.

    Returns:
        (H, W) True for each but the last; the rim, on the photo's own surface, is included.
    """
    edges, unknown = layers.edges, layers.unknown
    covered = [layer.matte >= 0.5 for layer in depth_layers]
    shown = np.zeros(unknown.shape, np.float32)
    for number, cover in enumerate(covered):
        shown[cover] = number
    # The layer that the edges around belong to, and whether it is known, weighted by their gaps.
    weight = np.where(edges.far, np.clip(edges.gap / max(float(edges.gap.max()), 1e-12), _LEAST_WEIGHT, 1), 0)
    level = np.where(unknown, 0, np.minimum(shown, len(depth_layers) - 2))
    level, known = np.moveaxis(
        push_pull(np.dstack([level, ~unknown]).astype(np.float32), weight.astype(np.float32)), 2, 0
    )
    wanted = edges.reach(layers.px_per_gap, where=edges.far & ~unknown) & (known > 0.5)
    disocclusions = []
    for number, cover in enumerate(covered[:-1]):
        hidden = wanted & cover & (shown > number) & (level > (number - 0.5) * known)
        rim = np.asarray(cv2.dilate(hidden.astype(np.uint8), _RIM), bool) & (shown == number)
        disocclusions.append((hidden | rim) & ~unknown)
    return tuple(disocclusions)
