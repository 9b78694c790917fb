"""How alike two pictures are, over some of their pixels."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

_WINDOW, _SIGMA = (11, 11), 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8], where: NDArray[np.bool_] | None = None) -> float:
    """Peak signal to noise ratio in dB of (H, W, 3) pictures over (H, W) pixels; NaN where there is none."""
    difference = one.astype(np.float32) - other
    squared = np.square(difference if where is None else difference[where])
    if squared.size == 0:
        return math.nan
    return float(10 * np.log10(255**2 / max(float(squared.mean()), 1e-9)))


def ssim(one: NDArray[np.uint8], other: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    """Structural similarity of grey values around some pixels (Wang et al., IEEE Trans. Image Processing 2004)."""
    if not where.any():
        return math.nan
    x, y = (np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32) for rgb in (one, other))
    mean_x, mean_y = _blurred(x), _blurred(y)
    var_x, var_y = _blurred(x * x) - mean_x**2, _blurred(y * y) - mean_y**2
    both = _blurred(x * y) - mean_x * mean_y
    alike = (2 * mean_x * mean_y + _C1) * (2 * both + _C2)
    return float((alike / ((mean_x**2 + mean_y**2 + _C1) * (var_x + var_y + _C2)))[where].mean())


def _blurred(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(grey, _WINDOW, _SIGMA), np.float32)
