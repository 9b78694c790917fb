"""Lengths in the scene, with their error bars."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import UsageError
from depth3d.scale.fit import ScaleFit
from depth3d.scale.hint import check_pixel, ray_at, sample_bilinear

Pixel = tuple[float, float]

_DRAWS = 4000
_RANGE_SIGMAS = 1.96
_LEAST_STRETCH = 0.2
_RANGE_PERCENT = (2.5, 97.5)
_SIGMA_PERCENT = (15.87, 84.13)
"""Where one standard deviation lies for normal errors, on either side."""


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """A length between two points, or from the camera to one.

    Attributes:
        metres: the length, in the unit of the depth.
        sigma_m: one standard deviation, or None where no error is known.
        range_m: the length lies within these two with a probability of 95 %; None where no error is known.
        ends: (2, 3) float64, both ends in camera axes.
    """

    metres: float
    sigma_m: float | None
    range_m: tuple[float, float] | None
    ends: NDArray[np.float64]


def measure_length(
    start: Pixel,
    end: Pixel | None = None,
    *,
    camera: Intrinsics,
    depth: MetricDepth,
    inverse_depth: InverseDepth | None = None,
    fit: ScaleFit | None = None,
) -> Measurement:
    """The straight length between the things seen at two pixels, or from the camera to one.

    With a fit the error follows from lengths between both ends as drawn together from its posterior: what moves both
    ends alike does not change a length much. Without one it follows from the depth's own sigma, if it has one. The
    uncertainty of the camera's focal length comes on top: it stretches what lies across the picture.

    Args:
        start: (u, v) in pixels of the upright photo (pixel centres at +0.5).
        end: (u, v), or None for the camera.
        camera: intrinsics of the photo's size.
        depth: metric depth.
        inverse_depth: the relative depth it was made from.
        fit: how it was made.

    Raises:
        UsageError: a pixel is not finite, or both are the same.
        HintError: a pixel lies outside the picture, or depth is unknown there.
    """
    check_ends(start, end)
    pixels = [start] if end is None else [start, end]
    rays = np.stack([ray_at(camera, u, v) for u, v in pixels])
    # 1/z varies linearly along a plane's picture, z does not.
    nearness = InverseDepth(np.float32(1) / depth.z)
    inverse = np.array([sample_bilinear(nearness, u, v, "measure") for u, v in pixels])
    if inverse_depth is not None and fit is not None:
        drawn = fit.draw_inverse(inverse_depth, np.array(pixels, np.float64), _DRAWS)
        if drawn is not None:
            return _measured(inverse, rays, drawn, camera.focal_sigma)
    sigma = None
    if depth.sigma is not None:
        spread = InverseDepth(depth.sigma / depth.z**2)
        errors = np.array([sample_bilinear(spread, u, v, "measure") for u, v in pixels])
        across = _across(inverse, rays, camera.focal_sigma)
        sigma = math.hypot(float(np.linalg.norm(_slopes(inverse, rays) * errors)), across)
    length = _length(inverse, rays)
    return Measurement(length, sigma, None if sigma is None else _range(length, sigma), _ends(inverse, rays))


def check_ends(start: Pixel, end: Pixel | None) -> None:
    """Raise UsageError unless pixels are finite, and two of them different."""
    for pixel in (start, start if end is None else end):
        check_pixel(*pixel)
    if start == end:
        raise UsageError(f"both ends are the pixel {start[0]:g},{start[1]:g}; give two different points")


def _range(length: float, sigma: float) -> tuple[float, float]:
    """Two standard deviations of the logarithm: a length is positive."""
    factor = math.exp(_RANGE_SIGMAS * sigma / length)
    return length / factor, length * factor


def _measured(
    inverse: NDArray[np.float64], rays: NDArray[np.float64], drawn: NDArray[np.float64], focal_sigma: float
) -> Measurement:
    """The length and its error from (count, N) drawn values of 1/z; half the middle 68 % are one standard deviation."""
    stretch = 1 + focal_sigma * np.random.default_rng(0).standard_normal(len(drawn))
    across = np.maximum(stretch, _LEAST_STRETCH)[:, None] * (1, 1, 0) + (0, 0, 1)
    points = rays / across[:, None, :] / drawn[:, :, None]
    lengths = np.linalg.norm(points[:, -1] - (points[:, 0] if len(rays) == 2 else 0), axis=1)
    (low, high), (one, other) = np.percentile(lengths, _RANGE_PERCENT), np.percentile(lengths, _SIGMA_PERCENT)
    sigma = float(other - one) / 2
    return Measurement(_length(inverse, rays), sigma, (float(low), float(high)), _ends(inverse, rays))


def _ends(inverse: NDArray[np.float64], rays: NDArray[np.float64]) -> NDArray[np.float64]:
    points = rays / inverse[:, None]
    return points if len(points) == 2 else np.stack([np.zeros(3), points[0]])


def _length(inverse: NDArray[np.float64], rays: NDArray[np.float64]) -> float:
    ends = _ends(inverse, rays)
    return float(np.linalg.norm(ends[1] - ends[0]))


def _slopes(inverse: NDArray[np.float64], rays: NDArray[np.float64]) -> NDArray[np.float64]:
    """Change of the length per change of each 1/z."""
    ends = _ends(inverse, rays)
    along = (ends[1] - ends[0]) / max(_length(inverse, rays), 1e-300)
    outward = -rays / inverse[:, None] ** 2
    towards = np.array([-1.0, 1.0]) if len(rays) == 2 else np.array([1.0])
    return np.asarray(outward @ along * towards)


def _across(inverse: NDArray[np.float64], rays: NDArray[np.float64], focal_sigma: float) -> float:
    """Change of the length when the focal length is one standard deviation longer and depths stay."""
    longer = rays / (1 + focal_sigma, 1 + focal_sigma, 1)
    return abs(_length(inverse, longer) - _length(inverse, rays))
