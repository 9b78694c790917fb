"""The error's spread and reach, recovered from pictures whose error was made with known ones."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from depth3d.core.errors import UsageError
from depth3d.lab.training.noise import measure_noise, relative_error

SHAPE = (96, 128)
PHOTO = np.zeros((*SHAPE, 3), np.uint8)


def _room(seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return np.linspace(0.2, 1.0, SHAPE[0])[:, None].repeat(SHAPE[1], 1).astype(np.float32) * rng.uniform(0.5, 2)


def _field(seed: int, sigma: float) -> NDArray[np.float64]:
    white = np.random.default_rng(seed).normal(size=(SHAPE[0] * 3, SHAPE[1] * 3))
    smooth = cv2.GaussianBlur(white, (0, 0), sigma)[SHAPE[0] : 2 * SHAPE[0], SHAPE[1] : 2 * SHAPE[1]]
    return np.asarray(smooth / smooth.std())


def _measured(sigma: float, strength: float) -> tuple[float, float]:
    rooms = [_room(seed) for seed in range(6)]
    guesses = iter(
        (3 * room * (1 + strength * _field(k, sigma)) - 0.1).astype(np.float32) for k, room in enumerate(rooms)
    )
    noise = measure_noise([(PHOTO, room) for room in rooms], lambda rgb: next(guesses))
    assert noise.pictures == 6
    return noise.strength, noise.reach


def test_strength_and_reach_are_found() -> None:
    strength, short = _measured(2.0, 0.1)
    assert strength == pytest.approx(0.1, rel=0.1)
    assert short * np.hypot(*SHAPE) == pytest.approx(4, rel=0.5)  # pixels over which a Gaussian field of 2 forgets
    _, long = _measured(8.0, 0.1)
    assert long > 2 * short
    assert _measured(2.0, 0.2)[0] == pytest.approx(0.2, rel=0.1)


def test_scale_and_shift_are_no_error_and_unknown_is_left_out() -> None:
    room = _room(1)
    room[:10] = 0
    error = relative_error(5 * room + 2, room)
    assert np.isnan(error[:10]).all()
    assert np.abs(error[10:]).max() < 1e-5


def test_photos_without_depth_are_refused() -> None:
    with pytest.raises(UsageError, match="enough measured depth"):
        measure_noise([(PHOTO, np.zeros(SHAPE, np.float32))], lambda rgb: np.ones(SHAPE, np.float32))
