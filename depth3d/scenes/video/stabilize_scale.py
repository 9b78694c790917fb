"""Depth over time: frames of a video are brought to the scale of those before, and flicker is smoothed away.

A network's a and b of 1/z = a d + b change from frame to frame, and so does what it makes of textures. Optical flow
says which pixels of two frames show the same thing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth
from depth3d.core.errors import UsageError
from depth3d.scenes.options import VideoOptions

DEFAULT_STEADY_S = VideoOptions().steady_s
"""Time over which flicker is smoothed."""

_Number = TypeVar("_Number", np.uint8, np.float32)

_WORKING_PX = 256
_CONSISTENT_PX = 1.0
_SAME_GREY = 24.0
_LEAST_SAME = 0.35
"""Where less than this share of the picture is found again, another scene has begun."""

_SAME_DEPTH = 0.12
"""Depths of one thing in two frames differ by less than about this share of the picture's range."""

_FIT_ROUNDS = 6
_LARGEST_STEP = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class StabilizedDepth:
    """A frame's depth on the scale of the frames before.

    Attributes:
        inverse_depth: relative inverse depth; one (a, b) holds for all frames of a scene.
        is_new_scene: True for the first frame, and after a cut.
    """

    inverse_depth: InverseDepth
    is_new_scene: bool


class ScaleStabilizer:
    """Takes frames in their order, and remembers no more than the last.

    Args:
        fps: frames per second.
        steady_s: time over which flicker is smoothed; 0 only aligns.

    Raises:
        UsageError: a number is out of range.
    """

    def __init__(self, *, fps: float, steady_s: float = DEFAULT_STEADY_S) -> None:
        if not (fps > 0 and 0 <= steady_s < math.inf):
            raise UsageError(f"steadying: {fps:g} frames per second and {steady_s:g} s cannot be meant")
        self._keep = math.exp(-1 / (fps * steady_s)) if steady_s > 0 else 0.0
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._last: _Frame | None = None

    def next(self, inverse_depth: InverseDepth, rgb: NDArray[np.uint8]) -> StabilizedDepth:
        """Align one more frame: robustly to the last frame's alignment where flow finds it again, then smooth.

        The smoothing takes less of the last frame the more the two differ, so that edges and moving things stay.

        Args:
            inverse_depth: the network's inverse depth of the frame.
            rgb: (H, W, 3) uint8, the frame.
        """
        grey = _small(np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8), cv2.INTER_AREA)
        last = self._last
        if last is None or last.out.shape != inverse_depth.values.shape:
            return self._begin(inverse_depth, grey)
        back = self._flow_between(grey, last.grey)
        same = self._found_again(grey, last.grey, back)
        if same.mean() < _LEAST_SAME:
            return self._begin(inverse_depth, grey)
        known = _small(inverse_depth.values, cv2.INTER_NEAREST_EXACT)
        before = _moved(last.aligned, back)
        a, b = _match(known[same], before[same])
        aligned = inverse_depth.values * np.float32(a) + np.float32(b)
        out = self._smoothed(aligned, last.out, back, same)
        self._last = _Frame(grey, known * np.float32(a) + np.float32(b), out)
        return StabilizedDepth(
            replace(inverse_depth, values=out, zero_is_infinity=inverse_depth.zero_is_infinity and b == 0), False
        )

    def _begin(self, inverse_depth: InverseDepth, grey: NDArray[np.uint8]) -> StabilizedDepth:
        self._last = _Frame(grey, _small(inverse_depth.values, cv2.INTER_NEAREST_EXACT), inverse_depth.values)
        return StabilizedDepth(inverse_depth, True)

    def _found_again(
        self, grey: NDArray[np.uint8], last: NDArray[np.uint8], back: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """(h, w) where the flow to the last frame leads back, and to the same grey."""
        forth = self._flow_between(last, grey)
        returned = np.linalg.norm(back + _moved(forth, back), axis=-1)
        difference = np.abs(_moved(last.astype(np.float32), back) - grey)
        return np.asarray((returned < _CONSISTENT_PX) & (difference < _SAME_GREY))

    def _flow_between(self, one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(h, w, 2) where in the other picture each pixel of one is found, as a step in pixels."""
        return np.asarray(self._flow.calc(one, other, np.zeros((*one.shape, 2), np.float32)), np.float32)

    def _smoothed(
        self,
        aligned: NDArray[np.float32],
        last: NDArray[np.float32],
        back: NDArray[np.float32],
        same: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        if self._keep == 0:
            return aligned
        height, width = aligned.shape
        scale = np.array([width / back.shape[1], height / back.shape[0]], np.float32)
        flow = cv2.resize(back, (width, height), interpolation=cv2.INTER_LINEAR) * scale
        before = _moved(last, flow)
        trust = cv2.resize(same.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        span = float(np.subtract(*np.nanpercentile(aligned[::8, ::8], (98, 2)))) or 1.0
        step = before - aligned
        weight = np.float32(self._keep) * trust * np.exp(-np.square(step / np.float32(_SAME_DEPTH * span)))
        return aligned + np.where(np.isfinite(step), weight * step, np.float32(0))


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """What is kept of the last frame.

    Attributes:
        grey: (h, w) uint8, small.
        aligned: (h, w) float32, small; aligned and not smoothed, as noisy as the next frame will be.
        out: (H, W) float32, what was given out.
    """

    grey: NDArray[np.uint8]
    aligned: NDArray[np.float32]
    out: NDArray[np.float32]


def _match(now: NDArray[np.float32], before: NDArray[np.float32]) -> tuple[float, float]:
    """The a and b of before = a now + b for most of the pixels; (1, 0) where there is nothing to go by.

    The slope is the ratio of both spreads (reduced major axis): both sides are equally noisy, and a regression of one
    on the other would flatten depth a little with every frame.
    """
    known = np.isfinite(now) & np.isfinite(before)
    x, y = now[known].astype(np.float64), before[known].astype(np.float64)
    weight = np.ones(len(x))
    a, b = 1.0, 0.0
    for _ in range(_FIT_ROUNDS):
        total = float(weight.sum())
        if total < 16:
            return 1.0, 0.0
        mean_x, mean_y = float(weight @ x) / total, float(weight @ y) / total
        spread_x = math.sqrt(float(weight @ (x - mean_x) ** 2) / total)
        spread_y = math.sqrt(float(weight @ (y - mean_y) ** 2) / total)
        if not (spread_x > 1e-9 * max(abs(mean_x), 1e-9) and spread_y > 0):
            return 1.0, mean_y - mean_x
        a = min(max(spread_y / spread_x, 1 / _LARGEST_STEP), _LARGEST_STEP)
        b = mean_y - a * mean_x
        off = np.abs(y - a * x - b)
        limit = 4.685 * 1.4826 * max(float(np.median(off)), 1e-12)  # Tukey's biweight
        weight = np.where(off < limit, (1 - (off / limit) ** 2) ** 2, 0.0)
    return a, b


def _small(image: NDArray[_Number], interpolation: int) -> NDArray[_Number]:
    """The image with its longer side at most `_WORKING_PX`."""
    height, width = image.shape[:2]
    shrink = min(1.0, _WORKING_PX / max(height, width))
    size = max(16, round(width * shrink)), max(16, round(height * shrink))
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), image.dtype)


def _moved(image: NDArray[np.float32], flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """The image as seen where the flow (H, W, 2) points to; NaN outside of it."""
    height, width = flow.shape[:2]
    u = flow[..., 0] + np.arange(width, dtype=np.float32)
    v = flow[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    beyond = (math.nan,) * 4
    moved = cv2.remap(image, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=beyond)
    return np.asarray(moved, np.float32)
