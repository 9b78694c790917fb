"""Where a photo shows sky, whose depth nobody can know, though a network gives one."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_LOOKED_AT_PX = 320
_SMOOTH = 4.0
"""Colours of sky change by less than about this from pixel to pixel, of 255, at a width of 320 pixels."""

_LEAST_DOUBT = 0.12
_LEAST_SHARE = 0.005
_GAP_PX = 7
_SEAM_PX = 7


def find_sky(rgb: NDArray[np.uint8], doubt: NDArray[np.float32]) -> NDArray[np.bool_]:
    """What is smooth, is far, and goes on beyond the upper edge of an upright photo.

    Far means that the depth's standard deviation is a larger share of it than things nearby have: smooth walls and
    ceilings are nearer.

    Args:
        rgb: (H, W, 3) uint8, sRGB.
        doubt: (H, W) float32, the standard deviation of depth as a share of depth; NaN where depth is unknown.

    Returns:
        (H, W).
    """
    height, width = doubt.shape
    shrink = min(1.0, _LOOKED_AT_PX / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    far = cv2.resize(doubt, size, interpolation=cv2.INTER_NEAREST_EXACT)
    candidates = _smooth(small) & ~(far <= _LEAST_DOUBT)
    _, piece, facts, _ = cv2.connectedComponentsWithStats(candidates.astype(np.uint8), connectivity=4)
    large = np.flatnonzero(facts[:, cv2.CC_STAT_AREA] >= _LEAST_SHARE * candidates.size)
    at_top = np.intersect1d(piece[0][candidates[0]], large)
    sky = np.isin(piece, at_top).astype(np.uint8)
    closed = cv2.morphologyEx(sky, cv2.MORPH_CLOSE, np.ones((_GAP_PX, _GAP_PX), np.uint8))
    seam = cv2.dilate(closed, np.ones((_SEAM_PX, _SEAM_PX), np.uint8))  # what borders on sky is not smooth
    return np.asarray(cv2.resize(seam, (width, height), interpolation=cv2.INTER_NEAREST_EXACT), bool)


def _smooth(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    soft = cv2.GaussianBlur(rgb.astype(np.float32), (0, 0), 1.0)
    across, down = (np.abs(cv2.Sobel(soft, cv2.CV_32F, *axes)) / 8 for axes in ((1, 0), (0, 1)))
    return np.asarray(np.maximum(across, down).max(axis=-1) < _SMOOTH)
