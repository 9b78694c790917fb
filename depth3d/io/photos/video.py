"""Video: file -> frames, upright and in order, of which only one stands in memory."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import Depth3DError, Depth3DWarning, MissingExtraError
from depth3d.io.open_input import MAX_MEGAPIXELS, check_regular_file, shown

SUFFIXES = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".mpg", ".mpeg")
_USUAL_FPS = 25.0
_MICROSECONDS = 1_000_000
_HIGHEST_FPS = 1000.0
_CONTAINERS = "mov,mp4,matroska,webm,avi,mpeg,mpegts,asf,flv,ogg,mpegvideo,h264,hevc"
"""FFmpeg's names of what is read. Its playlists, such as ffconcat and HLS, would open other files that they name."""
_CUT_S = 0.5
"""So much less than a file announces is more than rounding."""


class VideoError(Depth3DError):
    """A file cannot be read as a video."""


class VideoWarning(Depth3DWarning):
    """A video was read, but not all that it announces is there."""


@dataclass(frozen=True, slots=True)
class Video:
    """A video file.

    Attributes:
        path: the file.
        fps: frames per second, on average.
        count: how many frames it says it has; files that are cut may hold fewer.
        has_sound: whether it has a sound track.
    """

    path: Path
    fps: float
    count: int
    has_sound: bool = False

    def frames(self) -> Generator[NDArray[np.uint8], None, None]:
        """Each frame as (H, W, 3) uint8, sRGB, turned upright as the file says.

        Raises:
            VideoError: the file is damaged, or its frames are too large or change their size.
        """
        size: tuple[int, ...] | None = None
        with _reading(self.path) as container:
            stream = _stream(container, self.path)
            for frame in container.decode(stream):
                rgb = _upright(frame)
                if size not in (None, rgb.shape):
                    raise VideoError(f"{shown(self.path)}: its pictures change their size; convert it first")
                size = rgb.shape
                yield rgb
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

    Warns:
        VideoWarning: the file is cut off; what is there is read.
    """
    path = Path(path)
    check_regular_file(path, VideoError)
    with _reading(path) as container:
        stream = _stream(container, path)
        width, height = stream.codec_context.width, stream.codec_context.height
        if width * height > MAX_MEGAPIXELS * 1_000_000:
            raise VideoError(f"{shown(path)}: {width}x{height} is more than {MAX_MEGAPIXELS} megapixels")
        rate = stream.average_rate or stream.base_rate or stream.guessed_rate
        fps = float(rate) if rate and 0 < rate <= _HIGHEST_FPS else _USUAL_FPS
        count, missing = _counted(container, stream, path)
        has_sound = bool(container.streams.audio)
    if missing:
        warnings.warn(VideoWarning(f"{shown(path)}: the video is cut off: {missing}; copy it again"), stacklevel=2)
    return Video(path, fps, count, has_sound)


def _counted(container: Any, stream: Any, path: Path) -> tuple[int, str]:
    """How many frames there are, and in words what is missing at the end; empty where all is there."""
    if stream.frames:
        ends = max((entry.pos + entry.size for entry in stream.index_entries), default=0)
        bytes_ = path.stat().st_size
        return stream.frames, f"it needs {ends:,} bytes and has {bytes_:,}" if ends > bytes_ else ""
    count, last_s = 0, 0.0
    for packet in container.demux():
        count += packet.stream is stream and packet.size > 0
        if packet.pts is not None and packet.time_base is not None:
            last_s = max(last_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    announced_s = (container.duration or 0) / _MICROSECONDS
    is_cut = count and announced_s > last_s + _CUT_S
    return count, f"it announces {announced_s:.1f} s and ends after {last_s:.1f} s" if is_cut else ""


@contextmanager
def _reading(path: Path) -> Iterator[Any]:
    """Open a video; damage that the block finds, or closing it, is told in one line."""
    try:
        with _opened(path) as container:
            yield container
    except Depth3DError:
        raise
    except _damage() as problem:
        raise VideoError(f"{shown(path)}: the video is damaged: {_one_line(problem)}") from None


def _opened(path: Path) -> Any:
    try:
        import av
    except ImportError:
        raise MissingExtraError("reading video", "av", "video") from None
    try:
        allowed = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
        return av.open(f"file:{path}", container_options=allowed, metadata_errors="replace")
    except _damage() as problem:
        raise VideoError(f"{shown(path)}: no video: {_one_line(problem)}") from None


def _stream(container: Any, path: Path) -> Any:
    if not container.streams.video:
        raise VideoError(f"{shown(path)}: has no pictures")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise VideoError(f"{shown(path)}: FFmpeg knows no decoder for its pictures; convert it to H.264 first")
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
