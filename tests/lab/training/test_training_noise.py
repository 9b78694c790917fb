"""The error's strength and reach, recovered from pictures whose error was drawn with known ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from depth3d.core.errors import UsageError
from depth3d.lab.training.noise import measure_noise
from depth3d.scale.prior import Sites, Trend, shared_covariance

SHAPE = (24, 32)
PHOTO = np.zeros((*SHAPE, 3), np.uint8)


def _draw(seed: int, strength: float, reach: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What a network sees, and the true inverse depth, which differs from it by a field of the model's own kind."""
    rng = np.random.default_rng(seed)
    v, u = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    t = np.clip((v / SHAPE[0] + 0.3 * np.sin(u / 5 + seed)) * 0.8, 0, 1)
    low, high = np.percentile(t, [2, 98])
    place = np.stack([u.ravel() + 0.5, v.ravel() + 0.5], axis=1) / math.hypot(*SHAPE)
    sites = Sites(place, (t.ravel() - low) / (high - low))
    together = shared_covariance(sites, sites, Trend(0.0, 1.0, proportional=False), reach) + 1e-6 * np.eye(t.size)
    error = strength * (np.linalg.cholesky(together) @ rng.normal(size=t.size)).reshape(SHAPE)
    inverse = (0.3 + 0.7 * t) * np.exp(error) * rng.uniform(0.3, 2)
    return (5 * t + 2).astype(np.float32), inverse.astype(np.float32)


def _measured(strength: float, reach: float) -> tuple[float, float]:
    seen = [_draw(seed, strength, reach) for seed in range(8)]
    guesses = iter(d for d, _ in seen)
    noise = measure_noise([(PHOTO, inverse) for _, inverse in seen], lambda rgb: next(guesses))
    assert noise.pictures == 8
    return noise.strength, noise.reach


def test_strength_and_reach_are_found() -> None:
    """To within a factor of 1.6: some of a field of long reach is scale and range, and of 8 pictures each differs."""
    weak, strong, long = (_measured(*true) for true in ((0.1, 0.12), (0.3, 0.12), (0.3, 0.36)))
    for found, true in ((weak, (0.1, 0.12)), (strong, (0.3, 0.12)), (long, (0.3, 0.36))):
        assert np.abs(np.log(np.divide(found, true))).max() < math.log(1.6), (found, true)


def test_scale_and_shift_are_no_error_and_unknown_is_left_out() -> None:
    d = np.linspace(0, 1, 24 * 32, dtype=np.float32).reshape(SHAPE)
    inverse = 0.2 * d + 0.1
    inverse[:5] = 0
    assert measure_noise([(PHOTO, inverse)], lambda rgb: 7 * d + 3).strength < 0.04


def test_photos_without_depth_are_refused() -> None:
    with pytest.raises(UsageError, match="enough measured depth"):
        measure_noise([(PHOTO, np.zeros(SHAPE, np.float32))], lambda rgb: np.ones(SHAPE, np.float32))
