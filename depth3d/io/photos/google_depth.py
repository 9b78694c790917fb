"""Google's depth in JPEG photos, in its two forms.

GDepth (https://developers.google.com/depthmap-metadata): a picture in base64 in the XMP. Dynamic Depth 1.0 (Google,
2019): a picture appended to the photo's file, with a directory in the XMP. Both store x from 0 (near) to 1 (far): for
RangeLinear z = near + x (far - near), for RangeInverse 1/z = (1 - x) / near + x / far. Without a unit stated, as Lens
Blur wrote it, lengths are right up to a common factor at best.
"""

from __future__ import annotations

import base64
import binascii
import math
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import DepthMapError, PhotoError
from depth3d.core.orientation import upright_grid
from depth3d.io.open_input import DECODER_DAMAGE, open_picture, open_regular_file, shown
from depth3d.io.photos.embedded_depth import EmbeddedDepth
from depth3d.io.photos.xmp import Properties, parse_xmp, properties_of, xmp_of_segments, xmp_segments

_GDEPTH = "http://ns.google.com/photos/1.0/depthmap/"
_DYNAMIC = "http://ns.google.com/photos/dd/1.0/depthmap/"
_CONTAINER = "http://ns.google.com/photos/dd/1.0/container/"
_ITEM = "http://ns.google.com/photos/dd/1.0/item/"
_METRES = {"m": 1.0, "meters": 1.0, "metres": 1.0, "cm": 0.01, "mm": 0.001}
_UNIT_SIGMA = 0.1
"""What a unit that a phone states is worth, one standard deviation: our judgement."""

_ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True, eq=False)
class _Stored:
    """Depth as stored.

    Attributes:
        picture: the file of the picture.
        note: texts by name: Format, Near, Far, Units, MeasureType.
        form: which of the two forms, in words.
    """

    picture: bytes
    note: dict[str, str]
    form: str

    def number(self, name: str) -> float:
        """A text as a number; NaN where it is none."""
        try:
            return float(self.note.get(name, "nan"))
        except ValueError:
            return math.nan


def depth_of_jpeg(path: Path) -> EmbeddedDepth | None:
    """The depth of a JPEG photo, turned as the photo's orientation tag says; None where there is none.

    Raises:
        DepthMapError: the depth is damaged, or of a form that is not known.
        PhotoError: the photo cannot be read.
    """
    with open_regular_file(path, PhotoError) as file:
        segments = xmp_segments(file)
        if not any(name.encode() in content for content in segments for name in (_GDEPTH, _DYNAMIC)):
            return None
        try:
            trees = [parse_xmp(packet) for packet in xmp_of_segments(segments)]
            stored = _gdepth(trees) or _dynamic_depth(trees, file)
            share = _decoded(stored.picture)
            embedded = _understood(stored, upright_grid(share, _orientation(path)), path)
        except ValueError as problem:
            raise DepthMapError(f"{shown(path)}: the depth in the photo cannot be read: {problem}") from None
    return embedded


def _gdepth(trees: list[Element]) -> _Stored | None:
    properties: Properties = {}
    for tree in trees:
        properties = properties_of(tree) | properties
    note = {name: text for (namespace, name), text in properties.items() if namespace == _GDEPTH}
    if "Data" not in note:
        return None
    try:
        return _Stored(base64.b64decode(note.pop("Data")), note, "GDepth")
    except binascii.Error as problem:
        raise ValueError(f"GDepth:Data is no base64: {problem}") from None


def _dynamic_depth(trees: list[Element], file: IO[bytes]) -> _Stored:
    if not trees:
        raise ValueError("its XMP speaks of depth in a part whose beginning is lost")
    properties = properties_of(trees[0])
    note = {name: text for (namespace, name), text in properties.items() if namespace == _DYNAMIC}
    items = [properties_of(element) for element in trees[0].iter(f"{{{_CONTAINER}}}Item")]
    uri = note.get("DepthURI")
    at = next((i for i, item in enumerate(items) if uri is not None and item.get((_ITEM, "DataURI")) == uri), None)
    if at is None or at == 0:
        raise ValueError("its XMP speaks of depth but names none; the depth was lost when the photo was edited")
    # What follows the photo ends where the file ends; the first item is the photo itself.
    after = sum(map(_item_length, items[at:]))
    if after > file.seek(0, 2):
        raise ValueError(f"the directory asks for {after:,} bytes at the end of the file; it is cut off")
    file.seek(-after, 2)
    return _Stored(file.read(_item_length(items[at])), note, "Dynamic Depth")


def _item_length(item: Properties) -> int:
    """Bytes of one appended file and its padding."""
    length, padding = (item.get((_ITEM, name)) or "0" for name in ("Length", "Padding"))
    if not (length.isdecimal() and padding.isdecimal() and len(length + padding) < 30):
        raise ValueError(f"the directory states a length of {length[:20]!r} and a padding of {padding[:20]!r}")
    return int(length) + int(padding)


def _decoded(content: bytes) -> NDArray[np.float32]:
    """(H, W) float32 from 0 to 1."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as image:
                if image.mode.startswith("I"):
                    return np.asarray(image).astype(np.float32) / np.float32(65535)
                return np.asarray(image.convert("L")).astype(np.float32) / np.float32(255)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError, *DECODER_DAMAGE) as problem:
        raise ValueError(" ".join(str(problem).split())[:120] or type(problem).__name__) from None


def _orientation(path: Path) -> int:
    with open_picture(path, PhotoError) as image:
        try:
            value = image.getexif().get(_ORIENTATION, 1)
        except DECODER_DAMAGE:
            return 1  # as `read_photo`, which tells of the damage
    return value if isinstance(value, int) else 1


def _understood(stored: _Stored, share: NDArray[np.float32], path: Path) -> EmbeddedDepth:
    units = stored.note.get("Units", "")
    metres_per_unit = _METRES.get(units.lower())
    inverse = _inverse(stored, share)
    is_along_ray = stored.note.get("MeasureType", "").lower() == "opticray"
    size = f"{share.shape[1]}x{share.shape[0]}"
    if metres_per_unit is None:
        source = f"Google's {stored.form} in {path.name} ({size}, without a known unit)"
        return EmbeddedDepth(InverseDepth(inverse, zero_is_infinity=True, source=source), 0.0, is_along_ray, source)
    source = f"Google's {stored.form} in {path.name} ({size}, unit {units})"
    with np.errstate(divide="ignore"):
        metres = np.float32(metres_per_unit) / inverse
    metres[~np.isfinite(metres)] = np.nan
    return EmbeddedDepth(MetricDepth(metres, source=source, unit="m"), _UNIT_SIGMA, is_along_ray, source)


def _inverse(stored: _Stored, share: NDArray[np.float32]) -> NDArray[np.float32]:
    """1/z in the file's unit; NaN where unknown."""
    near, far = stored.number("Near"), stored.number("Far")
    form = stored.note.get("Format", "RangeInverse").lower()
    if form not in {"rangeinverse", "rangelinear"} or not 0 < near < far:
        raise ValueError(f"its format {form[:40]!r} from {near:g} to {far:g} is not known")
    if form == "rangelinear" and math.isfinite(far):
        return np.asarray(1 / (np.float32(near) + share * np.float32(far - near)))
    if form == "rangelinear":
        raise ValueError("its linear range reaches to infinity")
    return np.asarray((1 - share) * np.float32(1 / near) + share * np.float32(1 / far))
