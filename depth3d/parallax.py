"""Parallax: the photo as seen by a camera that moves a little."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.depth import MetricDepth
from depth3d.errors import GeometryError, UsageError
from depth3d.pictures import Animation

DEFAULT_AMOUNT_PERCENT = 2.0
DEFAULT_SECONDS = 2.5
DEFAULT_FPS = 24.0
DEFAULT_WIDTH = 640

_SOLVE_STEPS = 6
_NEAREST_PERCENTILE = 98
_STILL_PERCENTILE = 50


def animate_parallax(
    rgb: NDArray[np.uint8],
    depth: MetricDepth,
    *,
    width: int = DEFAULT_WIDTH,
    seconds: float = DEFAULT_SECONDS,
    fps: float = DEFAULT_FPS,
    amount_percent: float = DEFAULT_AMOUNT_PERCENT,
) -> Animation:
    """A camera that swings on a small ellipse while the middle depth stays still; a loop without a seam.

    A sideways step of the camera moves a pixel by its focal length times the step times 1/z, so the motion needs only
    inverse depth and its size is set in the picture. Each frame looks up, for every pixel, the photo's pixel that
    moves there, by fixed-point iteration on the smoothed inverse depth. The frame is enlarged just enough that no
    pixel looks outside the photo.

    Args:
        rgb: (H, W, 3) uint8 photo.
        depth: depth of the same size; unknown depth moves like the farthest thing.
        width: frame width in pixels; smaller photos are not enlarged.
        seconds: duration of the loop.
        fps: frames per second.
        amount_percent: how far the nearest things move to either side, in per cent of the frame's width.

    Raises:
        GeometryError: the photo and its depth differ in size.
        UsageError: a number is out of range.
    """
    if (rgb.shape[1], rgb.shape[0]) != depth.size:
        raise GeometryError(f"the photo is {rgb.shape[1]}x{rgb.shape[0]}, its depth {depth.size[0]}x{depth.size[1]}")
    _check(width, seconds, fps, amount_percent)
    count = max(2, round(seconds * fps))
    frame_width = min(width, rgb.shape[1])
    frame_height = max(1, round(rgb.shape[0] * frame_width / rgb.shape[1]))
    picture = np.asarray(cv2.resize(rgb, (frame_width, frame_height), interpolation=cv2.INTER_AREA), np.uint8)
    shift = _relative_shift(depth, frame_width, frame_height) * np.float32(frame_width * amount_percent / 100)
    return Animation(_frames(picture, shift, count), count, fps)


def _frames(
    picture: NDArray[np.uint8], shift: NDArray[np.float32], count: int
) -> Callable[[], Iterator[NDArray[np.uint8]]]:
    height, width = shift.shape
    margin = float(np.abs(shift).max())
    # cv2.remap counts from pixel centres, so the frame runs from 0 to size - 1 there.
    column = _inset(width, margin)[None, :] + np.zeros((height, 1), np.float32)
    row = _inset(height, margin)[:, None] + np.zeros((1, width), np.float32)

    def start() -> Iterator[NDArray[np.uint8]]:
        for index in range(count):
            angle = 2 * math.pi * index / count
            step_x, step_y = math.sin(angle), 0.5 * math.cos(angle)
            moved = cv2.remap(shift, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for _ in range(_SOLVE_STEPS):
                moved = cv2.remap(
                    shift,
                    column - np.float32(step_x) * moved,
                    row - np.float32(step_y) * moved,
                    cv2.INTER_LINEAR,
                    borderMode=cv2.BORDER_REPLICATE,
                )
            frame = cv2.remap(
                picture,
                column - np.float32(step_x) * moved,
                row - np.float32(step_y) * moved,
                cv2.INTER_CUBIC,
                borderMode=cv2.BORDER_REPLICATE,
            )
            yield np.asarray(frame, np.uint8)

    return start


def _inset(length: int, margin: float) -> NDArray[np.float32]:
    margin = min(margin, (length - 1) / 2)
    return np.linspace(margin, length - 1 - margin, length, dtype=np.float32)


def _relative_shift(depth: MetricDepth, width: int, height: int) -> NDArray[np.float32]:
    """Motion per pixel, (height, width): 0 at the middle depth, 1 in size at the nearest things, never more."""
    nearness = np.float32(1) / depth.metres
    nearness = np.where(np.isfinite(nearness), nearness, np.nanmin(nearness))
    small = np.asarray(cv2.resize(nearness, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    # A little smoothing keeps the fixed-point iteration a contraction at steep edges.
    small = np.asarray(cv2.GaussianBlur(small, (0, 0), 1 + width / 640), np.float32)
    near, still = np.percentile(small, [_NEAREST_PERCENTILE, _STILL_PERCENTILE]).astype(np.float32)
    reach = max(near - still, still - small.min())
    if reach <= 0:
        return np.zeros_like(small)
    return np.asarray(np.clip((small - still) / reach, -1, 1), np.float32)


def _check(width: int, seconds: float, fps: float, amount_percent: float) -> None:
    if width < 1:
        raise UsageError(f"width must be at least 1 pixel, got {width}")
    if not 0 < seconds <= 600:
        raise UsageError(f"seconds must lie between 0 and 600, got {seconds:g}")
    if not 0 < fps <= 100:
        raise UsageError(f"fps must lie between 0 and 100, got {fps:g}")
    if not 0 < amount_percent <= 20:
        raise UsageError(f"amount must lie between 0 and 20 per cent of the width, got {amount_percent:g}")
