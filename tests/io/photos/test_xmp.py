"""XMP packets in JPEGs, as Pillow writes them and as they may come."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from depth3d.io.photos.xmp import parse_xmp, properties_of, xmp_of_segments, xmp_segments

PACKET = (
    b'<?xpacket begin="" id="x"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:n="urn:n" n:one="1">'
    b"<n:two> 2 </n:two><n:three><rdf:Seq><rdf:li>a</rdf:li></rdf:Seq></n:three></rdf:Description></rdf:RDF>"
    b'</x:xmpmeta><?xpacket end="w"?>'
)


def _jpeg(xmp: bytes = b"") -> bytes:
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "JPEG", xmp=xmp)
    return file.getvalue()


def test_what_pillow_writes_is_read() -> None:
    (packet,) = xmp_of_segments(xmp_segments(io.BytesIO(_jpeg(PACKET))))
    assert packet == PACKET
    properties = properties_of(parse_xmp(packet))
    assert properties[("urn:n", "one")] == "1"
    assert properties[("urn:n", "two")] == "2"
    assert ("urn:n", "three") not in properties


def test_fill_bytes_and_other_segments_are_passed_over() -> None:
    plain = _jpeg(PACKET)
    comment = b"\xff\xfe" + struct.pack(">H", 6) + b"\xff\xe1ab"
    assert xmp_of_segments(xmp_segments(io.BytesIO(plain[:2] + comment + b"\xff\xff\xff" + plain[2:]))) == [PACKET]
    assert xmp_segments(io.BytesIO(_jpeg())) == []


def test_entities_are_refused() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    with pytest.raises(ValueError, match="document type"):
        parse_xmp(bomb)


@given(st.binary(max_size=80))
def test_any_bytes_end(content: bytes) -> None:
    for stream in (b"\xff\xd8" + content, b"\xff\xd8\xff" + content, b"\xff\xd8\xff\xe1" + content):
        assert len(xmp_segments(io.BytesIO(stream))) <= 1
