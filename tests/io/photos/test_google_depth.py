"""Google's depth in JPEG photos, written here by hand as its specifications say and not by any code of ours."""

from __future__ import annotations

import base64
import hashlib
import io
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import PhotoError
from depth3d.io.photos.embedded_depth import EmbeddedDepth
from depth3d.io.photos.embedded_depth_file import EmbeddedDepthWarning, read_embedded_depth

XMP, EXTENDED = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
RDF = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    "{}</rdf:RDF></x:xmpmeta>"
)
GDEPTH = 'xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/"'
RAMP = np.array([[0, 51, 102, 255], [255, 0, 0, 0], [0, 0, 0, 0]], np.uint8)


def _picture(values: np.ndarray, form: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, form)
    return file.getvalue()


def _jpeg(orientation: int = 1, size: tuple[int, int] = (40, 30)) -> bytes:
    file = io.BytesIO()
    image = Image.new("RGB", size, (200, 120, 40))
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(file, "JPEG", exif=exif)
    return file.getvalue()


def _segment(content: bytes) -> bytes:
    return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content


def _with(photo: bytes, *segments: bytes) -> bytes:
    """The photo with APP1 segments after its start."""
    return photo[:2] + b"".join(map(_segment, segments)) + photo[2:]


def _gdepth(data: bytes | None, **attributes: str) -> str:
    said = {"Format": "RangeInverse", "Near": "1", "Far": "5", "Mime": "image/png", **attributes}
    if data is not None:
        said["Data"] = base64.b64encode(data).decode()
    text = " ".join(f'GDepth:{name}="{value}"' for name, value in said.items() if value)
    return RDF.format(f'<rdf:Description rdf:about="" {GDEPTH} {text}/>')


def _extended(data: bytes, chunk: int = 60_000, **attributes: str) -> list[bytes]:
    """A standard packet and its extension in chunks, as photos with more than 64 KB of depth have them."""
    text = base64.b64encode(data).decode()
    extension = RDF.format(f'<rdf:Description rdf:about="" {GDEPTH} GDepth:Data="{text}"/>').encode()
    guid = hashlib.md5(extension).hexdigest().upper()
    note = f'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{guid}"'
    standard = _gdepth(None, **attributes).replace('rdf:about=""', f'rdf:about="" {note}')
    head = EXTENDED + guid.encode() + struct.pack(">I", len(extension))
    parts = [head + struct.pack(">I", at) + extension[at : at + chunk] for at in range(0, len(extension), chunk)]
    return [XMP + standard.encode(), *parts]


def _read(tmp_path: Path, content: bytes) -> EmbeddedDepth | None:
    (tmp_path / "photo.jpg").write_bytes(content)
    return read_embedded_depth(tmp_path / "photo.jpg")


def _metres(embedded: EmbeddedDepth | None) -> np.ndarray:
    assert embedded is not None
    assert isinstance(embedded.depth, MetricDepth)
    return embedded.depth.z


SHARE = RAMP / 255


def test_range_inverse_is_linear_in_inverse_depth(tmp_path: Path) -> None:
    found = _read(tmp_path, _with(_jpeg(), XMP + _gdepth(_picture(RAMP), Units="m").encode()))
    np.testing.assert_allclose(1 / _metres(found), (1 - SHARE) / 1 + SHARE / 5, rtol=1e-6)
    assert _metres(found)[0].tolist() == pytest.approx([1, 1 / 0.84, 1 / 0.68, 5])
    assert found is not None
    assert found.source == "Google's GDepth in photo.jpg (4x3, unit m)"


def test_range_linear_is_linear_in_depth_and_units_are_heeded(tmp_path: Path) -> None:
    xmp = _gdepth(_picture(RAMP), Format="RangeLinear", Near="1000", Far="5000", Units="mm", MeasureType="OpticRay")
    found = _read(tmp_path, _with(_jpeg(), XMP + xmp.encode()))
    np.testing.assert_allclose(_metres(found), 1 + 4 * SHARE, rtol=1e-6)
    assert found is not None
    assert found.is_along_ray


def test_sixteen_bits_and_elements_instead_of_attributes(tmp_path: Path) -> None:
    data = base64.b64encode(_picture((SHARE * 65535).astype(np.uint16))).decode()
    inner = "".join(
        f"<GDepth:{name}>{text}</GDepth:{name}>"
        for name, text in {"Format": "RangeInverse", "Near": "1", "Far": "5", "Units": "m", "Data": data}.items()
    )
    xmp = RDF.format(f'<rdf:Description rdf:about="" {GDEPTH}>{inner}</rdf:Description>')
    found = _read(tmp_path, _with(_jpeg(), XMP + xmp.encode()))
    np.testing.assert_allclose(1 / _metres(found), 1 - 0.8 * SHARE, rtol=1e-6)


def test_without_a_unit_it_is_relative(tmp_path: Path) -> None:
    found = _read(tmp_path, _with(_jpeg(), XMP + _gdepth(_picture(RAMP)).encode()))
    assert found is not None
    assert isinstance(found.depth, InverseDepth)
    assert not found.is_metric
    assert found.depth.zero_is_infinity
    np.testing.assert_allclose(found.depth.values, 1 - 0.8 * SHARE, rtol=1e-6)


@pytest.mark.parametrize("name", ["mango", "shelf", "tunnel"])
def test_real_lens_blur_depth_in_extended_xmp(shared_data: Path, tmp_path: Path, name: str) -> None:
    folder = shared_data / "depthy_lensblur"
    depth = (folder / f"{name}-depth.jpg").read_bytes()
    parts = _extended(depth, chunk=9_999, Near="7.5", Far="63", Mime="image/jpeg")
    assert len(parts) > 4
    found = _read(tmp_path, _with((folder / f"{name}-image.jpg").read_bytes(), *reversed(parts)))
    assert found is not None
    assert isinstance(found.depth, InverseDepth)
    share = np.asarray(Image.open(io.BytesIO(depth)).convert("L"), np.float64) / 255
    np.testing.assert_allclose(found.depth.values, (1 - share) / 7.5 + share / 63, rtol=1e-5)


def test_depth_is_turned_as_the_photo(tmp_path: Path) -> None:
    found = _read(tmp_path, _with(_jpeg(6), XMP + _gdepth(_picture(RAMP), Units="m").encode()))
    np.testing.assert_allclose(1 / _metres(found), np.rot90(1 - 0.8 * SHARE, -1), rtol=1e-6)


def _dynamic(depth: bytes, *, padding: int = 0, uri: str = "android/depth") -> bytes:
    """A photo with a confidence map, which is left aside, and a depth map appended, as Dynamic Depth 1.0 has it."""
    other = b"confidence"
    items = [("primary_image", 0, 0), ("android/confidence", len(other), 0), (uri, len(depth), padding)]
    directory = "".join(
        f'<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="image/jpeg" Item:DataURI="{name}"'
        f' Item:Length="{length}" Item:Padding="{space}"/></rdf:li>'
        for name, length, space in items
    )
    spaces = " ".join(
        f'xmlns:{name}="http://ns.google.com/photos/dd/1.0/{name.lower()}/"'
        for name in ("Device", "Container", "Item", "Camera", "DepthMap")
    )
    xmp = RDF.format(
        f'<rdf:Description rdf:about="" {spaces}><Device:Container rdf:parseType="Resource"><Container:Directory>'
        f"<rdf:Seq>{directory}</rdf:Seq></Container:Directory></Device:Container>"
        '<Device:Camera rdf:parseType="Resource"><Camera:DepthMap DepthMap:Format="RangeInverse" DepthMap:Near="1"'
        ' DepthMap:Far="5" DepthMap:Units="Meters" DepthMap:DepthURI="android/depth"/></Device:Camera>'
        "</rdf:Description>"
    )
    return _with(_jpeg(), XMP + xmp.encode()) + other + depth + bytes(padding)


@pytest.mark.parametrize("padding", [0, 7])
def test_dynamic_depth_is_found_behind_the_photo(tmp_path: Path, padding: int) -> None:
    found = _read(tmp_path, _dynamic(_picture(RAMP), padding=padding))
    np.testing.assert_allclose(1 / _metres(found), 1 - 0.8 * SHARE, rtol=1e-6)
    assert found is not None
    assert found.source == "Google's Dynamic Depth in photo.jpg (4x3, unit Meters)"


def test_photos_without_depth_have_none(shared_data: Path, tmp_path: Path) -> None:
    assert _read(tmp_path, _jpeg()) is None
    broken = b"<x:xmpmeta <<< about something else"
    assert _read(tmp_path, _with(_jpeg(), XMP + broken)) is None
    (tmp_path / "p.png").write_bytes(_picture(RAMP))
    assert read_embedded_depth(tmp_path / "p.png") is None
    assert read_embedded_depth(shared_data / "opensfm_lund" / "images" / "01.jpg") is None


def _damaged() -> dict[str, tuple[bytes, str]]:
    ramp = _picture(RAMP)
    standard, *parts = _extended(ramp * 3000)
    swapped = parts[0][:200] + b"#" + parts[0][201:]
    many = RDF.format(f'<rdf:Description {GDEPTH} GDepth:Data=""/>').replace("<x:", "<!DOCTYPE x><x:", 1)

    def gdepth(data: bytes = ramp, **attributes: str) -> bytes:
        return _with(_jpeg(), XMP + _gdepth(data, **attributes).encode())

    return {
        "no picture": (gdepth(b"not a picture"), "cannot identify image"),
        "cut picture": (gdepth(ramp[:-30]), "cannot be read"),
        "unknown format": (gdepth(Format="RangeCubic"), "'rangecubic' from 1 to 5 is not known"),
        "near behind far": (gdepth(Near="9"), "from 9 to 5 is not known"),
        "near is a word": (gdepth(Near="close"), "from nan to 5 is not known"),
        "linear to infinity": (gdepth(Format="RangeLinear", Far="inf"), "reaches to infinity"),
        "no base64": (_with(_jpeg(), XMP + _gdepth(ramp).replace("iVBOR", "iVBO").encode()), "is no base64"),
        "not well-formed": (_with(_jpeg(), XMP + _gdepth(ramp)[:-9].encode()), "not well-formed"),
        "entities": (_with(_jpeg(), XMP + many.encode()), "document type"),
        "a part is missing": (_with(_jpeg(), standard, *parts[:-1]), "extended XMP is cut off"),
        "no part is there": (_with(_jpeg(), standard), "extended XMP is cut off: 0 of 0"),
        "a part is changed": (_with(_jpeg(), standard, swapped, *parts[1:]), "checksum"),
        "data is lost": (_with(_jpeg(), XMP + _gdepth(None).encode()), "the depth was lost"),
        "appended file is cut": (_dynamic(ramp)[:-40], "cannot"),
        "nothing is appended": (_dynamic(b"x" * 100_000)[:2000], "asks for 100,000 bytes"),
        "another name": (_dynamic(ramp, uri="android/other"), "the depth was lost"),
    }


@pytest.mark.parametrize("what", _damaged())
def test_damaged_depth_is_said_and_left_out(tmp_path: Path, what: str) -> None:
    content, says = _damaged()[what]
    with pytest.warns(EmbeddedDepthWarning) as caught:
        assert _read(tmp_path, content) is None
    (message,) = [str(warning.message) for warning in caught]
    assert says in message
    assert message.endswith("the photo's own depth is left out")
    assert "\n" not in message


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_changed_bytes_never_stop_the_program(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    source = data.draw(st.sampled_from([_dynamic(_picture(RAMP)), _with(_jpeg(), *_extended(_picture(RAMP)))]))
    content = bytearray(source)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(3, len(content) - 1))] = data.draw(st.integers(0, 255))
    assert "\n" not in _refusal(tmp_path_factory.getbasetemp(), content[: data.draw(st.integers(3, len(content)))])


def _refusal(folder: Path, content: bytes) -> str:
    """Why the photo itself is refused; damage of its depth is a warning only."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EmbeddedDepthWarning)
            _read(folder, bytes(content))
    except PhotoError as problem:
        return str(problem)
    return ""
