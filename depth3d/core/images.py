"""Pictures and moving pictures as values; what draws them and what writes them lives elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.short_repr import short_repr


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An image to look at, such as a heat map.

    Attributes:
        rgb: (H, W, 3) uint8, sRGB.
        remark: what a program that shows it must be told, in words; empty where that is nothing.
    """

    rgb: NDArray[np.uint8]
    remark: str = ""

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, eq=False)
class StereoPair:
    """What two eyes see.

    Attributes:
        left: (H, W, 3) uint8, sRGB.
        right: (H, W, 3) uint8, sRGB.
    """

    left: NDArray[np.uint8]
    right: NDArray[np.uint8]

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, eq=False)
class DepthPhoto:
    """A photo and how near its things are, for programs that make it move.

    Attributes:
        rgb: (H, W, 3) uint8, sRGB.
        nearness: (H, W) uint8, 255 the nearest, 0 the farthest or unknown.
    """

    rgb: NDArray[np.uint8]
    nearness: NDArray[np.uint8]

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, eq=False)
class Animation:
    """A moving picture whose frames are drawn only when asked for, one at a time.

    Attributes:
        frames: a function that starts a new pass over the frames, each (H, W, 3) uint8, sRGB.
        count: number of frames in one pass.
        fps: frames per second.
        loops: True when the frame after the last is the first.
        zoom: by how much the picture was enlarged so that its border is always full.
    """

    frames: Callable[[], Iterator[NDArray[np.uint8]]]
    count: int
    fps: float
    loops: bool = True
    zoom: float = 1.0

    __repr__ = short_repr
