"""Soft slopes between two surfaces, as networks draw depth edges, made steps."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.layers.push_pull import push_pull

_WORKING_PX = 320
"""Longer side of the picture in which slopes are found: they are wide."""
_SMOOTH_PX = 1.5
_SURROUNDINGS_PX = 61
_STEEPER = 1.8
_LEAST_SLOPE = 2.0
"""Change of 1/z over the longer side, as a share of 1/z, of the least slope that may be an edge."""
_LEAST_RATIO = 1.12
"""Of the two sides' 1/z."""
_BESIDE_PX = 3
_BORDER_PX = 4
"""Networks err along the picture's border."""
_LEAST_AREA_PX, _WIDEST_PX = 150, 41
_SOFT = 0.5
"""A slope of which one step between two pixels makes more than this is a sharp edge already."""


def sharpen_edges(inverse: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn slopes that are steeper than their surroundings into steps halfway up.

    On a small picture the surfaces on both sides of each slope are continued over it; every pixel of the slope then
    takes the one that is closer to its own 1/z. What lies beyond a slope keeps its value, and so do even slopes, such
    as a floor, and steps.

    Args:
        inverse: (H, W) 1/z, finite and positive.
    """
    height, width = inverse.shape
    shrink = min(1.0, _WORKING_PX / max(height, width))
    size = max(2, math.ceil(width * shrink)), max(2, math.ceil(height * shrink))
    small = np.asarray(cv2.resize(inverse, size, interpolation=cv2.INTER_AREA), np.float32)
    slopes = _slopes(small)
    if not slopes.any():
        return inverse
    high, low = _both_sides(small, slopes)
    soft = (high > low * np.float32(_LEAST_RATIO)) & (_steps(inverse, size) < _SOFT * (high - low))
    slopes = _without_specks((slopes & soft).astype(np.uint8))
    goal = (width, height)
    high, low = (np.asarray(cv2.resize(side, goal, interpolation=cv2.INTER_LINEAR), np.float32) for side in (high, low))
    is_high = np.asarray(cv2.medianBlur((inverse > (high + low) / 2).astype(np.uint8), 5), bool)
    within = cv2.resize(slopes.astype(np.uint8), goal, interpolation=cv2.INTER_NEAREST) > 0
    return np.where(within, np.where(is_high, high, low), inverse).astype(np.float32)


def _slopes(inverse: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(H, W) True for slopes that are steep, and steeper than most around."""
    smooth = np.asarray(cv2.GaussianBlur(inverse, (0, 0), _SMOOTH_PX), np.float32)
    along, down = (np.asarray(cv2.Sobel(smooth, cv2.CV_32F, *order), np.float32) / 8 for order in ((1, 0), (0, 1)))
    slope = np.hypot(along, down)
    steep = slope * max(inverse.shape) > _LEAST_SLOPE * inverse
    steep &= slope > _STEEPER * np.asarray(cv2.blur(slope, (_SURROUNDINGS_PX, _SURROUNDINGS_PX)), np.float32)
    inside = np.zeros_like(steep)
    inside[_BORDER_PX:-_BORDER_PX, _BORDER_PX:-_BORDER_PX] = True
    wide = cv2.dilate((steep & inside).astype(np.uint8), np.ones((7, 7), np.uint8))
    return _without_specks(_without_ramps(np.asarray(wide, bool)))


def _without_specks(mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    _, label, statistics, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    large = statistics[:, cv2.CC_STAT_AREA] >= _LEAST_AREA_PX
    large[0] = False  # the rest of the picture
    return np.asarray(large[label])


def _without_ramps(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The mask but for parts that are too wide for an edge."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_WIDEST_PX, _WIDEST_PX))
    wide = cv2.morphologyEx(np.pad(mask.astype(np.uint8), _WIDEST_PX), cv2.MORPH_OPEN, disc)
    inner = np.s_[_WIDEST_PX:-_WIDEST_PX, _WIDEST_PX:-_WIDEST_PX]
    return np.asarray(mask & (np.asarray(wide)[inner] == 0), np.uint8)


def _steps(inverse: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """The greatest change from one pixel to the next around each pixel of the small picture."""
    steps = np.zeros_like(inverse)
    steps[:, 1:] = np.abs(np.diff(inverse, axis=1))
    steps[1:] = np.maximum(steps[1:], np.abs(np.diff(inverse, axis=0)))
    cell = 2 * math.ceil(inverse.shape[1] / size[0]) + 1
    steps = np.asarray(cv2.dilate(steps, np.ones((cell, cell), np.uint8)), np.float32)
    small = cv2.resize(steps, size, interpolation=cv2.INTER_NEAREST)
    # As far as the blurred slope of a step reaches.
    return np.asarray(cv2.dilate(small, np.ones((17, 17), np.uint8)), np.float32)


def _both_sides(
    inverse: NDArray[np.float32], slopes: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """1/z of the nearer and of the farther surface beside each slope, continued over it."""
    around = 2 * _BESIDE_PX + 1
    beside = np.asarray(cv2.dilate(slopes.astype(np.uint8), np.ones((around, around), np.uint8)), bool) & ~slopes
    window = (4 * around + 1, 4 * around + 1)
    count = np.asarray(cv2.blur(slopes.astype(np.float32), window), np.float32)
    middle = np.asarray(cv2.blur(np.where(slopes, inverse, 0), window), np.float32) / np.maximum(count, 1e-6)
    sides = [
        push_pull(inverse[..., None], (beside & is_side).astype(np.float32))[..., 0]
        for is_side in (inverse > middle, inverse <= middle)
    ]
    return sides[0], sides[1]
