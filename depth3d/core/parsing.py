"""Lengths, pixels and sizes of files as people write them: `2.4m`, `85 cm`, `6ft`, `1.8m±5cm`, `412,300`, `8MB`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from depth3d.core.errors import UsageError

METRES_PER_UNIT = {"m": 1.0, "cm": 0.01, "mm": 0.001, "ft": 0.3048, "in": 0.0254}

# Each character can belong to one part of a pattern only, so that no text, however long, takes quadratic time.
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_BYTES = re.compile(rf"({_NUMBER})\s*([kMG]i?)?B?", re.IGNORECASE)
_LENGTH = re.compile(rf"({_NUMBER})\s*({'|'.join(sorted(METRES_PER_UNIT, key=len, reverse=True))})?")
_PIXEL = re.compile(rf"({_NUMBER})\s*,\s*({_NUMBER})")


@dataclass(frozen=True, slots=True)
class Length:
    """A measured length.

    Attributes:
        metres: the length in metres, positive.
        sigma_m: one standard deviation in metres, or None where none was stated.
    """

    metres: float
    sigma_m: float | None = None


def parse_length(text: str) -> Length:
    """Read a positive length; a bare number is metres, `±` (or `+-`) adds its uncertainty.

    >>> parse_length("85 cm")
    Length(metres=0.85, sigma_m=None)
    >>> parse_length("1.8m±5cm")
    Length(metres=1.8, sigma_m=0.05)

    Raises:
        UsageError: not a length, or not positive.
    """
    value, *uncertainty = re.split(r"±|\+-|\+/-", text)
    if len(uncertainty) > 1:
        raise UsageError(f"{text!r} has more than one ±; write for example 1.8m±5cm")
    return Length(_metres(value, text), _metres(uncertainty[0], text) if uncertainty else None)


def parse_bytes(text: str) -> int:
    """Read the size of a file; kB, MB and GB are powers of 1000, KiB, MiB and GiB of 1024.

    >>> parse_bytes("8MB")
    8000000

    Raises:
        UsageError: not a size, or not positive.
    """
    match = _BYTES.fullmatch(text.strip())
    unit = (match[2] or "").lower() if match else ""
    size = float(match[1]) * (1024 if unit.endswith("i") else 1000) ** " kmg".index(unit[:1] or " ") if match else 0
    if not 1 <= size < math.inf:
        raise UsageError(f"{text!r} is not a file size; write for example 8MB or 500kB")
    return int(size)


def parse_pixel(text: str) -> tuple[float, float]:
    """Read image coordinates `U,V`.

    >>> parse_pixel("412,300.5")
    (412.0, 300.5)

    Raises:
        UsageError: not two numbers with a comma between them.
    """
    match = _PIXEL.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is not a pixel; write U,V, for example 412,300")
    return float(match[1]), float(match[2])


def parse_triple(text: str) -> tuple[float, float, float]:
    """Read three numbers for red, green and blue.

    >>> parse_triple("0.485,0.456,0.406")
    (0.485, 0.456, 0.406)

    Raises:
        UsageError: anything else.
    """
    try:
        red, green, blue = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{text!r} is not three numbers; write R,G,B, for example 0.485,0.456,0.406") from None
    return red, green, blue


def parse_grid(text: str) -> tuple[int, int]:
    """Read columns and rows such as ``8x6``.

    >>> parse_grid("8x6")
    (8, 6)

    Raises:
        UsageError: the text is no such pair of whole numbers.
    """
    columns, _, rows = text.lower().partition("x")
    if not (columns.isascii() and columns.isdigit() and rows.isascii() and rows.isdigit()):
        raise UsageError(f"{text!r} is not columns and rows; write them like 8x6")
    return int(columns), int(rows)


def parse_pixel_length(text: str) -> tuple[tuple[float, float], Length]:
    """Read `U,V=LENGTH`.

    >>> parse_pixel_length("412,300=2.4m")
    ((412.0, 300.0), Length(metres=2.4, sigma_m=None))

    Raises:
        UsageError: anything else.
    """
    pixel, equals, length = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r} has no '='; write U,V=DISTANCE, for example 412,300=2.4m")
    return parse_pixel(pixel), parse_length(length)


def parse_span_length(text: str) -> tuple[tuple[float, float], tuple[float, float], Length]:
    """Read `U1,V1:U2,V2=LENGTH`, a length between two pixels.

    >>> parse_span_length("10,20:30,40=1.75m")
    ((10.0, 20.0), (30.0, 40.0), Length(metres=1.75, sigma_m=None))

    Raises:
        UsageError: anything else.
    """
    span, equals, length = text.partition("=")
    ends = span.split(":")
    if not equals or len(ends) != 2:
        raise UsageError(f"{text!r} is not a length between two pixels; write U1,V1:U2,V2=LENGTH, 10,20:30,40=1.75m")
    return parse_pixel(ends[0]), parse_pixel(ends[1]), parse_length(length)


Place = tuple[str, tuple[float, float] | None]
"""A photo's name and a pixel of it, for the thing that is seen there; without a pixel the photo's camera."""


def parse_known_length(text: str) -> tuple[Place, Place, Length]:
    """Read `PLACE:PLACE=LENGTH` or `PLACE=LENGTH`, where a place is `PHOTO@U,V`, `PHOTO` or, as second, `U,V`.

    A photo alone is its camera. One place alone is measured from its photo's camera; a pixel alone is of the
    first place's photo.

    >>> parse_known_length("a.jpg:b.jpg=4m")
    (('a.jpg', None), ('b.jpg', None), Length(metres=4.0, sigma_m=None))
    >>> parse_known_length("a.jpg@412,300=2.4m")
    (('a.jpg', None), ('a.jpg', (412.0, 300.0)), Length(metres=2.4, sigma_m=None))
    >>> parse_known_length("a.jpg@10,20:30,40=1.75m")
    (('a.jpg', (10.0, 20.0)), ('a.jpg', (30.0, 40.0)), Length(metres=1.75, sigma_m=None))

    Raises:
        UsageError: anything else.
    """
    places, equals, length = text.rpartition("=")
    start, colon, end = places.partition(":")
    if not (equals and start):
        raise UsageError(f"{text!r} is not a known length; write PHOTO@U,V=2.4m, PHOTO@U,V:U,V=1.75m or PHOTO:PHOTO=4m")
    first = _place(start)
    if not colon:
        if first[1] is None:
            raise UsageError(f"{text!r} names one photo only; write PHOTO@U,V=LENGTH or PHOTO:PHOTO=LENGTH")
        return (first[0], None), first, parse_length(length)
    return first, (first[0], parse_pixel(end)) if _PIXEL.fullmatch(end.strip()) else _place(end), parse_length(length)


def _place(text: str) -> Place:
    photo, at, pixel = text.rpartition("@")
    return (photo, parse_pixel(pixel)) if at else (text, None)


def parse_pixels(text: str) -> tuple[tuple[float, float], ...]:
    """Read pixels with colons between them.

    >>> parse_pixels("1,2:3,4:5,6")
    ((1.0, 2.0), (3.0, 4.0), (5.0, 6.0))

    Raises:
        UsageError: anything else.
    """
    return tuple(parse_pixel(part) for part in text.split(":"))


def written_length(
    metres: float, sigma_m: float | None = None, *, unit: str = "m", range_m: tuple[float, float] | None = None
) -> str:
    """A length with as many decimals as two digits of its error bar have, or with three digits where it has none.

    `range_m` adds between which two lengths it lies with a probability of 95 %.

    >>> written_length(2.41567, 0.0312)
    '2.416 m ± 0.031 m'
    >>> written_length(2.41567)
    '2.42 m'
    >>> written_length(2.41567, 0.0312, range_m=(2.3557, 2.4771))
    '2.416 m ± 0.031 m (95 % sure: 2.356 to 2.477 m)'
    """
    if range_m is not None and sigma_m is not None:
        decimals = _decimals(sigma_m)
        low, high = (f"{end:.{decimals}f}" if sigma_m > 0 else f"{end:.3g}" for end in range_m)
        return f"{written_length(metres, sigma_m, unit=unit)} (95 % sure: {low} to {high} {unit})"
    if sigma_m is None or sigma_m <= 0:
        return f"{metres:.3g} {unit}" + ("" if sigma_m is None else f" ± {sigma_m:.3g} {unit}")
    decimals = _decimals(sigma_m)
    return f"{metres:.{decimals}f} {unit} ± {sigma_m:.{decimals}f} {unit}"


def _decimals(sigma: float) -> int:
    """How many decimals show two digits of an error bar."""
    decimals = 0
    while decimals < 6 and sigma * 10**decimals < 9.5:
        decimals += 1
    return decimals


def _metres(text: str, whole: str) -> float:
    match = _LENGTH.fullmatch(text.strip())
    if match is None:
        units = ", ".join(METRES_PER_UNIT)
        raise UsageError(f"{whole!r} is not a length; write for example 2.4m (units: {units}; none means metres)")
    metres = float(match[1]) * METRES_PER_UNIT[match[2] or "m"]
    if not (math.isfinite(metres) and metres > 0):
        raise UsageError(f"{whole!r}: a length must be positive and finite")
    return metres
