"""AVIF animations (Alliance for Open Media, AV1 Image File Format), through Pillow."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO

from depth3d.core.errors import OutputError, UsageError
from depth3d.core.images import Animation
from depth3d.io.animation.animation import checked_frames, durations

if TYPE_CHECKING:
    from PIL import Image

_TICKS_PER_SECOND = 1000
_SPEED = 8
"""Of 0 to 10: a second or two for 60 frames of 640x360."""
_THREADS = 2
_CONTAINERS, _WITH_TIMES = (b"moov", b"trak", b"mdia"), (b"mvhd", b"tkhd", b"mdhd")


def write(animation: Animation, file: BinaryIO, *, notes: Mapping[str, str], quality: int = 70) -> None:
    """Write the frames as they are drawn; only one is held at a time, and what is already compressed.

    Players repeat every such file for ever.

    Args:
        animation: the frames.
        file: where the bytes go.
        notes: not stored; the container has no plain place for them.
        quality: 1 to 100.

    Raises:
        UsageError: the quality is out of range; or see `durations`.
        OutputError: this Pillow cannot write AVIF; or see `checked_frames`.
    """
    from PIL import features

    if not 1 <= quality <= 100:
        raise UsageError(f"AVIF: quality must lie between 1 and 100, got {quality}")
    if not features.check("avif"):
        raise OutputError("the installed Pillow cannot write AVIF; install a newer one, or choose .webp")
    delays = durations(animation.count, animation.fps, _TICKS_PER_SECOND)
    whole = io.BytesIO()
    _film(animation).save(
        whole,
        "AVIF",
        save_all=True,
        duration=delays,
        quality=quality,
        speed=_SPEED,
        max_threads=_THREADS,
        subsampling="4:2:0",
    )
    data = bytearray(whole.getbuffer())
    _clear_times(data, 0, len(data))
    file.write(data)


def _clear_times(data: bytearray, start: int, end: int) -> None:
    """Set the times of creation and change to none, in the boxes that hold them (ISO/IEC 14496-12, 8.2.2 and on)."""
    while start + 8 <= end:
        length, kind = struct.unpack_from(">I4s", data, start)
        if kind in _CONTAINERS:
            _clear_times(data, start + 8, start + length)
        elif kind in _WITH_TIMES:
            both = 16 if data[start + 8] == 1 else 8
            data[start + 12 : start + 12 + both] = bytes(both)
        start += length if length >= 8 else end


def _film(animation: Animation) -> Image.Image:
    """An image as Pillow wants it for an animation: each `seek` draws the next frame into it."""
    from PIL import Image

    frames = checked_frames(animation)
    first = next(frames)

    class Film(Image.Image):
        is_animated, n_frames = True, animation.count
        _at = 0

        def tell(self) -> int:
            return 0

        def seek(self, frame: int) -> None:
            if frame >= animation.count:
                next(frames, None)  # the frames' own checks of their number come at their end
                raise EOFError
            if frame == self._at + 1:
                self._at = frame
                self.paste(Image.fromarray(next(frames)))

    film = Film()
    film.__setstate__([{}, "RGB", (first.shape[1], first.shape[0]), None, first.tobytes()])
    return film
