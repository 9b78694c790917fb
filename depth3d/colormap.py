"""Depth as a picture: inferno, near bright, far dark."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.depth import InverseDepth, MetricDepth
from depth3d.pictures import Picture

UNKNOWN_RGB = (96, 96, 96)
_SHOWN_PERCENTILES = (1.0, 99.0)


def to_heatmap(depth: InverseDepth | MetricDepth) -> Picture:
    """Colour inverse depth with the inferno map; the nearest and farthest percent saturate, unknown is grey.

    Metric depth is shown as 1/z too, so that the picture looks the same before and after scaling.
    """
    nearness = depth.values if isinstance(depth, InverseDepth) else np.float32(1) / depth.metres
    known = np.isfinite(nearness)
    low, high = np.percentile(nearness[known], _SHOWN_PERCENTILES)
    level = _as_bytes(nearness, known, float(low), float(high))
    bgr = np.asarray(cv2.applyColorMap(level, cv2.COLORMAP_INFERNO), np.uint8)
    rgb = np.ascontiguousarray(bgr[..., ::-1])
    rgb[~known] = UNKNOWN_RGB
    return Picture(rgb)


def _as_bytes(nearness: NDArray[np.float32], known: NDArray[np.bool_], low: float, high: float) -> NDArray[np.uint8]:
    if high <= low:
        return np.full(nearness.shape, 128, np.uint8)
    share = (np.where(known, nearness, low) - np.float32(low)) / np.float32(high - low)
    level = np.clip(share, 0, 1) * np.float32(255)
    return np.asarray(np.rint(level), np.uint8)
