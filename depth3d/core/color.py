"""Linear light: a lens mixes light, not the numbers of sRGB; and what the photo has cut off at white."""

from __future__ import annotations

from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.floating[Any])

_SHOULDER = 0.6
"""Luminance up to which the photo is taken at its word; beyond, the camera had begun to compress."""
_STEEPNESS = 3
_TABLE = 1 << 14
_LUMINANCE = np.array([[0.2126, 0.7152, 0.0722]], np.float32)
"""Shares of red, green and blue (ITU-R BT.709)."""


def to_light(rgb: NDArray[np.uint8], *, highlights: float) -> NDArray[np.float32]:
    """The light of sRGB (IEC 61966-2-1), 1 being white.

    What is nearly white becomes up to `highlights` times as bright; hues stay as they are.
    """
    light = _from_srgb(np.arange(256) / 255).astype(np.float32)[rgb]
    if highlights > 1:
        luminance = _luminance(light)
        over = np.maximum(luminance - np.float32(_SHOULDER), 0) / np.float32(1 - _SHOULDER)
        light *= (1 + _gain(over, highlights) / np.maximum(luminance, np.float32(_SHOULDER)))[..., None]
    return light


def to_srgb(light: NDArray[np.float32], *, highlights: float) -> NDArray[np.uint8]:
    """The way back; `to_srgb(to_light(rgb))` is `rgb`, and light beyond the brightest is white."""
    if highlights > 1:
        luminance = _luminance(light)
        steps = np.linspace(_SHOULDER, 1, 1 << 12)
        made = steps + _gain((steps - _SHOULDER) / (1 - _SHOULDER), highlights)
        bright = luminance > _SHOULDER
        found = luminance[bright]
        light = light.copy()
        light[bright] *= (np.interp(found, made, steps) / found).astype(np.float32)[:, None]
    # Equal steps of the square root: dark tones, which the eye tells apart, get their share of the table.
    table = np.rint(255 * _to_srgb(np.linspace(0, 1, _TABLE) ** 2)).astype(np.uint8)
    index = np.sqrt(np.clip(light, 0, 1)) * np.float32(_TABLE - 1) + np.float32(0.5)
    return np.asarray(table[index.astype(np.uint16)])


def _luminance(light: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.transform(light, _LUMINANCE), np.float32)


def _gain(over: NDArray[T], highlights: float) -> NDArray[T]:
    return np.asarray((highlights - 1) * over**_STEEPNESS, over.dtype)


def _from_srgb(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _to_srgb(light: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
