"""XMP packets: notes in RDF that cameras write into photos (Adobe, XMP specification parts 1 and 3; ISO 16684-1)."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import IO

Properties = dict[tuple[str, str], str]
"""Text by (namespace, name)."""

_NOTE = "http://ns.adobe.com/xmp/note/"
_STANDARD = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
_EXTENDED_HEAD = 40
_APP1, _START_OF_SCAN, _END = 0xE1, 0xDA, 0xD9
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_LARGEST_EXTENSION = 200_000_000


def xmp_segments(file: IO[bytes]) -> list[bytes]:
    """The segments of a JPEG that hold XMP, standard or extended, as they are."""
    return [content for content in _app1_segments(file) if content.startswith((_STANDARD, _EXTENDED))]


def xmp_of_segments(segments: list[bytes]) -> list[bytes]:
    """The standard packet, and the extended one it names, put together from its parts.

    Raises:
        ValueError: the packet is not well-formed, or its extension is cut off or damaged.
    """
    packets = [content[len(_STANDARD) :] for content in segments if content.startswith(_STANDARD)][:1]
    for packet in tuple(packets):
        name = properties_of(parse_xmp(packet)).get((_NOTE, "HasExtendedXMP"), "")
        if name:
            packets.append(_extension(name.encode("ascii", "replace"), segments))
    return packets


def parse_xmp(packet: bytes) -> ElementTree.Element:
    """A packet's elements.

    Raises:
        ValueError: not well-formed XML, or XML with a document type or comments, which no camera writes.
    """
    if b"<!" in packet:  # also against entities that expand into gigabytes
        raise ValueError("XMP with a document type or comments")
    start, end = packet.find(b"<x:xmpmeta"), packet.rfind(b"</x:xmpmeta>")
    body = packet[start : end + len(b"</x:xmpmeta>")] if 0 <= start < end else packet.strip(b"\0 \r\n\t")
    try:
        return ElementTree.fromstring(body)
    except (ElementTree.ParseError, RecursionError) as problem:
        raise ValueError(f"XMP is not well-formed: {problem}") from None


def properties_of(element: ElementTree.Element) -> Properties:
    """The simple properties in an element, at any depth, as attributes or as elements; the first of each name."""
    found: Properties = {}
    for inner in element.iter():
        values = dict(inner.attrib)
        if inner.text and len(inner) == 0:
            values.setdefault(inner.tag, inner.text.strip())
        for name, text in values.items():
            namespace, _, local = name.removeprefix("{").rpartition("}")
            found.setdefault((namespace, local), text)
    return found


def _extension(name: bytes, segments: list[bytes]) -> bytes:
    """The extended packet of a name, which is the MD5 sum of its bytes in hexadecimal digits."""
    start = _EXTENDED + name
    content = bytearray()
    length = 0
    for offset, part_length, part in sorted(_parts(start, segments)):
        length = part_length
        if offset != len(content) or length > _LARGEST_EXTENSION:
            break
        content += part
    if not content or len(content) != length:
        raise ValueError(f"extended XMP is cut off: {len(content)} of {length} bytes are there")
    if hashlib.md5(content, usedforsecurity=False).hexdigest().encode() != name.lower():
        raise ValueError("extended XMP is damaged: its checksum is not the one it is named by")
    return bytes(content)


def _parts(start: bytes, segments: list[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """(offset, length of the whole, bytes) of each part."""
    for content in segments:
        if content.startswith(start) and len(content) >= len(_EXTENDED) + _EXTENDED_HEAD:
            rest = content[len(start) :]
            yield int.from_bytes(rest[4:8], "big"), int.from_bytes(rest[:4], "big"), rest[8:]


def _app1_segments(file: IO[bytes]) -> Iterator[bytes]:
    """The APP1 segments before the picture itself (ITU-T T.81, B.1.1)."""
    file.seek(2)
    while len(head := file.read(2)) == 2 and head[0] == 0xFF:
        marker = head[1]
        if marker in {_START_OF_SCAN, _END}:
            return
        if marker == 0xFF:  # a fill byte
            file.seek(-1, 1)
        elif marker not in _WITHOUT_LENGTH:
            length = int.from_bytes(file.read(2), "big") - 2
            if length < 0:
                return
            content = file.read(length)
            if marker == _APP1:
                yield content
