"""Disocclusions: where the layers behind others may come into sight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.layers.depth_peeling import DepthLayer
from depth3d.layers.push_pull import push_pull
from depth3d.layers.split import Layers, closer_to

_LEAST_WEIGHT = 0.02
_AMPLE = 1.25
"""A camera that turns opens a little more than one that slides."""
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
    beside = edges.reach(layers.px_per_gap, where=edges.far & ~unknown)
    goes_on = (known > 0.5) | closer_to(edges.far & ~unknown, edges.far & unknown)
    nearest = _nearest_edges(layers)
    disocclusions = []
    for number, cover in enumerate(covered[:-1]):
        reached = beside | nearest.opened(depth_layers[number].inverse, layers.px_per_gap)
        hidden = reached & goes_on & cover & (shown > number) & (level > (number - 0.5) * known)
        rim = np.asarray(cv2.dilate(hidden.astype(np.uint8), _RIM), bool) & (shown == number)
        disocclusions.append((hidden | rim) & ~unknown)
    return tuple(disocclusions)


@dataclass(frozen=True, slots=True, eq=False)
class _NearestEdges:
    """For each pixel the nearest depth edge behind which something is known.

    Attributes:
        distance_px: (H, W) float32; infinite where there is no edge.
        near_inverse: (H, W) float32, 1/z of the edge's nearer side.
    """

    distance_px: NDArray[np.float32]
    near_inverse: NDArray[np.float32]

    def opened(self, inverse: NDArray[np.float32], px_per_gap: float) -> NDArray[np.bool_]:
        """(H, W) True where a surface of this 1/z, which may lean away, comes out from behind the edge."""
        gap = np.maximum(self.near_inverse - inverse, 0)
        return np.asarray(self.distance_px <= gap * np.float32(_AMPLE * px_per_gap) + 2)


def _nearest_edges(layers: Layers) -> _NearestEdges:
    edges, shape = layers.edges, layers.unknown.shape
    ends = edges.far & ~layers.unknown
    if not ends.any():
        return _NearestEdges(np.full(shape, np.inf, np.float32), np.zeros(shape, np.float32))
    distance, label = cv2.distanceTransformWithLabels(
        (~ends).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = np.nonzero(ends)
    inverse = np.zeros(int(label.max()) + 1, np.float32)
    inverse[label[rows, columns]] = layers.front_inverse[rows, columns] + edges.gap[rows, columns]
    return _NearestEdges(np.asarray(distance, np.float32), inverse[label])
