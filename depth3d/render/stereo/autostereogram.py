"""Depth hidden in one picture of dots, seen without glasses by looking through it.

The algorithm is that of H. Thimbleby, S. Inglis and I. Witten, Displaying 3D images: algorithms for single-image
random-dot stereograms, IEEE Computer 27(10), 1994; here each step is taken by all rows at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DEPTH_OF_FIELD = 1 / 3
"""The nearest things appear at this share of the distance from the far plane to the picture."""
EYES_PER_WIDTH = 0.25
"""Distance between the eyes as a share of the picture's width: 63 mm before a picture 25 cm wide."""

_SEED = 1994


def to_autostereogram(nearness: NDArray[np.float32], colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) dots that two eyes looking at a plane behind the picture see at different depths.

    Args:
        nearness: (H, W) from 0 (farthest) to 1 (nearest).
        colours: (N, 3) colours to draw the dots from.
    """
    eyes_px = max(2, round(EYES_PER_WIDTH * nearness.shape[1]))
    apart = separation(nearness, eyes_px)
    same = _linked(apart, _visible(nearness, eyes_px))
    random = np.random.default_rng(_SEED)
    dots = colours[random.integers(0, len(colours), same.shape)]
    rows = np.arange(len(same))
    for column in range(same.shape[1] - 1, -1, -1):
        dots[:, column] = dots[rows, same[:, column]]
    return dots


def separation(nearness: NDArray[np.float32], eyes_px: int) -> NDArray[np.int32]:
    """How many pixels apart two dots must be that are seen as one at this depth.

    >>> separation(np.array([0.0, 1.0], np.float32), 300).tolist()
    [150, 120]
    """
    mu = DEPTH_OF_FIELD
    return np.rint((1 - mu * nearness) * eyes_px / (2 - mu * nearness)).astype(np.int32)


def _visible(nearness: NDArray[np.float32], eyes_px: int) -> NDArray[np.bool_]:
    """Whether both eyes see a point, and nothing nearer hides it from one of them."""
    mu, width = DEPTH_OF_FIELD, nearness.shape[1]
    visible = np.ones(nearness.shape, bool)
    for step in range(1, width):
        line = nearness + 2 * (2 - mu * nearness) * step / np.float32(mu * eyes_px)
        if line.min() >= 1:
            break
        left = np.pad(nearness[:, :-step], ((0, 0), (step, 0)))
        right = np.pad(nearness[:, step:], ((0, 0), (0, step)))
        visible &= (line >= 1) | ((left < line) & (right < line))
    return visible


def _linked(apart: NDArray[np.int32], visible: NDArray[np.bool_]) -> NDArray[np.int32]:
    """For each pixel one to its right that must look the same, or itself."""
    height, width = apart.shape
    same = np.tile(np.arange(width, dtype=np.int32), (height, 1))
    for column in range(width):
        left = column - apart[:, column] // 2
        right = left + apart[:, column]
        rows = np.flatnonzero(visible[:, column] & (left >= 0) & (right < width))
        _link(same, rows, left[rows], right[rows])
    return same


def _link(same: NDArray[np.int32], rows: NDArray[np.int64], left: NDArray[np.int32], right: NDArray[np.int32]) -> None:
    """Add one link to each row, and keep all links of a row in order from left to right."""
    while len(rows):
        other = same[rows, left]
        free = (other == left) | (other == right)
        same[rows[free], left[free]] = right[free]
        rows, left, right, other = rows[~free], left[~free], right[~free], other[~free]
        nearer = other < right
        # Either go on from the pixel that is linked already, or put ours between and go on from there.
        same[rows[~nearer], left[~nearer]] = right[~nearer]
        left, right = np.where(nearer, other, right), np.where(nearer, right, other)
