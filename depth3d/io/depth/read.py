"""Depth files as stored: numbers on a grid, before anything is said about what they mean."""

from __future__ import annotations

import json
import re
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import DepthMapError
from depth3d.io.depth.exr import read_exr
from depth3d.io.depth.numpy_file import read_npy, read_npz
from depth3d.io.depth.pfm import read_pfm
from depth3d.io.depth.stored_depth import StoredDepth, UnusableError, as_stored, with_meaning
from depth3d.io.open_input import DECODER_DAMAGE, decoding, open_picture, open_regular_file, shown

if TYPE_CHECKING:
    from PIL import Image

_HEAD_BYTES = 512
_TIFF_DESCRIPTION = 270
_COLOUR_TOLERANCE = 10


def read_stored_depth(path: Path) -> StoredDepth:
    """Read NPY, NPZ, PFM, EXR, or any picture of one channel; the content decides, not the suffix.

    An NPZ holds one array, or one named depth, inverse_depth or arr_0. An EXR holds one channel, or one named Z, depth,
    Y or V, or three equal ones. Either may hold the depth's error bar as sigma. A picture in colours must be grey.

    Raises:
        DepthMapError: the file is missing, empty, damaged, larger than 200 megapixels, or holds no single grid of
            numbers; a pickled object is refused unread.
        MissingExtraError: an EXR file without the package OpenEXR.
    """
    with open_regular_file(path, DepthMapError) as file:
        head = file.read(_HEAD_BYTES)
        file.seek(0)
        try:
            if head.startswith(b"\x93NUMPY"):
                return as_stored(read_npy(file))
            if head.startswith(b"PK\x03\x04"):
                return read_npz(file, path)
            if re.match(rb"P[Ff]\s", head):
                return as_stored(read_pfm(file))
            if head.startswith(b"\x76\x2f\x31\x01"):
                return read_exr(path)
        except (UnusableError, zipfile.BadZipFile, *DECODER_DAMAGE) as problem:
            reason = " ".join(str(problem).split()) or type(problem).__name__
            raise DepthMapError(f"{shown(path)}: cannot be read as a depth map: {reason}") from None
    return _read_picture(path, head)


def _read_picture(path: Path, head: bytes) -> StoredDepth:
    from PIL import ImageOps

    with open_picture(path, DepthMapError) as image:
        image.load()
        texts = _texts(image)
        ImageOps.exif_transpose(image, in_place=True)
    with decoding(path, DepthMapError):
        values, bits = _numbers(image, path, head)
    return with_meaning(StoredDepth(values, bits), texts, path)


def _numbers(image: Image.Image, path: Path, head: bytes) -> tuple[NDArray[Any], int | None]:
    """(H, W) of the file's own numbers, and how many bits they have if they are whole."""
    is_portable_map = image.format == "PPM"
    if image.mode.startswith("I;16"):
        return np.asarray(image), 16
    if image.mode == "F":
        return np.asarray(image), None
    if image.mode == "I":
        values = np.asarray(image)
        return (_without_stretching(values, head, 65535), 16) if is_portable_map else (values, 32)
    grey = np.asarray(_grey(image, path, head))
    return _without_stretching(grey, head, 255) if is_portable_map else grey, 8


def _texts(image: Image.Image) -> dict[Any, Any]:
    """What a picture says about itself; our own TIFFs do so by a description in JSON."""
    texts = dict(image.info)
    description = getattr(image, "tag_v2", {}).get(_TIFF_DESCRIPTION)
    if isinstance(description, str):
        with suppress(ValueError):
            ours = json.loads(description)
            texts |= ours if isinstance(ours, dict) else {}
    return texts


def _grey(image: Image.Image, path: Path, head: bytes) -> Image.Image:
    """The one channel of a picture of 8 bits; refuses colours, transparency, and 16 bits that Pillow would drop."""
    is_png_of_16_bits = image.format == "PNG" and head[24:25] == b"\x10"
    if is_png_of_16_bits:
        raise DepthMapError(f"{shown(path)}: a 16-bit PNG in colour or with alpha; save it as 16-bit greyscale")
    if image.has_transparency_data and np.asarray(image.convert("RGBA").getchannel("A")).min() < 255:
        raise DepthMapError(f"{shown(path)}: a depth map cannot be transparent; save it without alpha")
    if image.mode in {"1", "L", "LA"}:
        return image.convert("L")
    colours = np.asarray(image.convert("RGB"))
    difference = max(int(np.ptp(strip, axis=2).max()) for strip in np.array_split(colours, max(1, len(colours) // 128)))
    if difference > _COLOUR_TOLERANCE:
        raise DepthMapError(f"{shown(path)}: a colour picture is not a depth map; its three channels must be equal")
    return image.convert("L")


def _without_stretching(values: NDArray[Any], head: bytes, stretched_to: int) -> NDArray[Any]:
    """A PGM's own numbers: Pillow stretches the header's greatest value to the type's, which can be undone."""
    plain = re.sub(rb"#[^\n]*\n?", b"\n", head)
    header = re.match(rb"P[25]\s+\d+\s+\d+\s+(\d+)\s", plain)
    greatest = int(header.group(1)) if header else stretched_to
    if greatest == stretched_to:
        return values
    return np.rint(values * (greatest / stretched_to)).astype(np.uint16)
