"""Photos: from a file to upright sRGB pixels and the facts its camera wrote beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import PhotoError
from depth3d.core.short_repr import short_repr
from depth3d.io.open_input import DECODER_DAMAGE, apple_depth_packet, decoding, open_picture, shown
from depth3d.io.photos.colour_profile import PhotoWarning as PhotoWarning
from depth3d.io.photos.colour_profile import srgb_transform

if TYPE_CHECKING:
    from PIL import Image, ImageCms

_STRIP_ROWS = 128
_OPAQUE = 128
_LARGEST_XMP_BYTES = 1_000_000

_ORIENTATION, _MAKE, _MODEL = 0x0112, 0x010F, 0x0110
_EXIF_BLOCK, _FOCAL_MM, _FOCAL_35MM, _DIGITAL_ZOOM = 0x8769, 0x920A, 0xA405, 0xA404
_PLANE_X, _PLANE_Y, _PLANE_UNIT = 0xA20E, 0xA20F, 0xA210
_PIXELS_X, _PIXELS_Y = 0xA002, 0xA003


@dataclass(frozen=True, slots=True)
class Exif:
    """What the camera wrote about the photo, as written: a value may be nonsense, None means that it is absent.

    Names and units follow the Exif standard (CIPA DC-008).

    Attributes:
        focal_mm: FocalLength, the lens's own, in millimetres.
        focal_35mm: FocalLengthIn35mmFilm, in millimetres; 0 says unknown.
        focal_plane_x: FocalPlaneXResolution, pixels per unit along the captured image's width.
        focal_plane_y: FocalPlaneYResolution, pixels per unit along the captured image's height.
        focal_plane_unit: FocalPlaneResolutionUnit: 2 inch, 3 centimetre; None means inch.
        captured_width: PixelXDimension, the image's width when the camera wrote it, before any resizing or turning.
        captured_height: PixelYDimension, likewise.
        orientation: 1 to 8, how the pixels as captured had to be turned to stand upright; done already in `Photo.rgb`.
        digital_zoom: DigitalZoomRatio; 0 says not used.
        make: the camera's maker.
        model: the camera's model.
        problem: why the block could not be read, in words, or None.
    """

    focal_mm: float | None = None
    focal_35mm: float | None = None
    focal_plane_x: float | None = None
    focal_plane_y: float | None = None
    focal_plane_unit: int | None = None
    captured_width: int | None = None
    captured_height: int | None = None
    orientation: int = 1
    digital_zoom: float | None = None
    make: str | None = None
    model: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A photo to look at from upright.

    Attributes:
        rgb: (H, W, 3) uint8, sRGB, upright, without alpha.
        exif: what the camera wrote about it.
        name: the file's name, for messages.
        xmp: the XMP packet in the photo's file as written, or None; see `depth3d.io.photos.xmp`.
        depth_xmp: the XMP packet about the depth that a phone stored in a HEIC photo, or None.
        alpha: (H, W) uint8, opacity from 0 to 255; None where every pixel is opaque.

    Raises:
        PhotoError: not a non-empty (H, W, 3) array of uint8, or an alpha of another size.
    """

    rgb: NDArray[np.uint8]
    exif: Exif = field(default_factory=Exif)
    name: str = "photo"
    xmp: bytes | None = None
    depth_xmp: bytes | None = None
    alpha: NDArray[np.uint8] | None = None

    __repr__ = short_repr

    def __post_init__(self) -> None:
        shape, dtype = np.shape(self.rgb), getattr(self.rgb, "dtype", None)
        if len(shape) != 3 or shape[2] != 3 or 0 in shape or dtype != np.uint8:
            raise PhotoError(f"{self.name}: expected a non-empty (H, W, 3) array of uint8, got {shape} of {dtype}")
        if self.alpha is not None and self.alpha.shape != shape[:2]:
            raise PhotoError(f"{self.name}: its alpha has shape {self.alpha.shape}, the photo {shape[:2]}")

    @property
    def transparent(self) -> NDArray[np.bool_] | None:
        """(H, W) where it is more transparent than opaque, which gives no geometry; None where nothing is."""
        if self.alpha is None:
            return None
        transparent = self.alpha < _OPAQUE
        return transparent if transparent.any() else None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.rgb.shape[1], self.rgb.shape[0]


def read_photo(path: str | Path) -> Photo:
    """Read a photo: upright by its orientation tag, sRGB by its colour profile, its first frame if it is animated.

    Transparent parts are laid over white, and `Photo.alpha` tells of them. 16-bit samples are scaled to 8 bits. JPEG,
    PNG, WebP, TIFF, BMP, GIF, PPM, AVIF and JPEG 2000 are read, HEIC with the package pillow-heif; the content decides,
    not the suffix.

    Raises:
        PhotoError: the file is missing, empty, damaged, no picture, or larger than 200 megapixels.
        MissingExtraError: a HEIC photo without pillow-heif.

    Warns:
        PhotoWarning: the colour profile is damaged; the colours are taken as sRGB.
    """
    path = Path(path)
    with open_picture(path, PhotoError) as image:
        exif = _read_exif(image)
        image.load()
        still_to_turn = _orientation(_tags(image)) if exif.problem is None else 1
    with decoding(path, PhotoError):
        rgb, alpha = _upright_rgb(image, still_to_turn, path)
    depth_xmp = apple_depth_packet(path) if image.format == "HEIF" else None
    return Photo(rgb, exif, path.name, _xmp_packet(image), depth_xmp, alpha)


def photo_size(path: str | Path) -> tuple[int, int]:
    """(width, height) of the upright photo, as its header says.

    Raises:
        PhotoError: as `read_photo`, as far as the header tells.
        MissingExtraError: a HEIC photo without pillow-heif.
    """
    with open_picture(Path(path), PhotoError) as image:
        (width, height), exif = image.size, _read_exif(image)
        is_turned = exif.problem is None and _orientation(_tags(image)) >= 5
    return (height, width) if is_turned else (width, height)


def _upright_rgb(
    image: Image.Image, orientation: int, path: Path
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """The pixels in sRGB, and their opacity: strip by strip, so that a large photo stands in memory once only."""
    width, height = image.size
    upright = np.empty((width, height, 3) if orientation >= 5 else (height, width, 3), np.uint8)
    stored = _stored_view(upright, orientation)
    opacity = np.empty(upright.shape[:2], np.uint8) if image.has_transparency_data else None
    transform = srgb_transform(image, path)
    for top in range(0, height, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, height)
        strip = image.crop((0, top, width, bottom))
        alpha = _alpha(strip)
        stored[top:bottom] = np.asarray(_opaque_srgb(strip, transform, path, alpha))
        if opacity is not None:
            _stored_view(opacity, orientation)[top:bottom] = 255 if alpha is None else np.asarray(alpha)
    return upright, None if opacity is None or opacity.min() == 255 else opacity


def _stored_view(upright: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """The upright (H, W, ...) pixels in the order in which a file of this Exif orientation stores them; a view."""
    match orientation:
        case 2:
            return upright[:, ::-1]
        case 3:
            return upright[::-1, ::-1]
        case 4:
            return upright[::-1]
        case 5:
            return upright.swapaxes(0, 1)
        case 6:
            return np.rot90(upright, 1)
        case 7:
            return upright[::-1, ::-1].swapaxes(0, 1)
        case 8:
            return np.rot90(upright, -1)
        case _:
            return upright


def _opaque_srgb(
    strip: Image.Image, transform: ImageCms.ImageCmsTransform | None, path: Path, alpha: Image.Image | None
) -> Image.Image:
    from PIL import Image, ImageCms

    colours = _eight_bit(strip, path)
    if transform is None:
        colours = colours.convert("RGB")
    else:
        converted = ImageCms.applyTransform(colours.convert(transform.input_mode), transform)
        colours = colours if converted is None else converted
    if alpha is None:
        return colours
    over_white = Image.new("RGB", colours.size, "white")
    over_white.paste(colours, mask=alpha)
    return over_white


def _alpha(strip: Image.Image) -> Image.Image | None:
    """Opacity from 0 to 255, or None where every pixel is opaque."""
    from PIL import Image

    if not strip.has_transparency_data:
        return None
    clear = strip.info.get("transparency")
    if strip.mode.startswith("I"):
        return Image.fromarray(np.where(np.asarray(strip) == clear, 0, 255).astype(np.uint8))
    if isinstance(clear, tuple) and max(clear) > 255:  # a 16-bit PNG names 16 bits, its pixels come with the upper 8
        strip.info["transparency"] = tuple(sample >> 8 for sample in clear)
    return strip.convert("RGBA").getchannel("A")


def _eight_bit(strip: Image.Image, path: Path) -> Image.Image:
    """The strip in a mode of 8 bits, its transparency left aside."""
    from PIL import Image

    if strip.mode.startswith("I"):
        return Image.fromarray(np.rint(np.asarray(strip) / 257).astype(np.uint8))
    if strip.mode == "F":
        raise PhotoError(f"{shown(path)}: a picture of floating-point samples; save the photo with 8 or 16 bits")
    return strip.convert({"LA": "L", "1": "L", "RGBa": "RGBA"}.get(strip.mode, strip.mode))


def _read_exif(image: Image.Image) -> Exif:
    from PIL.Image import Exif as Block

    try:
        tags = _tags(image)
        if not tags:
            Block().load(image.info.get("exif", b""))  # says what is wrong where opening the file passed it over
    except DECODER_DAMAGE as problem:
        reason = " ".join(str(problem).split()) or type(problem).__name__
        return Exif(problem=reason)
    turned_by_decoder = image.info.get("original_orientation")  # pillow-heif turns the pixels and keeps this
    return Exif(
        focal_mm=_number(tags.get(_FOCAL_MM)),
        focal_35mm=_number(tags.get(_FOCAL_35MM)),
        focal_plane_x=_number(tags.get(_PLANE_X)),
        focal_plane_y=_number(tags.get(_PLANE_Y)),
        focal_plane_unit=_integer(tags.get(_PLANE_UNIT)),
        captured_width=_integer(tags.get(_PIXELS_X)),
        captured_height=_integer(tags.get(_PIXELS_Y)),
        orientation=turned_by_decoder or _orientation(tags),
        digital_zoom=_number(tags.get(_DIGITAL_ZOOM)),
        make=_text(tags.get(_MAKE)),
        model=_text(tags.get(_MODEL)),
    )


def _xmp_packet(image: Image.Image) -> bytes | None:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if isinstance(packet, str):
        packet = packet.encode("utf-8", "replace")
    return packet if isinstance(packet, bytes) and len(packet) <= _LARGEST_XMP_BYTES else None


def _tags(image: Image.Image) -> dict[int, Any]:
    block = image.getexif()
    return {**block, **block.get_ifd(_EXIF_BLOCK)}


def _orientation(tags: dict[int, Any]) -> int:
    value = _integer(tags.get(_ORIENTATION))
    return value if value is not None and 1 <= value <= 8 else 1


def _number(value: Any) -> float | None:
    """A tag's value as a float, which may be nan or infinite as a ratio over zero is; None where it is not a number."""
    if isinstance(value, tuple) and value:
        value = value[0]
    if value is None or isinstance(value, str | bytes | tuple | dict):
        return None
    try:
        return float(value)
    except ZeroDivisionError:
        return float("nan")


def _integer(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and np.isfinite(number) else None


def _text(value: Any) -> str | None:
    return value.strip(" \0") or None if isinstance(value, str) else None
