"""Where a photo shows sky, which has no depth though a network gives one.

Networks see sky at any depth: mostly the farthest, but now and then as a ceiling. So several signs are weighed for each
smooth area that reaches the photo's upper edge: its colour, how bright it is beside the rest, how low it reaches, and
how far the network sees it. Blue needs little else; white, grey and evening colours must also be the farthest thing.
From the areas that are sky their colours are carried into gaps between leaves and wires.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_LOOKED_AT_PX = 320
_SMOOTH = 4.0
"""Colours of sky change by less than about this from pixel to pixel, of 255, at a width of 320 pixels."""

_LEAST_SHARE = 0.006
_TOP_SHARE = 0.02
_RESTING_PX = 5
_GAP_SHARE = 0.004
_NEAR_SEED_PX = 9
_ROUNDS = 2
_ALIKE = 3.5
_SPREAD = (4.0, 9.0)
_FAR = 0.1
_BLUER = 20.0
_LOWER_SHARE = 0.1
_LARGE_SHARE = 0.05
_INFINITE = 0.005
_LEAVES = 0.4
_MOST_CLOUD = 0.06
_CLOUD = 140.0
_GUIDE_PX = 3
_GUIDE_NOISE = 60.0
"""What of the blue channel's variance in a window counts as texture and not as the sky's edge."""


def find_sky(rgb: NDArray[np.uint8], inverse_depth: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Find the sky of an upright photo.

    Args:
        rgb: (H, W, 3) uint8, sRGB.
        inverse_depth: (H, W) float32, larger is nearer, in any scale; NaN where unknown.

    Returns:
        (H, W), False everywhere where there is none.
    """
    height, width = inverse_depth.shape
    shrink = min(1.0, _LOOKED_AT_PX / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    near = _nearness(np.asarray(cv2.resize(inverse_depth, size, interpolation=cv2.INTER_NEAREST_EXACT), np.float32))
    seed = _seed(small, near)
    if not seed.any():
        return np.zeros((height, width), bool)
    return _to_full_size(_grown(small, near, seed), small, rgb)


@dataclass(frozen=True, slots=True)
class _Area:
    """What is looked at of an area: colours and brightness from 0 to 255, the rest as shares.

    Attributes:
        red: median.
        green: median.
        blue: median.
        share: of the picture.
        lowest: row of its lower end, of the height.
        near: nearness of its middle, 0 for the farthest of the picture and 1 for the nearest.
        nearest: nearness that 10 % of it exceed.
        brighter: the share of the rest of the picture that it outshines.
        noise: how far pixels are from their neighbours' mean.
    """

    red: float
    green: float
    blue: float
    share: float
    lowest: float
    near: float
    nearest: float
    brighter: float
    noise: float

    @property
    def is_sky(self) -> bool:
        """Whether the signs together say sky; bounds were chosen on 319 photos, 34 of them with sky."""
        if self.lowest > 0.9 or self.noise > 5:
            return False
        return self._is_blue or self._is_white or self._is_farthest

    @property
    def _is_blue(self) -> bool:
        blueness = self.blue - self.red
        in_order = self.blue >= self.green >= self.red - 4 and self.blue >= 90
        is_far = (blueness >= 45 and self.near <= 0.06) or (blueness >= 30 and self.near <= 0.03)
        # Networks see some skies as near; walls are not as even and bright as those.
        is_even = blueness >= 45 and self.noise < 1 and self.share >= 0.1 and self.blue >= 190
        return in_order and (is_far or is_even) and self.noise < 2.5 and self.share >= 0.01

    @property
    def _is_white(self) -> bool:
        least = min(self.red, self.green, self.blue)
        if least < 238 or self.brighter < 0.9 or self.lowest >= 0.8:
            return False
        is_large = self.share >= _LARGE_SHARE and self.near <= 0.02 and self.nearest <= 0.08
        return is_large or self._is_infinite

    @property
    def _is_farthest(self) -> bool:
        """The farthest thing, all of it, and bright."""
        brightness = 0.3 * self.red + 0.59 * self.green + 0.11 * self.blue
        if self.share < _LARGE_SHARE and not self._is_infinite:
            return False
        if not (self.near <= 0.03 and self.nearest <= 0.08 and self.brighter >= 0.45 and brightness >= 95):
            return False
        is_flat = self.near <= 0.012 and self.nearest <= 0.015
        return brightness >= 215 or (is_flat and self.share >= 0.015)

    @property
    def _is_infinite(self) -> bool:
        """Nothing is farther. Small areas are mostly lamps, ceilings and refrigerators; small ones of sky are this."""
        return self.near <= _INFINITE and self.nearest <= _INFINITE


def _nearness(inverse_depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W) from 0 at the farthest to 1 at the nearest things; a half where nothing tells."""
    known = inverse_depth[np.isfinite(inverse_depth)]
    low, high = np.percentile(known, (1, 95)) if known.size else (0.0, 0.0)
    if high <= low:
        return np.full_like(inverse_depth, 0.5)
    near = (inverse_depth - np.float32(low)) / np.float32(high - low)
    return np.where(np.isfinite(near), near, np.float32(0.5))


def _seed(rgb: NDArray[np.uint8], near: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Smooth areas at the upper edge that are sky."""
    smooth = _smooth(rgb)
    _, piece, facts, _ = cv2.connectedComponentsWithStats(smooth, connectivity=4)
    top = piece[: max(2, round(_TOP_SHARE * len(piece)))]
    found = np.zeros(near.shape, bool)
    for label in np.unique(top[top > 0]):
        if facts[label, cv2.CC_STAT_AREA] >= _LEAST_SHARE * piece.size:
            inside = piece == label
            found |= inside & _area(rgb, near, inside).is_sky
    return found


def _smooth(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    soft = cv2.GaussianBlur(rgb.astype(np.float32), (0, 0), 1.0)
    across, down = (np.abs(cv2.Sobel(soft, cv2.CV_32F, *axes)) / 8 for axes in ((1, 0), (0, 1)))
    smooth = (np.maximum(across, down).max(axis=-1) < _SMOOTH).astype(np.uint8)
    return np.asarray(cv2.erode(smooth, np.ones((2, 2), np.uint8)), np.uint8)


def _area(rgb: NDArray[np.uint8], near: NDArray[np.float32], inside: NDArray[np.bool_]) -> _Area:
    light = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    rest = cv2.dilate(inside.astype(np.uint8), np.ones((_RESTING_PX, _RESTING_PX), np.uint8)) == 0
    colours = rgb[inside]
    red, green, blue = np.median(colours, axis=0).tolist()
    soft = cv2.GaussianBlur(rgb, (0, 0), 2.0)[inside]
    rows = np.nonzero(inside)[0]
    return _Area(
        *(red, green, blue),
        share=float(inside.mean()),
        lowest=float(np.percentile(rows, 99) / len(rgb)),
        near=float(np.median(near[inside])),
        nearest=float(np.percentile(near[inside], 90)),
        brighter=float((light[rest] < np.median(light[inside])).mean()) if rest.any() else 1.0,
        noise=float(np.abs(colours.astype(np.float32) - soft).mean()),
    )


def _grown(rgb: NDArray[np.uint8], near: NDArray[np.float32], seed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The seed and what has its colours: on towards the horizon, behind wires, in gaps between leaves, and clouds."""
    leaves = cv2.blur((_smooth(rgb) == 0).astype(np.float32), (15, 15)) > _LEAVES
    beyond = near <= max(0.05, float(np.percentile(near[seed], 95)) + 0.03)
    red, _, blue = np.median(rgb[seed], axis=0)
    leaves &= (near <= _FAR) | (blue - red > _BLUER)  # white walls behind bars look like white sky between leaves
    sky = seed
    for _ in range(_ROUNDS):
        beside = cv2.dilate(sky.astype(np.uint8), np.ones((_NEAR_SEED_PX, _NEAR_SEED_PX), np.uint8)) > 0
        alike = _alike(rgb, sky)
        _, piece, facts, _ = cv2.connectedComponentsWithStats(alike.astype(np.uint8), connectivity=4)
        is_gap = (facts[:, cv2.CC_STAT_AREA] <= _GAP_SHARE * piece.size)[piece] & leaves
        joined = np.isin(piece, piece[sky & alike]) & (piece > 0)
        sky = sky | (alike & ((beside & ~leaves) | (beyond & joined) | is_gap))
    return _with_clouds(rgb, sky | _far_clouds(rgb, near, sky))


def _far_clouds(rgb: NDArray[np.uint8], near: NDArray[np.float32], sky: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Bright areas joined to the sky that are as far as anything, down to roofs and mountains."""
    cloud = sky | ((near <= _INFINITE) & (rgb.min(axis=-1) > _CLOUD))
    _, piece = cv2.connectedComponents(cloud.astype(np.uint8), connectivity=4)
    return np.asarray(cloud & np.isin(piece, np.unique(piece[sky])), bool)


def _alike(rgb: NDArray[np.uint8], sky: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(H, W) what has the colour that the sky has there or would have, not much lower than it reaches."""
    rows, columns = np.nonzero(sky)
    terms = np.stack([np.ones(len(rows)), rows / len(rgb), columns / rgb.shape[1]], axis=1)
    colours = rgb[sky].astype(np.float64)
    plane, *_ = np.linalg.lstsq(terms, colours, rcond=None)
    spread = np.clip((colours - terms @ plane).std(axis=0), *_SPREAD)
    v, u = np.mgrid[0 : rgb.shape[0], 0 : rgb.shape[1]]
    expected = np.stack([np.ones(v.shape), v / len(rgb), u / rgb.shape[1]], axis=-1) @ plane
    alike = (np.abs(rgb - np.clip(expected, 0, 255)) / spread).max(axis=-1) < _ALIKE
    lowest = np.percentile(rows, 99) + _LOWER_SHARE * len(rgb)
    return np.asarray(alike & (v <= lowest), bool)


def _with_clouds(rgb: NDArray[np.uint8], sky: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Bright and colourless areas too that sky encloses but for the photo's edges."""
    _, piece, facts, _ = cv2.connectedComponentsWithStats((~sky).astype(np.uint8), connectivity=4)
    sides = np.unique(np.concatenate([piece[-1], piece[:, 0][len(piece) // 2 :], piece[:, -1][len(piece) // 2 :]]))
    clouds = np.zeros(sky.shape, bool)
    for label in np.setdiff1d(np.arange(1, len(facts)), sides):
        inside = piece == label
        if facts[label, cv2.CC_STAT_AREA] <= _MOST_CLOUD * piece.size and rgb[inside].min(axis=1).mean() > _CLOUD:
            clouds |= inside
    return np.asarray(sky | clouds, bool)


def _to_full_size(sky: NDArray[np.bool_], small: NDArray[np.uint8], rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The mask in full size, its edge on the photo's (He and Sun, "Fast Guided Filter", arXiv 1505.00996)."""
    guide, mask = small[..., 2].astype(np.float32), sky.astype(np.float32)
    window = (2 * _GUIDE_PX + 1, 2 * _GUIDE_PX + 1)
    mean_guide, mean_mask = cv2.blur(guide, window), cv2.blur(mask, window)
    variance = cv2.blur(guide * guide, window) - mean_guide**2
    slope = (cv2.blur(guide * mask, window) - mean_guide * mean_mask) / (variance + np.float32(_GUIDE_NOISE))
    level = mean_mask - slope * mean_guide
    size = rgb.shape[1], rgb.shape[0]
    slope, level = (cv2.resize(cv2.blur(part, window), size) for part in (slope, level))
    return np.asarray(slope * rgb[..., 2] + level > 0.5, bool)
