"""Both eyes' pictures in one file, as stereo cameras write it: the Multi-Picture Format (CIPA DC-007)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import BinaryIO

from depth3d.core.images import StereoPair
from depth3d.io.images.codec import encode_jpeg

_QUALITY = 92
_DISPARITY = 0x020002
_VERSION, _COUNT, _ENTRIES = 0xB000, 0xB001, 0xB002
_LONG, _UNDEFINED = 4, 7
_APP0, _APP2 = 0xE0, 0xE2
_ENTRY_BYTES = 16


def write(pair: StereoPair, file: BinaryIO, *, notes: Mapping[str, str], quality: int = _QUALITY) -> None:
    """Write two JPEG pictures, the left eye's first; programs that know no more show that one. Notes are not stored.

    Args:
        pair: what both eyes see.
        file: where the bytes go.
        notes: not stored.
        quality: of the JPEG pictures, 1 to 100.
    """
    left, right = (encode_jpeg(eye, quality=quality) for eye in (pair.left, pair.right))
    at = _after_app0(left)
    sizes = len(left) + len(_index(0, 0, 0)), len(right)
    head = at + 8  # marker, length and "MPF": offsets count from what follows
    file.write(left[:at] + _index(*sizes, sizes[0] - head) + left[at:] + right)


def _after_app0(jpeg: bytes) -> int:
    """Where the first segment after the file's start and JFIF's own begins."""
    if jpeg[2:4] != bytes([0xFF, _APP0]):
        return 2
    return 4 + int(struct.unpack(">H", jpeg[4:6])[0])


def _index(first_bytes: int, second_bytes: int, second_at: int) -> bytes:
    """The segment that says where both pictures are."""
    entries = struct.pack("<IIIHH", _DISPARITY, first_bytes, 0, 0, 0)
    entries += struct.pack("<IIIHH", _DISPARITY, second_bytes, second_at, 0, 0)
    tags = struct.pack("<HHI4s", _VERSION, _UNDEFINED, 4, b"0100") + struct.pack("<HHII", _COUNT, _LONG, 1, 2)
    start = 8 + 2 + 3 * 12 + 4  # after the header, the three tags and the end of their list
    tags += struct.pack("<HHII", _ENTRIES, _UNDEFINED, 2 * _ENTRY_BYTES, start)
    content = b"MPF\0II*\0" + struct.pack("<IH", 8, 3) + tags + struct.pack("<I", 0) + entries
    return struct.pack(">BBH", 0xFF, _APP2, len(content) + 2) + content
