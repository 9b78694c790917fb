"""Straight line segments of a picture, by OpenCV's LSD (Grompone von Gioi et al., IPOL 2012)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LONG_SIDE_PX = 1024
_LEAST_LENGTH = 0.05
_MOST = 250


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Line segments, the longest first; coordinates count from the picture's middle, 1 is half its long side.

    Attributes:
        middle: (N, 2) float64 midpoints.
        direction: (N, 2) unit vectors along them.
        weight: (N,) lengths as shares of their sum.
    """

    middle: NDArray[np.float64]
    direction: NDArray[np.float64]
    weight: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.weight)

    def half(self, first: int) -> Segments:
        """Every second segment, from number `first`, which is 0 or 1."""
        weight = self.weight[first::2]
        return Segments(self.middle[first::2], self.direction[first::2], weight / weight.sum())


def find_segments(rgb: NDArray[np.uint8]) -> Segments:
    """The 250 longest segments that are at least a fortieth of the picture's diagonal long.

    Args:
        rgb: (H, W, 3) uint8; more than 1024 pixels are not looked at along a side.
    """
    import cv2

    height, width = rgb.shape[:2]
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    shrink = min(1.0, _LONG_SIDE_PX / max(width, height))
    if shrink < 1:
        size = max(1, round(width * shrink)), max(1, round(height * shrink))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    rows, columns = grey.shape
    found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_ADV).detect(grey)[0]
    ends = np.zeros((0, 4)) if found is None else found.reshape(-1, 4).astype(np.float64)
    # cv2 counts pixel centres at integers; half a pixel moves the principal point.
    ends = (ends + 0.5 - np.tile([columns / 2, rows / 2], 2)) / (max(columns, rows) / 2)
    along = ends[:, 2:] - ends[:, :2]
    length = np.linalg.norm(along, axis=1)
    long_enough = np.flatnonzero(length > _LEAST_LENGTH * np.hypot(columns, rows) / max(columns, rows))
    kept = long_enough[np.argsort(-length[long_enough], kind="stable")[:_MOST]]
    middle = (ends[kept, :2] + ends[kept, 2:]) / 2
    total = max(float(length[kept].sum()), 1e-12)
    return Segments(middle, along[kept] / length[kept, None], length[kept] / total)
