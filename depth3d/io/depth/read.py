"""Depth files as stored: numbers on a grid, before anything is said about what they mean."""

from __future__ import annotations

import json
import math
import re
import tokenize
import warnings
import zipfile
from collections.abc import Mapping
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import DepthMapError, MissingExtraError
from depth3d.io.open_input import DECODER_DAMAGE, MAX_MEGAPIXELS, open_picture, open_regular_file, shown

if TYPE_CHECKING:
    from PIL import Image

_UNITS_TEXT, _UNKNOWN_TEXT = "depth3d:units_per_metre", "depth3d:unknown"
"""Keys of the texts in which our own 16-bit PNGs keep their scale (metric ones only) and their sign for unknown."""

_HEAD_BYTES = 512
_TIFF_DESCRIPTION = 270
_COLOUR_TOLERANCE = 10
_ARCHIVE_NAMES = ("depth", "inverse_depth", "arr_0")
_SIGMA_NAME = "sigma"
_EXR_NAMES = ("Z", "depth", "Y", "V")


@dataclass(frozen=True, slots=True, eq=False)
class StoredDepth:
    """The numbers of a depth file, untouched.

    Attributes:
        values: (H, W) in the file's own number type.
        bits: 8, 16 or more for whole numbers, None for floating point.
        units_per_metre: the scale that the file itself states, and with it that it holds metres; or None.
        is_relative: whether the file itself states that it holds inverse depth without a unit.
        zero_is_unknown: whether the file itself states that 0 stands for unknown.
        sigma: (H, W) one standard deviation of each value, in the values' unit, where the file has a channel or an
            array of that name beside the depth; or None.
    """

    values: NDArray[Any]
    bits: int | None
    units_per_metre: float | None = None
    is_relative: bool = False
    zero_is_unknown: bool = False
    sigma: NDArray[Any] | None = None


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
                return _of_array(_read_npy(file))
            if head.startswith(b"PK\x03\x04"):
                return _read_npz(file)
            if re.match(rb"P[Ff]\s", head):
                return _of_array(_read_pfm(file))
            if head.startswith(b"\x76\x2f\x31\x01"):
                return _read_exr(path)
        except (_Unusable, zipfile.BadZipFile, *DECODER_DAMAGE) as problem:
            reason = " ".join(str(problem).split()) or type(problem).__name__
            raise DepthMapError(f"{shown(path)}: cannot be read as a depth map: {reason}") from None
    return _read_picture(path, head)


class _Unusable(Exception):
    """A file's content is not a depth map; the message says why, without the file's name."""


def _of_array(values: NDArray[Any]) -> StoredDepth:
    while values.ndim > 2 and 1 in (values.shape[0], values.shape[-1]):
        values = values[0] if values.shape[0] == 1 else values[..., 0]
    if values.ndim != 2 or values.size == 0:
        raise _Unusable(f"it holds an array of shape {values.shape}, expected (height, width)")
    return StoredDepth(values, None if values.dtype.kind == "f" else values.dtype.itemsize * 8)


def _read_npy(stream: IO[bytes]) -> NDArray[Any]:
    """An array whose header is checked before anything is allocated, and which cannot be a pickle."""
    shape, by_columns, dtype = _read_npy_header(stream)
    if dtype.hasobject:
        raise _Unusable("it holds pickled objects, which can run code when read; save a plain array of numbers")
    if dtype.kind not in "fiu":
        raise _Unusable(f"it holds values of type {dtype}, expected numbers")
    count = math.prod(shape)
    _check_pixels(count)
    content = stream.read(count * dtype.itemsize)
    if len(content) < count * dtype.itemsize:
        raise _Unusable(f"it is cut off: {len(content)} bytes instead of {count * dtype.itemsize}")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if by_columns else "C")


def _read_npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether by columns, and number type; https://numpy.org/doc/stable/reference/generated/numpy.lib.format."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about headers that old programs wrote
            shape, by_columns, dtype = readers[np.lib.format.read_magic(stream)](stream)
    except (tokenize.TokenError, *DECODER_DAMAGE):
        raise _Unusable("its NPY header is damaged, or of a version that is not for plain numbers") from None
    if any(side < 0 for side in shape):
        raise _Unusable(f"its NPY header states the shape {shape}")
    return shape, by_columns, dtype


def _read_npz(stream: IO[bytes]) -> StoredDepth:
    with zipfile.ZipFile(stream) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        chosen = names[0] if len(names) == 1 else next((name for name in _ARCHIVE_NAMES if name in names), None)
        if chosen is None:
            found = ", ".join(sorted(names))[:120] or "nothing"
            raise _Unusable(f"it holds {found}; name the depth 'depth', or keep one array only")
        with archive.open(f"{chosen}.npy") as member:
            stored = _of_array(_read_npy(member))
        if _SIGMA_NAME in names and chosen != _SIGMA_NAME:
            with archive.open(f"{_SIGMA_NAME}.npy") as member:
                stored = _with_sigma(stored, _read_npy(member))
    return replace(stored, is_relative=chosen == "inverse_depth")


def _with_sigma(stored: StoredDepth, sigma: NDArray[Any]) -> StoredDepth:
    if sigma.shape != stored.values.shape:
        raise _Unusable(f"its sigma has shape {sigma.shape}, its depth {stored.values.shape}")
    return replace(stored, sigma=sigma)


def _read_pfm(stream: IO[bytes]) -> NDArray[Any]:
    """Portable float map: rows from bottom to top, a negative scale for little-endian; its size has no agreed meaning.

    http://www.pauldebevec.com/Research/HDR/PFM/
    """
    header = re.match(rb"P([Ff])\s+(\d{1,9})\s+(\d{1,9})\s+([-+.\deE]{1,40})(?:\r\n|\s)", stream.read(_HEAD_BYTES))
    if header is None:
        raise _Unusable("its PFM header is not 'Pf', width, height and scale")
    kind, width, height, scale_text = header.groups()
    width, height, scale = int(width), int(height), float(scale_text)
    if kind == b"F":
        raise _Unusable("it is a PFM in colour ('PF'), a depth map has one channel ('Pf')")
    if scale == 0 or not math.isfinite(scale):
        raise _Unusable(f"its PFM scale of {scale:g} does not say the byte order")
    _check_pixels(width * height)
    stream.seek(header.end())
    content = stream.read(4 * width * height)
    if len(content) < 4 * width * height:
        raise _Unusable(f"it is cut off: {len(content)} bytes instead of {4 * width * height}")
    return np.frombuffer(content, "<f4" if scale < 0 else ">f4").reshape(height, width)[::-1]


def _read_exr(path: Path) -> StoredDepth:
    channels = _exr_channels(path)
    depth = _exr_depth(channels)
    if _SIGMA_NAME in channels and len(channels) > 1:
        return _with_sigma(_of_array(depth), channels[_SIGMA_NAME])
    return _of_array(depth)


def _exr_channels(path: Path) -> dict[str, NDArray[Any]]:
    try:
        import OpenEXR
    except ImportError:
        raise MissingExtraError("EXR depth maps", "OpenEXR", "formats") from None
    with redirect_stdout(StringIO()):  # OpenEXR prints why it cannot go on, and raises something that does not say it
        try:
            header = OpenEXR.File(str(path), header_only=True).header()
            _check_exr_window(header)
            stored = OpenEXR.File(str(path), separate_channels=True).channels()
        except DECODER_DAMAGE:
            raise _Unusable("the EXR file is damaged or cut off") from None
    return {name: np.asarray(channel.pixels) for name, channel in stored.items()}


def _exr_depth(channels: dict[str, NDArray[Any]]) -> NDArray[Any]:
    if len(channels) == 1:
        return next(iter(channels.values()))
    for name in _EXR_NAMES:
        if name in channels:
            return channels[name]
    if {"R", "G", "B"} <= set(channels):
        red, others = channels["R"], (channels["G"], channels["B"])
        if all(np.array_equal(red, other, equal_nan=True) for other in others):
            return red
    raise _Unusable(
        f"it holds the channels {', '.join(sorted(channels))}; name the depth 'Z', or keep one channel only"
    )


def _check_exr_window(header: dict[str, Any]) -> None:
    (left, top), (right, bottom) = np.asarray(header["dataWindow"], np.int64).tolist()
    _check_pixels((right - left + 1) * (bottom - top + 1))
    if not np.array_equal(header["dataWindow"], header["displayWindow"]):
        raise _Unusable("its data window is not its display window; save the whole picture")


def _read_picture(path: Path, head: bytes) -> StoredDepth:
    from PIL import ImageOps

    with open_picture(path, DepthMapError) as image:
        image.load()
        texts = _texts(image)
        ImageOps.exif_transpose(image, in_place=True)
    units = _stated_units(texts, path)
    zero_is_unknown = texts.get(_UNKNOWN_TEXT) == "0"
    values, bits = _numbers(image, path, head)
    return StoredDepth(values, bits, units, zero_is_unknown and units is None, zero_is_unknown)


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


def _stated_units(texts: Mapping[Any, Any], path: Path) -> float | None:
    text = texts.get(_UNITS_TEXT)
    if text is None:
        return None
    try:
        units = float(text)
    except ValueError:
        units = math.nan
    if not (math.isfinite(units) and units > 0):
        raise DepthMapError(f"{shown(path)}: its text {_UNITS_TEXT} is {str(text)[:40]!r}, not a positive number")
    return units


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
        raise DepthMapError(f"{shown(path)}: a picture in colours is no depth map; its three channels must be equal")
    return image.convert("L")


def _without_stretching(values: NDArray[Any], head: bytes, stretched_to: int) -> NDArray[Any]:
    """A PGM's own numbers: Pillow stretches the header's greatest value to the type's, which can be undone."""
    plain = re.sub(rb"#[^\n]*\n", b"\n", head)
    header = re.match(rb"P[25]\s+\d+\s+\d+\s+(\d+)\s", plain)
    greatest = int(header.group(1)) if header else stretched_to
    if greatest == stretched_to:
        return values
    return np.rint(values * (greatest / stretched_to)).astype(np.uint16)


def _check_pixels(count: int) -> None:
    if count > MAX_MEGAPIXELS * 1_000_000:
        raise _Unusable(f"{count:.3g} values are more than {MAX_MEGAPIXELS} megapixels; resize it first")
