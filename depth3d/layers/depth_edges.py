"""The two sides of every depth edge."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_CORNERS = (np.s_[:-1, :-1], np.s_[:-1, 1:], np.s_[1:, :-1], np.s_[1:, 1:])
_WIDENING = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class DepthEdges:
    """Which pixels stand at a depth edge.

    Attributes:
        near: (H, W) True on the nearer side.
        far: (H, W) True on the farther side.
        gap: (H, W) float32, by how much 1/z jumps, on the farther side; 0 elsewhere.
    """

    near: NDArray[np.bool_]
    far: NDArray[np.bool_]
    gap: NDArray[np.float32]

    def reach(self, px_per_gap: float, *, where: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(H, W) True for pixels so close to a depth edge that they may have to show what is behind it.

        Args:
            px_per_gap: how many pixels wide the gap becomes per unit of 1/z.
            where: (H, W) the farther sides that count.
        """
        wide = np.where(self.far & where, self.gap * px_per_gap + 2, 0)
        reached = np.zeros(self.far.shape, bool)
        radius = float(wide.max())
        while radius >= 2:
            some = (wide <= radius) & (wide > radius / _WIDENING)
            if some.any():
                reached |= cv2.distanceTransform((~some).astype(np.uint8), cv2.DIST_L2, 5) <= radius
            radius /= _WIDENING
        return reached


def find_depth_edges(inverse: NDArray[np.float32], cut: NDArray[np.bool_]) -> DepthEdges:
    """Tell the sides apart.

    Args:
        inverse: (H, W) 1/z, known everywhere.
        cut: (H - 1, W - 1) True for the cells between four pixels that a mesh would cut.
    """
    corners = [inverse[corner] for corner in _CORNERS]
    low = np.where(cut, np.minimum.reduce(corners), np.inf).astype(np.float32)
    high = np.where(cut, np.maximum.reduce(corners), -np.inf).astype(np.float32)
    lowest, highest = np.full(inverse.shape, np.inf, np.float32), np.full(inverse.shape, -np.inf, np.float32)
    for corner in _CORNERS:
        lowest[corner] = np.minimum(lowest[corner], low)
        highest[corner] = np.maximum(highest[corner], high)
    at_edge = np.isfinite(lowest)
    lowest, highest = np.where(at_edge, lowest, 0), np.where(at_edge, highest, 0)
    near = at_edge & (inverse - lowest > (highest - lowest) / 2)
    far = at_edge & ~near
    return DepthEdges(near, far, np.where(far, highest - inverse, 0).astype(np.float32))
