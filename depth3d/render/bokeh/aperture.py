"""The aperture's image: how the light of one point spreads over pixels."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

_FINE = 8
_COARSEST_RADIUS = 8.0
"""Discs of at least this many pixels are drawn on a picture of half the size, and so on."""


def halvings(radius_px: float) -> int:
    """How often a picture may be halved before it is spread by discs of this radius.

    >>> [halvings(radius) for radius in (0, 7.9, 8, 16)]
    [0, 0, 1, 2]
    """
    return max(0, 1 + math.floor(math.log2(radius_px / _COARSEST_RADIUS))) if radius_px > 0 else 0


def spread_light(image: NDArray[np.float32], radius_px: float, *, blades: int, turned: bool) -> NDArray[np.float32]:
    """The image with every point spread over a disc or polygon; what lies outside it is dark.

    Args:
        image: (H, W, C) float32; H and W are multiples of 2 ** halvings(radius_px).
        radius_px: the disc's radius; polygons have the same area.
        blades: corners of the polygon; 0 is a disc.
        turned: the polygon upside down, as on the other side of the focus.
    """
    if radius_px == 0:
        return image
    height, width = image.shape[:2]
    step = 2 ** halvings(radius_px)
    if step == 1:
        return _filtered(image, aperture(radius_px, blades=blades, turned=turned))
    small = np.asarray(cv2.resize(image, (width // step, height // step), interpolation=cv2.INTER_AREA), np.float32)
    # Averaging and interpolating spread too; a smaller disc makes up for it: their variances add up to 1/4 step^2.
    radius = math.sqrt((radius_px / step) ** 2 - 1)
    small = _filtered(small, aperture(radius, blades=blades, turned=turned))
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def aperture(radius_px: float, *, blades: int, turned: bool) -> NDArray[np.float32]:
    """(N, N) shares of the light that each pixel around the middle one gets; they add up to 1."""
    reach = math.ceil(radius_px * (1.6 if blades else 1) - 0.5)
    count = (2 * reach + 1) * _FINE
    fine = (np.arange(count) + 0.5) / _FINE - count / _FINE / 2
    inside = _inside(fine[None, :], fine[:, None], radius_px, blades)
    shares = inside.reshape(2 * reach + 1, _FINE, 2 * reach + 1, _FINE).sum(axis=(1, 3)).astype(np.float32)
    shares /= shares.sum()
    return np.asarray(shares[::-1, ::-1] if turned else shares, np.float32)


def _inside(x: NDArray[np.float64], y: NDArray[np.float64], radius: float, blades: int) -> NDArray[np.bool_]:
    if blades == 0:
        return np.asarray(x * x + y * y <= radius * radius)
    # The polygon's corners lie on a circle, one of them at the top; its area is that of the disc.
    corner = radius * math.sqrt(2 * math.pi / (blades * math.sin(2 * math.pi / blades)))
    side = corner * math.cos(math.pi / blades)
    angles = (2 * np.arange(blades) + 1) * (math.pi / blades) - math.pi / 2
    return np.asarray(np.logical_and.reduce([x * math.cos(a) + y * math.sin(a) <= side for a in angles]))


def _filtered(image: NDArray[np.float32], kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    # cv2.filter2D correlates; light spreads by the kernel turned around.
    out = cv2.filter2D(image, -1, kernel[::-1, ::-1], borderType=cv2.BORDER_CONSTANT)
    return np.asarray(out, np.float32)
