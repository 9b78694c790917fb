"""Video: file -> frames, upright and in order, of which only one stands in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import Depth3DError, MissingExtraError
from depth3d.io.open_input import MAX_MEGAPIXELS, open_regular_file, shown

SUFFIXES = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".mpg", ".mpeg")
_USUAL_FPS = 25.0
_HIGHEST_FPS = 1000.0


class VideoError(Depth3DError):
    """A file cannot be read as a video."""


@dataclass(frozen=True, slots=True)
class Video:
    """A video file.

    Attributes:
        path: the file.
        fps: frames per second, on average.
        count: how many frames it says it has; files that are cut may hold fewer.
    """

    path: Path
    fps: float
    count: int

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Each frame as (H, W, 3) uint8, sRGB, turned upright as the file says.

        Raises:
            VideoError: the file is damaged, or its frames are too large or change their size.
        """
        size: tuple[int, ...] | None = None
        with _opened(self.path) as container:
            stream = _stream(container, self.path)
            try:
                for frame in container.decode(stream):
                    rgb = _upright(frame)
                    if size not in (None, rgb.shape):
                        raise VideoError(f"{shown(self.path)}: its pictures change their size; convert it first")
                    size = rgb.shape
                    yield rgb
            except _damage() as problem:
                raise VideoError(f"{shown(self.path)}: the video is damaged: {_one_line(problem)}") from None
        if size is None:
            raise VideoError(f"{shown(self.path)}: holds no picture")


def is_video(path: Path) -> bool:
    """Whether a file's name is that of a video."""
    return path.suffix.lower() in SUFFIXES


def read_video(path: str | Path) -> Video:
    """Open a video and read how long it is; the frames come later.

    Raises:
        VideoError: no such file, or none that FFmpeg reads as a video.
        MissingExtraError: PyAV is not installed.
    """
    path = Path(path)
    with open_regular_file(path, VideoError):
        pass
    with _opened(path) as container:
        stream = _stream(container, path)
        width, height = stream.codec_context.width, stream.codec_context.height
        if width * height > MAX_MEGAPIXELS * 1_000_000:
            raise VideoError(f"{shown(path)}: {width}x{height} is more than {MAX_MEGAPIXELS} megapixels")
        rate = stream.average_rate or stream.base_rate or stream.guessed_rate
        fps = float(rate) if rate and 0 < rate <= _HIGHEST_FPS else _USUAL_FPS
        try:
            count = stream.frames or sum(1 for packet in container.demux(stream) if packet.size)
        except _damage() as problem:
            raise VideoError(f"{shown(path)}: the video is damaged: {_one_line(problem)}") from None
    return Video(path, fps, int(count))


def _opened(path: Path) -> Any:
    try:
        import av
    except ImportError:
        raise MissingExtraError("reading video", "av", "video") from None
    try:
        return av.open(str(path))
    except _damage() as problem:
        raise VideoError(f"{shown(path)}: no video: {_one_line(problem)}") from None


def _stream(container: Any, path: Path) -> Any:
    if not container.streams.video:
        raise VideoError(f"{shown(path)}: has no pictures")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return stream


def _upright(frame: Any) -> NDArray[np.uint8]:
    rgb = frame.to_ndarray(format="rgb24")
    # The display matrix turns counter-clockwise, as rot90 does; phones write quarter turns only.
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, turns)) if turns else np.asarray(rgb, np.uint8)


def _damage() -> tuple[type[BaseException], ...]:
    import av

    return (av.FFmpegError, ValueError, OSError)


def _one_line(problem: BaseException) -> str:
    return " ".join(str(getattr(problem, "strerror", None) or problem).split()) or type(problem).__name__
