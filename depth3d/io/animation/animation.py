"""What every moving picture format needs: frames that fit together, and how long each one stays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import OutputError, UsageError
from depth3d.core.images import Animation

_MOST_TICKS = 0xFFFF


def checked_frames(animation: Animation) -> Iterator[NDArray[np.uint8]]:
    """One pass over the frames, (H, W, 3) uint8 each, drawn one at a time and never kept.

    Raises:
        OutputError: there is no frame, a frame is no image or has another size than the first, or there are more or
            fewer frames than the animation says.
    """
    shape: tuple[int, ...] | None = None
    seen = 0
    for frame in animation.frames():
        shape = shape or frame.shape
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or frame.size == 0:
            raise OutputError(f"animation: frame {seen} is {frame.dtype} {frame.shape}, not uint8 (H, W, 3)")
        if frame.shape != shape:
            raise OutputError(f"animation: frame {seen} has shape {frame.shape}, the first one {shape}")
        seen += 1
        if seen > animation.count:
            raise OutputError(f"animation: {animation.count} frames were announced, more came")
        yield frame
    if seen < max(animation.count, 1):
        raise OutputError(f"animation: {animation.count} frames were announced, {seen} came")


def durations(count: int, fps: float, ticks_per_second: int) -> list[int]:
    """How many ticks each frame stays, so that no frame is ever more than half a tick late.

    A single rounded duration would drift: 30 frames per second are 3.33 hundredths, and 3 hundredths play 11 % fast.

    >>> durations(6, 30, 100)
    [3, 4, 3, 3, 4, 3]

    Raises:
        UsageError: the frame rate is faster than the ticks, or so slow that a frame's ticks need more than 16 bits.
    """
    slowest = ticks_per_second / _MOST_TICKS
    if not slowest <= fps <= ticks_per_second:
        raise UsageError(f"animation: {fps:g} frames per second; choose {slowest:.2g} to {ticks_per_second}")
    ends = np.rint(np.arange(count + 1) * (ticks_per_second / fps)).astype(int)
    return [int(ticks) for ticks in np.diff(ends)]
