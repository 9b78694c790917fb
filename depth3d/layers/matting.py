"""Soft edges: how much of a pixel at a depth edge shows the nearer thing."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.layers.push_pull import push_pull

_CLEAR_DIFFERENCE = 30.0
"""Difference of colours, of 255, at which a pixel's colour says as much about it as its place."""
_SOFT_PX = 3
_FARTHER_SIDE_AT_MOST, _NEARER_SIDE_AT_LEAST = 0.49, 0.5
"""Which side a pixel is on stays as its depth says."""
_LEAST_MATTE = 0.05
_MOST_OFF = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Foreground:
    """The nearer things, freed from what is behind them.

    Attributes:
        rgb: (H, W, 3) uint8; `matte` times this and the rest of the colours behind make the photo.
        matte: (H, W) float32 from 0 to 1.
    """

    rgb: NDArray[np.uint8]
    matte: NDArray[np.float32]


def find_foreground(
    rgb: NDArray[np.uint8], behind_rgb: NDArray[np.uint8], occluding: NDArray[np.bool_], at_edge: NDArray[np.bool_]
) -> Foreground:
    """Mix each pixel near a depth edge from the colours of both sides.

    A pixel's colour I between the near colour F and the far one B gives the share (I - B).(F - B) / |F - B|^2; where F
    and B hardly differ, the share of nearer pixels around it counts instead.

    Args:
        rgb: (H, W, 3) the photo.
        behind_rgb: (H, W, 3) colours of what is behind.
        occluding: (H, W) True for the pixels of nearer things.
        at_edge: (H, W) True on both sides of edges.
    """
    square = np.ones((_SOFT_PX, _SOFT_PX), np.uint8)
    # Where a depth edge's farther side stands before what is behind too, nothing of that is seen.
    between = cv2.dilate(occluding.astype(np.uint8), square) != cv2.erode(occluding.astype(np.uint8), square)
    soft = np.asarray(cv2.dilate((at_edge & between).astype(np.uint8), square), bool)
    opaque = occluding & ~soft
    weight = np.where(opaque, 1, np.where(occluding, 0.01, 0)).astype(np.float32)
    photo, behind = rgb.astype(np.float32), behind_rgb.astype(np.float32)
    near = push_pull(photo, weight)
    difference = near - behind
    squared = np.einsum("ijk,ijk->ij", difference, difference)
    by_colour = np.einsum("ijk,ijk->ij", photo - behind, difference) / np.maximum(squared, 1)
    by_place = cv2.blur(occluding.astype(np.float32), (3, 3))
    trust = squared / (squared + np.float32(_CLEAR_DIFFERENCE**2))
    share = trust * by_colour + (1 - trust) * by_place
    limits = np.where(occluding, _NEARER_SIDE_AT_LEAST, 0), np.where(occluding, 1, _FARTHER_SIDE_AT_MOST)
    matte = np.where(soft, np.clip(share, *limits), occluding).astype(np.float32)
    matte[matte < _LEAST_MATTE] = 0
    own = behind + (photo - behind) / np.maximum(matte, np.float32(_LEAST_MATTE))[..., None]
    own = np.clip(np.rint(np.where((matte > 0)[..., None], own, near)), 0, 255)
    return _made_exact(rgb, behind, occluding, Foreground(own.astype(np.uint8), matte))


def _made_exact(
    rgb: NDArray[np.uint8], behind: NDArray[np.float32], occluding: NDArray[np.bool_], found: Foreground
) -> Foreground:
    """Where no near colour could make the photo, the pixel is left to the side it is on."""
    share = found.matte[..., None]
    mixed = share * found.rgb + (1 - share) * behind
    wrong = (found.matte > 0) & (np.abs(mixed - rgb).max(axis=2) > _MOST_OFF)
    matte = np.where(wrong, occluding, found.matte).astype(np.float32)
    return Foreground(np.where(wrong[..., None], rgb, found.rgb), matte)
