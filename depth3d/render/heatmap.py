"""Depth as a picture: inferno, near bright, far dark."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import GeometryError
from depth3d.core.images import DepthPhoto, Picture

UNKNOWN_RGB = (96, 96, 96)
_SHOWN_PERCENTILES = (1.0, 99.0)


def to_heatmap(depth: InverseDepth | MetricDepth, *, nearness: tuple[float, float] | None = None) -> Picture:
    """Colour inverse depth with the inferno map; the nearest and farthest percent saturate, unknown is grey.

    Metric depth is shown as 1/z too, so that the picture looks the same before and after scaling.

    Args:
        depth: any depth.
        nearness: the values of 1/z that get the first and the last colour; None means those of this picture, see
            `nearness_range`.
    """
    level, known = _levels(depth, nearness)
    rgb = _inferno(level)
    rgb[~known] = UNKNOWN_RGB
    return Picture(rgb)


def inferno_colours() -> NDArray[np.uint8]:
    """The heat map's colours from far to near, (256, 3) sRGB."""
    return _inferno(np.arange(256, dtype=np.uint8)[:, None])[:, 0]


def nearness_range(nearness: NDArray[np.float32]) -> tuple[float, float]:
    """The values of 1/z that get the heat map's first and last colour; NaN is unknown and left out."""
    low, high = np.percentile(nearness[np.isfinite(nearness)], _SHOWN_PERCENTILES)
    return float(low), float(high)


def to_depth_photo(rgb: NDArray[np.uint8], depth: InverseDepth | MetricDepth) -> DepthPhoto:
    """The photo with its inverse depth in 256 levels; the nearest and farthest percent saturate, unknown is far.

    Raises:
        GeometryError: the photo has another size than the depth.
    """
    if (rgb.shape[1], rgb.shape[0]) != depth.size:
        raise GeometryError(f"the photo is {rgb.shape[1]}x{rgb.shape[0]}, its depth {depth.size[0]}x{depth.size[1]}")
    level, known = _levels(depth)
    return DepthPhoto(rgb, np.where(known, level, 0).astype(np.uint8))


def _levels(
    depth: InverseDepth | MetricDepth, shown: tuple[float, float] | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Inverse depth from 0 to 255, and where it is known."""
    nearness = depth.values if isinstance(depth, InverseDepth) else np.float32(1) / depth.z
    known = np.isfinite(nearness)
    return _as_bytes(nearness, known, *(shown or nearness_range(nearness))), known


def _inferno(level: NDArray[np.uint8]) -> NDArray[np.uint8]:
    bgr = np.asarray(cv2.applyColorMap(level, cv2.COLORMAP_INFERNO), np.uint8)
    return np.ascontiguousarray(bgr[..., ::-1])


def _as_bytes(nearness: NDArray[np.float32], known: NDArray[np.bool_], low: float, high: float) -> NDArray[np.uint8]:
    if high <= low:
        return np.full(nearness.shape, 128, np.uint8)
    share = (np.where(known, nearness, low) - np.float32(low)) / np.float32(high - low)
    level = np.clip(share, 0, 1) * np.float32(255)
    return np.asarray(np.rint(level), np.uint8)
