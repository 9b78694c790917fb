"""The chunks that a PNG file is made of (ISO/IEC 15948)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEYWORD_BYTES = 79


def with_texts(png: bytes, texts: Mapping[str, str]) -> bytes:
    """The PNG file with texts right behind its header: tEXt, or iTXt where Latin-1 does not suffice."""
    header_end = len(SIGNATURE) + 25
    chunks = b"".join(text_chunk(keyword, text) for keyword, text in texts.items())
    return png[:header_end] + chunks + png[header_end:]


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk: length, kind, data and check sum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and data of each chunk of a PNG file."""
    position = len(SIGNATURE)
    while position < len(png):
        (length,) = struct.unpack_from(">I", png, position)
        yield png[position + 4 : position + 8], png[position + 8 : position + 8 + length]
        position += length + 12


def text_chunk(keyword: str, text: str) -> bytes:
    """A text: tEXt, or iTXt where Latin-1 does not suffice. Keywords end after 79 bytes."""
    name = keyword.encode("latin-1", "replace")[:_KEYWORD_BYTES]
    try:
        return chunk(b"tEXt", name + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        return chunk(b"iTXt", name + b"\0\0\0\0\0" + text.encode("utf-8"))
