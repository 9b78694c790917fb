"""Where a photo was taken, as phones and cameras write it (the GPS attributes of Exif, CIPA DC-008, 4.6.6)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import PhotoError
from depth3d.io.open_input import DECODER_DAMAGE, open_picture

_GPS_BLOCK = 0x8825
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE = 1, 2, 3, 4
_ALTITUDE_REF, _ALTITUDE, _HORIZONTAL_ERROR = 5, 6, 31

_EQUATOR_M, _FLATTENING = 6378137.0, 1 / 298.257223563
"""The ellipsoid of WGS 84."""


@dataclass(frozen=True, slots=True)
class GpsPosition:
    """A position on the Earth.

    Attributes:
        latitude_deg: north is positive.
        longitude_deg: east is positive.
        altitude_m: over the ellipsoid or the sea, whichever the device wrote; None where it wrote none.
        sigma_m: the horizontal error that the device states, or None.
    """

    latitude_deg: float
    longitude_deg: float
    altitude_m: float | None = None
    sigma_m: float | None = None


def read_gps(path: Path) -> GpsPosition | None:
    """Read a photo's position; None where it has none, or one that cannot be.

    Raises:
        PhotoError: the file is not a picture.
    """
    with open_picture(path, PhotoError) as image:
        try:
            tags = dict(image.getexif().get_ifd(_GPS_BLOCK))
        except DECODER_DAMAGE:
            return None
    latitude = _degrees(tags.get(_LATITUDE), tags.get(_LATITUDE_REF), "S", 90)
    longitude = _degrees(tags.get(_LONGITUDE), tags.get(_LONGITUDE_REF), "W", 180)
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        return None
    altitude = _number(tags.get(_ALTITUDE))
    if altitude is not None and tags.get(_ALTITUDE_REF) in (1, b"\x01"):
        altitude = -altitude
    sigma = _number(tags.get(_HORIZONTAL_ERROR))
    return GpsPosition(latitude, longitude, altitude, sigma if sigma is not None and sigma > 0 else None)


def east_north_up(positions: list[GpsPosition]) -> NDArray[np.float64]:
    """(N, 3) metres east, north and up of the first position, on its tangent plane; good for some kilometres.

    Positions without an altitude are taken to lie at the mean of the others'.
    """
    first = positions[0]
    latitude = math.radians(first.latitude_deg)
    squared = _FLATTENING * (2 - _FLATTENING)
    w = math.sqrt(1 - squared * math.sin(latitude) ** 2)
    along_meridian = math.radians(1) * _EQUATOR_M * (1 - squared) / w**3
    along_parallel = math.radians(1) * _EQUATOR_M / w * math.cos(latitude)
    known = [one.altitude_m for one in positions if one.altitude_m is not None]
    level = sum(known) / len(known) if known else 0.0
    rows = [
        (
            ((one.longitude_deg - first.longitude_deg + 180) % 360 - 180) * along_parallel,
            (one.latitude_deg - first.latitude_deg) * along_meridian,
            (level if one.altitude_m is None else one.altitude_m) - level,
        )
        for one in positions
    ]
    return np.array(rows, np.float64)


def _degrees(value: Any, reference: Any, negative: str, most: float) -> float | None:
    """Degrees from (degrees, minutes, seconds)."""
    if not isinstance(value, tuple) or not 1 <= len(value) <= 3:
        return None
    parts = [_number(part) for part in value]
    if any(part is None for part in parts):
        return None
    found = sum(float(part or 0) / 60**place for place, part in enumerate(parts))
    letter = reference.decode("ascii", "replace") if isinstance(reference, bytes) else str(reference or "")
    found = -found if letter.strip("\0 ").upper() == negative else found
    return found if abs(found) <= most else None


def _number(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return found if math.isfinite(found) else None
