"""Depth of field beside the exact discs of a thin lens."""

from __future__ import annotations

import math
import statistics
import time

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.color import to_light
from depth3d.core.depth import MetricDepth
from depth3d.core.rgbd import RGBD
from depth3d.lab.bench.timing import Figure, Row, Section
from depth3d.render.bokeh import defocus

_SIZE, _LARGE = (480, 320), (1632, 1224)
_WAVE_PX = 40
_BLURS_PERCENT = (2.0, 4.0, 8.0)
_NEAR, _FAR = (0.2, 0.5), (0.8, 0.5)
_NEAR_RGB, _OTHER_RGB = (190, 60, 40), (20, 80, 200)


def exact_discs(*, rounds: int = 3) -> Section:
    """A plain wall before a farther one with waves, focused on either, beside what discs of that size make of them."""
    spread, waves, bled, touched = [], [], [], []
    for blur_percent in _BLURS_PERCENT:
        radius = blur_percent / 200 * _SIZE[0]
        spread.append(_near_error(blur_percent, radius))
        waves.append(_far_error(blur_percent, radius))
        bled.append(_bleeding(blur_percent))
        touched.append(_reach(blur_percent) / radius)
    times = [_seconds() for _ in range(rounds)]
    figures = (
        Figure("blurred near wall, greatest error of its edge", 100 * max(spread), 1.0, at_least=False, unit=" %"),
        Figure("blurred far wall, greatest error of its waves", 100 * max(waves), 1.0, at_least=False, unit=" %"),
        Figure("colour of the sharp near wall in the blur behind it, of 255", max(bled), 0.0, at_least=False, unit=""),
        Figure("reach of the blurred near wall, in radii of its disc", min(touched), 0.9, at_least=True, unit=""),
    )
    return Section("depth of field", (Row("2 megapixels", statistics.median(times), 0),), figures)


def _walls(size: tuple[int, int], *, rgb: tuple[int, int, int]) -> tuple[NDArray[np.uint8], MetricDepth]:
    """The near wall covers the left half; `rgb` is its colour."""
    width, height = size
    wave = 90 + 60 * np.cos(2 * np.pi * np.arange(width) / _WAVE_PX)
    picture = np.repeat(np.rint(wave[:, None] * (0.6, 1.0, 0.8))[None], height, axis=0).astype(np.uint8)
    picture[:, : width // 2] = rgb
    metres = np.full((height, width), 3.0, np.float32)
    metres[:, : width // 2] = 1.0
    return picture, MetricDepth(metres, unit="m")


def _seen(
    focus: tuple[float, float],
    blur_percent: float,
    size: tuple[int, int] = _SIZE,
    rgb: tuple[int, int, int] = _NEAR_RGB,
    *,
    highlights: float = 1.0,
) -> NDArray[np.uint8]:
    picture, depth = _walls(size, rgb=rgb)
    camera = Intrinsics.from_fov(*size, fov_x_deg=60)
    at = focus[0] * size[0], focus[1] * size[1]
    return defocus(RGBD(picture, depth, camera), focus=at, blur_percent=blur_percent, highlights=highlights).rgb


def _middle_row(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.asarray(to_light(rgb[len(rgb) // 2][None], highlights=1)[0], np.float64)


def _near_error(blur_percent: float, radius: float) -> float:
    """Beside the edge as a disc makes it, where the photo shows what is behind; as a share of the contrast."""
    row, photo = _middle_row(_seen(_FAR, blur_percent)), _middle_row(_walls(_SIZE, rgb=_NEAR_RGB)[0])
    edge = _SIZE[0] // 2
    t = np.clip((np.arange(_SIZE[0]) + 0.5 - edge) / radius, -1, 1)
    share = (0.5 - (t * np.sqrt(1 - t**2) + np.arcsin(t)) / np.pi)[:, None]
    expected = share * photo[0] + (1 - share) * photo
    return float(np.abs(row - expected)[edge:].max() / np.abs(photo[0] - photo[edge:]).max())


def _far_error(blur_percent: float, radius: float) -> float:
    """Beside waves each harmonic of which a disc has weakened by 2 J1(x) / x; as a share of their range."""
    from scipy.special import j1

    row, photo = _middle_row(_seen(_NEAR, blur_percent)), _middle_row(_walls(_SIZE, rgb=_NEAR_RGB)[0])
    edge, beyond = _SIZE[0] // 2, math.ceil(radius) + 2
    harmonics = np.fft.rfft(photo[edge : edge + _WAVE_PX], axis=0)
    x = np.maximum(2 * np.pi * np.arange(len(harmonics)) / _WAVE_PX * radius, 1e-9)
    expected = np.fft.irfft(harmonics * (2 * j1(x) / x)[:, None], _WAVE_PX, axis=0)
    columns = np.arange(edge + beyond, _SIZE[0] - beyond)
    return float(np.abs(row[columns] - expected[(columns - edge) % _WAVE_PX]).max() / np.ptp(photo[edge:]))


def _bleeding(blur_percent: float) -> float:
    """How much the picture behind a sharp wall depends on that wall's colour."""
    one, other = (_seen(_NEAR, blur_percent, rgb=rgb).astype(int) for rgb in (_NEAR_RGB, _OTHER_RGB))
    return float(np.abs(one - other)[:, _SIZE[0] // 2 :].max())


def _reach(blur_percent: float) -> float:
    """How many pixels beyond its edge the blurred near wall is seen."""
    one, other = (_seen(_FAR, blur_percent, rgb=rgb).astype(int) for rgb in (_NEAR_RGB, _OTHER_RGB))
    return float((np.abs(one - other)[_SIZE[1] // 2, _SIZE[0] // 2 :].max(axis=1) > 0).sum())


def _seconds() -> float:
    start = time.perf_counter()
    _seen(_NEAR, _BLURS_PERCENT[0], _LARGE, highlights=4)
    return time.perf_counter() - start
