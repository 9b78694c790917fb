"""Which photos are panoramas, and of which part of the sphere: Google's Photo Sphere XMP (GPano).

https://developers.google.com/streetview/spherical-metadata: the picture is the area that was cropped out of a full
panorama of 360 x 180 degrees; FullPano... is that panorama's size, CroppedArea... the area in it, all in the pixels of
the picture as it was made. A picture resized since then has the same proportions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from depth3d.core.aspect_ratio import same_aspect
from depth3d.core.equirectangular import Equirect
from depth3d.core.errors import CameraError, UsageError
from depth3d.io.photos.photo import Photo
from depth3d.io.photos.xmp import parse_xmp, properties_of

_GPANO = "http://ns.google.com/photos/1.0/panorama/"
_AREA = ("CroppedAreaLeftPixels", "CroppedAreaTopPixels", "CroppedAreaImageWidthPixels", "CroppedAreaImageHeightPixels")
_FULL = ("FullPanoWidthPixels", "FullPanoHeightPixels")
_ASPECT_TOLERANCE = 0.01


def find_panorama(photo: Photo, *, stated: bool = False) -> Equirect | None:
    """The part of the sphere that a photo shows, or None where it is no panorama.

    Args:
        photo: the photo; its XMP decides.
        stated: the user says that it is an equirectangular panorama; without XMP it is then taken as a whole one.

    Raises:
        CameraError: its XMP speaks of another projection, or cannot be.
        UsageError: stated, but without XMP and not twice as wide as high.
    """
    facts = _gpano_facts(photo)
    if facts:
        return _from_facts(facts, photo)
    if not stated:
        return None
    width, height = photo.size
    if abs(width / height / 2 - 1) > _ASPECT_TOLERANCE:
        raise UsageError(
            f"{photo.name}: a whole panorama is twice as wide as high, this is {width}x{height}; a part of one needs "
            "Photo Sphere XMP (GPano) that says which part"
        )
    return Equirect.whole(width, height, source="taken as 360 x 180 degrees, as stated")


def _gpano_facts(photo: Photo) -> dict[str, str]:
    """GPano's properties by name; nothing where there is no XMP, or none that can be read: it is then no panorama."""
    if photo.xmp is None or _GPANO.encode() not in photo.xmp:
        return {}
    try:
        properties = properties_of(parse_xmp(photo.xmp))
    except ValueError as problem:
        raise CameraError(f"{photo.name}: its panorama XMP cannot be read: {problem}") from None
    return {name: text for (namespace, name), text in properties.items() if namespace == _GPANO}


def _from_facts(facts: Mapping[str, str], photo: Photo) -> Equirect | None:
    projection = facts.get("ProjectionType", "").strip().lower()
    if not projection:
        return None
    if projection != "equirectangular":
        raise CameraError(f"{photo.name}: a panorama in {projection[:40]} projection; only equirectangular is known")
    width, height = photo.size
    left, top, area_width, area_height = (_number(facts, key, photo) for key in _AREA)
    full_width, full_height = (_number(facts, key, photo) for key in _FULL)
    if math.isnan(area_width) or math.isnan(area_height):
        area_width, area_height = width, height
    if not same_aspect((round(area_width), round(area_height)), (width, height), tolerance=_ASPECT_TOLERANCE):
        raise CameraError(
            f"{photo.name}: its XMP is of a panorama of {area_width:g}x{area_height:g}, the picture is "
            f"{width}x{height}; it was cropped or turned since then"
        )
    across, down = width / area_width, height / area_height
    full = (area_width if math.isnan(full_width) else full_width) * across
    full_height = full / 2 if math.isnan(full_height) else full_height * down
    left, top = (0.0 if math.isnan(left) else left * across), (0.0 if math.isnan(top) else top * down)
    return Equirect(width, height, full, full_height, left, top, source="XMP: Photo Sphere (GPano)")


def _number(facts: Mapping[str, str], key: str, photo: Photo) -> float:
    """The number of that name, nan where it is absent."""
    if key not in facts:
        return math.nan
    try:
        number = float(facts[key])
    except ValueError:
        number = math.inf
    least = 1 if "Image" in key or "Full" in key else 0
    if not least <= number < 1e6:
        raise CameraError(f"{photo.name}: its XMP says {key} = {facts[key][:20]!r}, which cannot be")
    return number
