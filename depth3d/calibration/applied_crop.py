"""A crop that Camera Raw or Lightroom applied, as they write it into XMP: what Exif no longer tells.

They leave the lens's focal length in Exif as it was, and write the new size into PixelXDimension, so that nothing but
this says that the picture is a part (https://developer.adobe.com/xmp/docs/XMPNamespaces/crs/). Top, left, bottom and
right are shares of the picture as it was; AlreadyApplied says that the pixels are the cropped ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from depth3d.io.photos.photo import Photo
from depth3d.io.photos.xmp import parse_xmp, properties_of

_CRS = "http://ns.adobe.com/camera-raw-settings/1.0/"
_EDGES = ("CropLeft", "CropTop", "CropRight", "CropBottom")
_LEAST_SHARE = 0.02
_USUAL_ASPECTS = (3 / 2, 4 / 3, 16 / 9, 1.0, 5 / 4)
_ASPECT_TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class AppliedCrop:
    """A rectangle that was cut out of a picture, in pixels of what was cut out.

    Attributes:
        full_size: (width, height) of the whole picture.
        centre: (cx, cy) its middle, from the cropped picture's left and top edge.
        note: what the user should know.
    """

    full_size: tuple[float, float]
    centre: tuple[float, float]
    note: str


def find_applied_crop(photo: Photo) -> AppliedCrop | None:
    """The crop that was applied to a photo, or None where none is written, or none that can be understood.

    The shares are of the picture as the camera held it. Whether it was turned is told by which of the two whole
    pictures has a usual aspect ratio; of a turned one the place of the crop is unknown, and its middle is taken.
    """
    if photo.xmp is None or _CRS.encode() not in photo.xmp:
        return None
    try:
        facts = {name: text for (space, name), text in properties_of(parse_xmp(photo.xmp)).items() if space == _CRS}
        left, top, right, bottom = (float(facts[edge]) for edge in _EDGES)
        angle = float(facts.get("CropAngle", 0))
    except (ValueError, KeyError):
        return None
    flags = [facts.get(name, "").strip().lower() for name in ("HasCrop", "AlreadyApplied")]
    across, down = right - left, bottom - top
    if flags != ["true", "true"] or not (left >= 0 and right <= 1 and top >= 0 and bottom <= 1):
        return None
    if not (across >= _LEAST_SHARE and down >= _LEAST_SHARE) or (across == 1 and down == 1) or not math.isfinite(angle):
        return None
    return _crop(photo.size, (left, top, right, bottom), angle)


def _crop(size: tuple[int, int], edges: tuple[float, float, float, float], angle: float) -> AppliedCrop:
    left, top, right, bottom = edges
    width, height = size
    upright = width / (right - left), height / (bottom - top)
    turned = width / (bottom - top), height / (right - left)
    note = f"cropped after capture from about {upright[0]:.0f}x{upright[1]:.0f}, by XMP"
    if angle:
        note += f", straightened by {angle:g} degrees"
    if _is_usual(upright) or not _is_usual(turned):
        middle = (0.5 - left) * upright[0], (0.5 - top) * upright[1]
        return AppliedCrop(upright, middle, note)
    note = f"cropped after capture from about {turned[0]:.0f}x{turned[1]:.0f}, by XMP, taken as from the middle"
    return AppliedCrop(turned, (width / 2, height / 2), note)


def _is_usual(size: tuple[float, float]) -> bool:
    aspect = max(size) / min(size)
    return any(abs(aspect / usual - 1) < _ASPECT_TOLERANCE for usual in _USUAL_ASPECTS)
