"""Depth from two pictures taken side by side, which beats what any network guesses from one.

The right picture is laid onto the lines of the left one (matched features; SIFT, Lowe, IJCV 2004), then each pixel
looks for its counterpart on its line (semi-global matching, Hirschmüller, PAMI 2008), and what the search from the
other side does not confirm is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth
from depth3d.core.errors import DepthMapError

_LONGEST_SIDE = 1280
_LEAST_MATCHES = 40
_LEAST_RATIO = 0.75
_ROUNDS = 4
_OFF_LINE_PX = 1.5
_PERCENTILES = (1, 99)
_MARGIN = 0.15
_BLOCK = 5
_LEAST_KNOWN = 0.2
_NOISE_PX = 0.3
"""How far a match is off, one standard deviation: measured on Middlebury's motorcycle, 0.2 to 0.4."""


@dataclass(frozen=True, slots=True)
class _Alignment:
    """How far the counterpart of (u, v) lies below it, a + b u + c v, and the disparities that were matched.

    Attributes:
        below: (a, b, c).
        low: least disparity u_left - u_right in pixels.
        high: greatest disparity.
    """

    below: tuple[float, float, float]
    low: float
    high: float


def depth_of_views(left: NDArray[np.uint8], right: NDArray[np.uint8], name: str) -> InverseDepth:
    """Inverse depth of the left picture, up to a factor and a shift.

    The shift is open because nobody knows how far the cameras turn towards each other.

    Args:
        left: (H, W, 3) uint8 sRGB.
        right: (H, W, 3) uint8 sRGB, of the same size.
        name: of the photo, for messages.

    Returns:
        (H, W) disparity, NaN where no counterpart was found or confirmed, as behind what only one lens saw.

    Raises:
        DepthMapError: the pictures do not show the same, or match in too few places.
    """
    height, width = left.shape[:2]
    scale = min(1.0, _LONGEST_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    first, second = (_grey(view, size) for view in (left, right))
    alignment = _aligned(first, second, name)
    disparity = _matched(first, _on_lines(second, alignment.below), alignment)
    known = np.isfinite(disparity)
    if known.mean() < _LEAST_KNOWN:
        raise DepthMapError(f"{name}: its two pictures match in {known.mean():.0%} of the places, too few for depth")
    enlarged = np.asarray(cv2.resize(disparity, (width, height), interpolation=cv2.INTER_NEAREST), np.float32)
    low, high = np.percentile(disparity[known], [2, 98])
    source = f"two views in {name} ({known.mean():.0%} of the picture matched)"
    return InverseDepth(enlarged / np.float32(scale), noise=float(_NOISE_PX / max(high - low, 1e-3)), source=source)


def _grey(view: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(cv2.resize(view, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY))


def _aligned(first: NDArray[np.uint8], second: NDArray[np.uint8], name: str) -> _Alignment:
    left, right = _matches(first, second)
    if len(left) < _LEAST_MATCHES:
        raise DepthMapError(f"{name}: its two pictures have {len(left)} places in common, too few to compare them")
    rows = np.column_stack([np.ones(len(left)), left])
    off = right[:, 1] - left[:, 1]
    fits = np.abs(off - np.median(off)) < 0.05 * max(first.shape)
    below = np.zeros(3)
    for _ in range(_ROUNDS):
        if fits.sum() < _LEAST_MATCHES:
            raise DepthMapError(f"{name}: its two pictures were not taken side by side; their lines do not match")
        below = np.linalg.lstsq(rows[fits], off[fits], rcond=None)[0]
        fits = np.abs(off - rows @ below) < _OFF_LINE_PX
    low, high = np.percentile((left[:, 0] - right[:, 0])[fits], _PERCENTILES)
    margin = max(4.0, _MARGIN * (high - low))
    return _Alignment((float(below[0]), float(below[1]), float(below[2])), low - margin, high + margin)


def _matches(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N, 2) places in the left picture and (N, 2) their counterparts in the right one."""
    sift = cv2.SIFT.create(nfeatures=4000)
    (points, features), (others, other_features) = (sift.detectAndCompute(view, None) for view in (first, second))
    if features is None or other_features is None or len(others) < 2:
        return np.zeros((0, 2)), np.zeros((0, 2))
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(features, other_features, k=2)
    good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < _LEAST_RATIO * pair[1].distance]
    left = np.array([points[match.queryIdx].pt for match in good], np.float64).reshape(-1, 2)
    right = np.array([others[match.trainIdx].pt for match in good], np.float64).reshape(-1, 2)
    return left, right


def _on_lines(view: NDArray[np.uint8], below: tuple[float, float, float]) -> NDArray[np.uint8]:
    """The right picture with the counterparts of each line of the left one on that line."""
    v, u = np.mgrid[: view.shape[0], : view.shape[1]].astype(np.float32)
    a, b, c = (np.float32(number) for number in below)
    return np.asarray(cv2.remap(view, u, v + a + b * u + c * v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _matched(first: NDArray[np.uint8], second: NDArray[np.uint8], alignment: _Alignment) -> NDArray[np.float32]:
    """Disparity of the left picture in pixels, NaN where unknown."""
    low = int(np.floor(alignment.low))
    count = 16 * max(1, int(np.ceil((alignment.high - low) / 16)))
    matcher = cv2.StereoSGBM.create(
        minDisparity=low,
        numDisparities=count,
        blockSize=_BLOCK,
        P1=8 * _BLOCK**2,
        P2=32 * _BLOCK**2,
        disp12MaxDiff=1,
        uniquenessRatio=5,
        speckleWindowSize=100,
        speckleRange=2,
        mode=cv2.STEREO_SGBM_MODE_HH,
    )
    # Without a border the first `count` columns would have no disparity.
    left, right = (cv2.copyMakeBorder(one, 0, 0, count, count, cv2.BORDER_REPLICATE) for one in (first, second))
    found = matcher.compute(left, right)[:, count:-count].astype(np.float32) / np.float32(16)
    return np.where(found >= low, found, np.float32(np.nan))
