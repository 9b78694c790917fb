"""How wrong a network is, and how far its errors are correlated: measured, to be stored with the weights.

A depth network's error is no grain: a wall is wrong as a whole. The model has two numbers: the standard deviation of
the relative error of 1/z after the best scale and shift, and the distance at which the correlation of two errors has
fallen to 1/e, as a share of the picture's diagonal (an exponential variogram, as in geostatistics: Cressie, "Statistics
for Spatial Data", 1993).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import UsageError

_PAIRS = 20_000
_DISTANCES = np.linspace(0.02, 0.5, 13)
_WORST = 2.0  # relative errors beyond are cut: a few points at infinity must not decide
_FARTHEST_M, _NEAREST_M = 80.0, 0.1


@dataclass(frozen=True, slots=True)
class Noise:
    """The error of a network's 1/z.

    Attributes:
        strength: standard deviation of the relative error after the best scale and shift.
        reach: distance, in diagonals of the picture, over which the errors' correlation falls to 1/e.
        pictures: how many pictures were measured.
    """

    strength: float
    reach: float
    pictures: int


def measure_noise(
    frames: Iterable[tuple[NDArray[np.uint8], NDArray[np.float32]]],
    predict: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
) -> Noise:
    """Measure a network's error on photos whose depth is known.

    Args:
        frames: (H, W, 3) photos with (H, W) inverse depth in 1/m, 0 or NaN where unknown; not those it was trained on.
        predict: gives relative inverse depth (H, W) for a photo.

    Raises:
        UsageError: no frame has enough known depth.
    """
    squares, products, counts = [], np.zeros(len(_DISTANCES)), np.zeros(len(_DISTANCES))
    for rgb, inverse in frames:
        error = relative_error(predict(rgb), inverse)
        if np.isfinite(error).sum() < 100:
            continue
        variance = float(np.nanmean(error**2))
        squares.append(variance)
        together, number = _products(error)
        products += together / max(variance, 1e-12)
        counts += number > 0
    if not squares:
        raise UsageError("no photo here has enough measured depth to measure a network's error by")
    seen = counts > 0
    reach = _fitted_reach(products[seen] / counts[seen], _DISTANCES[seen])
    return Noise(float(np.sqrt(np.mean(squares))), reach, len(squares))


def relative_error(prediction: NDArray[np.float32], inverse: NDArray[np.float32]) -> NDArray[np.float64]:
    """(a d + b) z - 1 with the a and b that make its square smallest; (H, W), NaN where the truth is unknown."""
    with np.errstate(invalid="ignore"):
        known = (inverse > 1 / _FARTHEST_M) & (inverse < 1 / _NEAREST_M) & np.isfinite(prediction)
    error = np.full(inverse.shape, np.nan)
    if known.sum() < 3:
        return error
    z = 1 / inverse[known].astype(np.float64)
    d = prediction[known].astype(np.float64)
    columns = np.stack([d * z, z], axis=1)
    fitted, *_ = np.linalg.lstsq(columns, np.ones(len(z)), rcond=None)
    error[known] = np.clip(columns @ fitted - 1, -_WORST, _WORST)
    return error


def _products(error: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Mean product of two errors for every distance of `_DISTANCES`, and of how many pairs; the same at every call."""
    height, width = error.shape
    rng = np.random.default_rng(0)
    known = np.flatnonzero(np.isfinite(error))
    means, numbers = np.zeros(len(_DISTANCES)), np.zeros(len(_DISTANCES), np.int64)
    for k, distance in enumerate(_DISTANCES * np.hypot(height, width)):
        first = known[rng.integers(len(known), size=_PAIRS)]
        angle = rng.uniform(0, 2 * np.pi, _PAIRS)
        y = first // width + np.rint(distance * np.sin(angle)).astype(int)
        x = first % width + np.rint(distance * np.cos(angle)).astype(int)
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        product = error.ravel()[first[inside]] * error[y[inside], x[inside]]
        product = product[np.isfinite(product)]
        numbers[k] = len(product)
        means[k] = product.mean() if len(product) else 0.0
    return means, numbers


def _fitted_reach(correlation: NDArray[np.float64], distances: NDArray[np.float64]) -> float:
    """The reach whose exp(-distance / reach) is nearest to the measured correlations."""
    reaches = np.geomspace(0.005, 2.0, 400)
    misses = ((np.exp(-distances[None] / reaches[:, None]) - correlation[None]) ** 2).sum(axis=1)
    return float(reaches[int(np.argmin(misses))])
