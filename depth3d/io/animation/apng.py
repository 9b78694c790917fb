"""Animated PNG (ISO/IEC 15948:2024, section 12): every frame without loss, so large."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from itertools import chain
from typing import BinaryIO

from depth3d.core.images import Animation
from depth3d.io.animation.animation import checked_frames, durations
from depth3d.io.images.codec import encode_png
from depth3d.io.images.png import SIGNATURE, chunk, chunks, text_chunk

_TICKS_PER_SECOND = 1000


def write(animation: Animation, file: BinaryIO, *, notes: Mapping[str, str]) -> None:
    """Write the frames as they are drawn; only one is held at a time.

    Args:
        animation: the frames.
        file: where the bytes go.
        notes: texts named depth3d:<name>.

    Raises:
        UsageError: see `durations`.
        OutputError: see `checked_frames`.
    """
    delays = durations(animation.count, animation.fps, _TICKS_PER_SECOND)
    frames = checked_frames(animation)
    first = next(frames)
    for index, rgb in enumerate(chain([first], frames)):
        encoded = list(chunks(encode_png(rgb, texts={})))
        if index == 0:
            file.write(SIGNATURE + b"".join(chunk(kind, data) for kind, data in encoded if kind == b"IHDR"))
            file.write(b"".join(text_chunk(f"depth3d:{name}", text) for name, text in notes.items()))
            file.write(chunk(b"acTL", struct.pack(">II", animation.count, 0 if animation.loops else 1)))
        pixels = b"".join(data for kind, data in encoded if kind == b"IDAT")
        # Controls and pixels share one numbering, in which the first frame's pixels, plain IDAT, do not count.
        number = max(2 * index - 1, 0)
        place = struct.pack(">IIIII", number, rgb.shape[1], rgb.shape[0], 0, 0)
        file.write(chunk(b"fcTL", place + struct.pack(">HHBB", delays[index], _TICKS_PER_SECOND, 0, 0)))
        file.write(chunk(b"IDAT", pixels) if index == 0 else chunk(b"fdAT", struct.pack(">I", number + 1) + pixels))
    file.write(chunk(b"IEND", b""))
