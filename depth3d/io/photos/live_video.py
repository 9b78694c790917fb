"""Pictures as they come: a camera's newest frame, or a video's frame whose time it is; what is late is left out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.io.photos.video import Video, VideoError

CAMERA_FPS = 30.0
_NO_FRAME_WITHIN_S = 10.0
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class LiveVideo:
    """A video or a camera, seen live; to the reconstruction it is a video like any other.

    Attributes:
        path: the file, or a name for the camera.
        fps: frames per second that the source gives.
        count: how many frames it gives at most; 0 for a camera, which does not end.
        width: wider pictures are made smaller to this width in pixels.
        source: starts a pass over the frames, (H, W, 3) uint8 sRGB each.
    """

    path: Path
    fps: float
    count: int
    width: int
    source: Callable[[], Iterator[NDArray[np.uint8]]]

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """The frames that there was time for, at most `width` pixels wide."""
        for rgb in self.source():
            yield _narrowed(rgb, self.width)


def live_file(video: Video, *, width: int, clock: Clock = time.perf_counter) -> LiveVideo:
    """A video at its own speed."""
    return LiveVideo(video.path, video.fps, video.count, width, lambda: in_time(video.frames(), video.fps, clock))


def live_camera(number: int, *, width: int) -> LiveVideo:
    """A camera of this machine, by its number.

    Raises:
        VideoError: when its frames are asked for, and there is no such camera, or it stops.
    """
    return LiveVideo(Path(f"camera {number}"), CAMERA_FPS, 0, width, lambda: _newest(number))


def in_time(
    frames: Iterator[NDArray[np.uint8]], fps: float, clock: Clock = time.perf_counter
) -> Iterator[NDArray[np.uint8]]:
    """Those frames whose time has not passed when they are asked for, each not before its time."""
    start = clock()
    for number, rgb in enumerate(frames):
        early = number / fps - (clock() - start)
        if early > 0:
            time.sleep(early)
        elif early < -1 / fps:
            continue
        yield rgb


def _newest(number: int) -> Iterator[NDArray[np.uint8]]:
    """The newest frame of a camera, each time that one is asked for; a thread reads those in between."""
    capture: Any = cv2.VideoCapture(number)
    try:
        if not capture.isOpened():
            raise VideoError(f"camera {number}: there is none, or another program has it; name a video file instead")
        newest = _Newest(capture)
        while (rgb := newest.next()) is not None:
            yield rgb
    finally:
        capture.release()
    raise VideoError(f"camera {number}: gives no more pictures")


class _Newest:
    """Reads a camera in a thread of its own and keeps one frame."""

    def __init__(self, capture: Any) -> None:
        self._capture = capture
        self._frame: NDArray[np.uint8] | None = None
        self._ended = False
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def next(self) -> NDArray[np.uint8] | None:
        """The newest frame that was not given yet; None where the camera has stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._ended, timeout=_NO_FRAME_WITHIN_S)
            frame, self._frame = self._frame, None
        return frame

    def _read(self) -> None:
        while True:
            ok, bgr = self._capture.read()
            with self._changed:
                self._ended = not ok
                self._frame = np.ascontiguousarray(bgr[..., ::-1]) if ok else self._frame
                self._changed.notify_all()
            if not ok:
                return


def _narrowed(rgb: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    if rgb.shape[1] <= width:
        return rgb
    size = (width, max(1, round(rgb.shape[0] * width / rgb.shape[1])))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
