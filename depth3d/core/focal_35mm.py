"""Focal lengths as equivalents on 35 mm film, the one scale on which any two cameras can be compared."""

from __future__ import annotations

import math

FILM_DIAGONAL_MM = math.hypot(36, 24)
"""Diagonal of the 36 mm x 24 mm film frame: 43.2666 mm."""

_SHORTEST_MM, _LONGEST_MM = 4.0, 5000.0


def focal_px_from_film(film_mm: float, size: tuple[int, int]) -> float:
    """Focal length in pixels of a picture of (width, height), from its equivalent in mm by the diagonal.

    CIPA DC-008 (Exif) defines the equivalent by the diagonals of film and sensor.

    >>> round(focal_px_from_film(26, (4032, 3024)))
    3029
    """
    return film_mm * math.hypot(*size) / FILM_DIAGONAL_MM


def film_mm_from_focal_px(focal_px: float, size: tuple[int, int]) -> float:
    """Equivalent on 35 mm film in mm, by the diagonal, of a focal length in pixels of a picture of (width, height)."""
    return focal_px * FILM_DIAGONAL_MM / math.hypot(*size)


def is_plausible_film_mm(film_mm: float) -> bool:
    """Whether any lens that draws straight lines is like that: 4 mm (159 degrees across) to 5000 mm; nan is not."""
    return _SHORTEST_MM <= film_mm <= _LONGEST_MM
