"""Videos for every player: MP4 (H.264) and WebM (VP9), through PyAV."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import MissingExtraError, OutputError, UsageError
from depth3d.core.images import Animation
from depth3d.io.animation.animation import checked_frames, durations
from depth3d.io.animation.audio import Sound

_TICKS_PER_SECOND = 1000
_THREADS = 2
_BT709, _NARROW = 1, 1


@dataclass(frozen=True, slots=True)
class _Coding:
    """A container and what goes in.

    Attributes:
        container: FFmpeg's name of it.
        codec: FFmpeg's name of the encoder.
        options: the encoder's.
        roughest: constant rate factor at quality 0; each point of quality takes `finer` from it.
        finer: see above.
    """

    container: str
    codec: str
    options: tuple[tuple[str, str], ...]
    roughest: float
    finer: float


# With macroblock trees x264 now and then gives other bytes for the same frames.
_MP4 = _Coding("mp4", "libx264", (("preset", "medium"), ("x264-params", "mbtree=0")), 51, 0.4)
_WEBM = _Coding("webm", "libvpx-vp9", (("deadline", "good"), ("cpu-used", "5"), ("row-mt", "0"), ("b", "0")), 63, 0.4)


def write_mp4(
    animation: Animation, file: BinaryIO, *, notes: Mapping[str, str], quality: int = 80, sound: Path | None = None
) -> None:
    """Write an MP4 with H.264, which everything plays; once, for the format knows no loops.

    Args:
        animation: the frames; drawn and encoded one at a time. An odd last row or column is repeated.
        file: where the bytes go; must allow seeking.
        notes: kept as one comment.
        quality: 1 to 100.
        sound: a video whose sound track goes in too, if it has one.

    Raises:
        MissingExtraError: PyAV is not installed.
        UsageError: the quality is out of range; or see `durations`.
        OutputError: PyAV has no such encoder, or refuses the frames; or see `checked_frames`.
    """
    _write(animation, file, notes, quality, sound, _MP4)


def write_webm(
    animation: Animation, file: BinaryIO, *, notes: Mapping[str, str], quality: int = 80, sound: Path | None = None
) -> None:
    """The same as WebM with VP9: slower to write, and smaller."""
    _write(animation, file, notes, quality, sound, _WEBM)


def _write(
    animation: Animation,
    file: BinaryIO,
    notes: Mapping[str, str],
    quality: int,
    sound: Path | None,
    coding: _Coding,
) -> None:
    try:
        import av
    except ImportError:
        raise MissingExtraError("video", "av", "video") from None
    if not 1 <= quality <= 100:
        raise UsageError(f"video: quality must lie between 1 and 100, got {quality}")
    durations(animation.count, animation.fps, _TICKS_PER_SECOND)
    frames = checked_frames(animation)
    first = next(frames)
    try:
        with av.open(file, "w", format=coding.container, container_options={"fflags": "+bitexact"}) as container:
            if notes:
                container.metadata["comment"] = "; ".join(f"{name}: {text}" for name, text in notes.items())
            stream = _stream(container, first, animation.fps, quality, coding)
            with _heard(sound, container, coding.container, animation.count / animation.fps) as heard:
                for index, rgb in enumerate(chain([first], frames)):
                    container.mux(stream.encode(_picture(rgb, index, stream.codec_context.time_base)))
                    heard.write_until((index + 1) / animation.fps)
                container.mux(stream.encode())
                heard.write_until(math.inf)
    except (av.FFmpegError, ValueError) as problem:
        height, width = first.shape[:2]
        raise OutputError(f"cannot write {coding.container} of {width}x{height} pixels: {problem}") from None


def _heard(sound: Path | None, container: Any, form: str, seconds: float) -> Sound | _NoSound:
    return _NoSound() if sound is None else Sound(sound, container, form, seconds)


class _NoSound(nullcontext[Any]):
    """No sound: what `Sound` does, of nothing."""

    def __enter__(self) -> _NoSound:
        return self

    def write_until(self, seconds: float) -> None:
        """Nothing is put in."""


def _stream(container: Any, first: NDArray[np.uint8], fps: float, quality: int, coding: _Coding) -> Any:
    rate = Fraction(fps).limit_denominator(1001)
    options = {"crf": str(round(coding.roughest - coding.finer * quality)), **dict(coding.options)}
    stream = container.add_stream(coding.codec, rate=rate, options=options)
    stream.height, stream.width = (length + length % 2 for length in first.shape[:2])
    context = stream.codec_context
    context.time_base = 1 / rate
    context.pix_fmt = "yuv420p"
    context.thread_count = _THREADS
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    context.color_range = _NARROW
    context.flags |= 1 << 23  # bit-exact: no version or date in the file
    return stream


def _picture(rgb: NDArray[np.uint8], index: int, time_base: Fraction) -> Any:
    """A frame in the colours of video, its sides even as 4:2:0 wants."""
    import av

    height, width = rgb.shape[:2]
    even = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
    frame = frame.reformat(format="yuv420p", dst_colorspace=_BT709, dst_color_range=_NARROW)
    frame.pts, frame.time_base = index, time_base
    return frame
