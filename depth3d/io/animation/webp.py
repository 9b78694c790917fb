"""WebP animations (Google, WebP Container Specification)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import BinaryIO

from depth3d.core.errors import OutputError
from depth3d.core.images import Animation
from depth3d.io.animation.animation import checked_frames, durations
from depth3d.io.images.codec import encode_webp

_TICKS_PER_SECOND = 1000
_HAS_ANIMATION = 0x02
_DO_NOT_BLEND = 0x02
_LARGEST = 16383
_IMAGE_CHUNKS = (b"ALPH", b"VP8 ", b"VP8L")


def write(animation: Animation, file: BinaryIO, *, notes: Mapping[str, str], quality: int = 80) -> None:
    """Write the frames as they are drawn, each a lossy WebP image of its own; only one is held at a time.

    Args:
        animation: the frames.
        file: where the bytes go; must allow seeking.
        notes: not stored; the container has no plain place for them.
        quality: 1 to 100.

    Raises:
        UsageError: see `durations`.
        OutputError: the frames are larger than 16383 pixels, the file larger than 4 GiB; or see `checked_frames`.
    """
    delays = durations(animation.count, animation.fps, _TICKS_PER_SECOND)
    frames = checked_frames(animation)
    first = next(frames)
    height, width = first.shape[:2]
    if max(height, width) > _LARGEST:
        raise OutputError(f"a WebP holds at most {_LARGEST} pixels in each direction, got {width}x{height}")
    start = file.tell()
    canvas = struct.pack("<I", _HAS_ANIMATION) + _uint24(width - 1) + _uint24(height - 1)
    passes = 0 if animation.loops else 1
    file.write(b"RIFF\0\0\0\0WEBP" + _chunk(b"VP8X", canvas) + _chunk(b"ANIM", struct.pack("<IH", 0, passes)))
    for rgb, delay in zip(chain([first], frames), delays, strict=True):
        image = b"".join(_chunk(kind, data) for kind, data in _chunks(encode_webp(rgb, quality=quality)))
        place = _uint24(0) + _uint24(0) + _uint24(width - 1) + _uint24(height - 1)
        file.write(_chunk(b"ANMF", place + _uint24(delay) + bytes([_DO_NOT_BLEND]) + image))
    size = file.tell() - start - 8
    if size > 2**32 - 10:
        raise OutputError(f"{size / 2**30:.1f} GiB do not fit into a WebP file, which holds 4; use fewer frames")
    file.seek(start + 4)
    file.write(struct.pack("<I", size))


def _chunks(webp: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a still image that hold its pixels."""
    position = 12
    while position < len(webp):
        kind, length = struct.unpack_from("<4sI", webp, position)
        if kind in _IMAGE_CHUNKS:
            yield kind, webp[position + 8 : position + 8 + length]
        position += 8 + length + length % 2


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _uint24(value: int) -> bytes:
    return value.to_bytes(3, "little")
