"""From a photo and its depth to frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import UsageError
from depth3d.core.images import Animation
from depth3d.core.options import AnimationOptions, Easing
from depth3d.core.rgbd import RGBD
from depth3d.layers import Layers, to_layers
from depth3d.layers.views import Viewpoint, draw_view, prepare_layers
from depth3d.render.parallax.camera_paths import DEFAULT_EASING, DEFAULT_MOTION, Motion, to_one_motion
from depth3d.render.parallax.framing import enlarged, filling_zoom, find_focus, to_viewpoints

DEFAULT_SECONDS = AnimationOptions().seconds
DEFAULT_FPS = AnimationOptions().fps
DEFAULT_WIDTH = AnimationOptions().width

_DETAIL = 1.5
"""Pixels of the layers per pixel of a frame, so that a frame is sharp."""
_MOST_PIXELS = 2_000_000
_TRACED = 213
"""Pixels of a frame's width that are traced; between them places are interpolated."""
_THREADS = 2
_CHECKED = 24


def animate_parallax(
    rgbd: RGBD,
    *,
    motion: str | Motion = DEFAULT_MOTION,
    width: int = DEFAULT_WIDTH,
    seconds: float = DEFAULT_SECONDS,
    fps: float = DEFAULT_FPS,
    amount_percent: float | None = None,
    focus: tuple[float, float] | None = None,
    easing: Easing = DEFAULT_EASING,
) -> Animation:
    """Move the camera through a photo, whose hidden parts are filled first.

    Args:
        rgbd: photo, depth and camera; unknown depth moves like the farthest thing. The unit does not matter.
        motion: a name of MOTIONS, or a motion of your own.
        width: frame width in pixels; smaller photos are not enlarged.
        seconds: duration of one pass.
        fps: frames per second.
        amount_percent: how far what moves most, usually the nearest things, moves to either side, in per cent of the
            frame's width; None means what suits the motion. Key poses have their own.
        focus: the place (u, v) that stays still, in pixels; None means the depth of the photo's middle.
        easing: see `preset_motion`.

    Raises:
        UsageError: a number or a name is out of range.
    """
    check_clip(width, seconds, fps)
    photo_width, photo_height = rgbd.size
    frame_width = min(width, photo_width)
    pixels = photo_height * photo_width * (frame_width * _DETAIL / photo_width) ** 2
    layers = to_layers(rgbd, max_pixels=int(max(4, min(pixels, _MOST_PIXELS))))
    return animate_layers(
        layers,
        motion=motion,
        width=frame_width,
        seconds=seconds,
        fps=fps,
        amount_percent=amount_percent,
        focus=None if focus is None else (focus[0] / photo_width, focus[1] / photo_height),
        easing=easing,
    )


def animate_layers(
    layers: Layers,
    *,
    motion: str | Motion = DEFAULT_MOTION,
    width: int = DEFAULT_WIDTH,
    seconds: float = DEFAULT_SECONDS,
    fps: float = DEFAULT_FPS,
    amount_percent: float | None = None,
    focus: tuple[float, float] | None = None,
    easing: Easing = DEFAULT_EASING,
) -> Animation:
    """The same with layers that are there already; `focus` as shares of width and height.

    Frames are drawn when they are asked for, a few ahead of time in threads of their own.

    Raises:
        UsageError: a number or a name is out of range.
    """
    check_clip(width, seconds, fps)
    motion = to_one_motion(motion, amount_percent=amount_percent, easing=easing)
    count = max(2, round(seconds * fps))
    photo = layers.camera
    size = width, max(1, round(photo.height * width / photo.width))
    viewpoints = _pass(layers, size, motion, count, focus)
    prepared = prepare_layers(layers, viewpoints, cell=_cell(size))
    zoom = filling_zoom(prepared, _checked_ones(viewpoints))
    viewpoints = [enlarged(one, zoom) for one in viewpoints]

    def frames() -> Iterator[NDArray[np.uint8]]:
        return _in_order(lambda viewpoint: draw_view(prepared, viewpoint), viewpoints)

    return Animation(frames, count, fps, loops=motion.loops, zoom=zoom)


class ShotParallax:
    """A motion through one shot of a video.

    The first frame says what it turns about; the picture is enlarged further only where a later frame would show its
    border.

    Args:
        layers: the first frame in layers.
        size: (width, height) of the pictures.
        motion: a motion.
        count: frames of one pass.
        focus: as shares of width and height; None means the depth of the frame's middle.

    Raises:
        UsageError: the focus lies outside the picture, or the camera would go into the things.
    """

    def __init__(
        self, layers: Layers, size: tuple[int, int], motion: Motion, *, count: int, focus: tuple[float, float] | None
    ) -> None:
        self._viewpoints = _pass(layers, size, motion, count, focus)
        self._cell = _cell(size)
        self._zoom = 1.0

    def frame(self, layers: Layers, number: int) -> NDArray[np.uint8]:
        """(H, W, 3) the frame of a number, which counts from 0, in layers of the first one's size.

        Raises:
            UsageError: the picture would have to be enlarged too much to keep its border full.
        """
        prepared = prepare_layers(layers, self._viewpoints, cell=self._cell)
        around = [enlarged(one, self._zoom) for one in _checked_ones(self._viewpoints)]
        self._zoom *= filling_zoom(prepared, around)
        return draw_view(prepared, enlarged(self._viewpoints[number % len(self._viewpoints)], self._zoom))


def _pass(
    layers: Layers, size: tuple[int, int], motion: Motion, count: int, focus: tuple[float, float] | None
) -> list[Viewpoint]:
    """The cameras of one pass of a motion."""
    phases = [index / (count if motion.loops else count - 1) for index in range(count)]
    return to_viewpoints(motion, phases, find_focus(layers, focus), layers.camera, size)


def _cell(size: tuple[int, int]) -> int:
    return max(1, round(size[0] / _TRACED))


def _checked_ones(viewpoints: list[Viewpoint]) -> list[Viewpoint]:
    return viewpoints[:: -(-len(viewpoints) // _CHECKED)]


def _in_order(
    draw: Callable[[Viewpoint], NDArray[np.uint8]], viewpoints: Iterable[Viewpoint]
) -> Iterator[NDArray[np.uint8]]:
    """Draw with a few threads, which OpenCV and numpy let run at the same time; never more frames than threads wait."""
    waiting: deque[Future[NDArray[np.uint8]]] = deque()
    try:
        for viewpoint in viewpoints:
            waiting.append(_drawing_threads().submit(draw, viewpoint))
            if len(waiting) > _THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for frame in waiting:
            frame.cancel()


@cache
def _drawing_threads() -> ThreadPoolExecutor:
    """Threads that last as long as the process.

    A pool of each animation's own would be shut down wherever Python finds frames that nobody asks for any more, as
    after an error: perhaps while another thread is being started, whose lock the shutdown waits for, for ever.
    """
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="frames")


def check_clip(width: int, seconds: float, fps: float) -> None:
    """Raise UsageError unless the size and the length of an animation are in range."""
    if width < 1:
        raise UsageError(f"width must be at least 1 pixel, got {width}")
    if not 0 < seconds <= 600:
        raise UsageError(f"seconds must lie between 0 and 600, got {seconds:g}")
    if not 0 < fps <= 100:
        raise UsageError(f"fps must lie between 0 and 100, got {fps:g}")
