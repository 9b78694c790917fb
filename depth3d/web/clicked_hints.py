"""Hints that are clicked into a photo."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_uppercase

from depth3d.core.errors import UsageError
from depth3d.core.parsing import Length
from depth3d.scale import DistanceAt, Hint, LengthBetween

Pixel = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Mark:
    """A hint that was clicked into a photo.

    Attributes:
        letter: its name on the page.
        pixels: one, of known distance from the camera, or two, with a known length between them.
        length: the distance or length.
    """

    letter: str
    pixels: tuple[Pixel, ...]
    length: Length

    @property
    def hint(self) -> DistanceAt | LengthBetween:
        """The hint as the solver knows it; messages call it by its letter."""
        label = f"{self.letter} ({self.text})"
        if len(self.pixels) == 1:
            return DistanceAt(*self.pixels[0], self.length.metres, self.length.sigma_m, label)
        start, end = self.pixels
        return LengthBetween(start, end, self.length.metres, self.length.sigma_m, label)

    @property
    def text(self) -> str:
        """The length as the user gave it, in metres."""
        error = "" if self.length.sigma_m is None else f" ± {self.length.sigma_m:.2g} m"
        return f"{self.length.metres:.4g} m{error}"


def with_mark(marks: tuple[Mark, ...], pixels: tuple[Pixel, ...], length: Length) -> tuple[Mark, ...]:
    """Add a hint under the first letter that is free.

    Raises:
        UsageError: the pixels and length make no hint, it is there already, or the letters are used up.
    """
    used = {mark.letter for mark in marks}
    free = next((letter for letter in ascii_uppercase if letter not in used), None)
    if free is None:
        raise UsageError(f"{len(used)} hints are as many as this page takes; remove one first")
    mark = Mark(free, pixels, length)
    if mark.hint in [other.hint for other in marks]:
        raise UsageError("that hint is there already")
    return (*marks, mark)


def marks_of(hints: tuple[Hint, ...]) -> tuple[Mark, ...]:
    """Those of some hints that can be clicked: distances and lengths."""
    marks: tuple[Mark, ...] = ()
    for hint in hints:
        if isinstance(hint, DistanceAt):
            marks = with_mark(marks, ((hint.u, hint.v),), Length(hint.metres, hint.sigma_m))
        elif isinstance(hint, LengthBetween):
            marks = with_mark(marks, (hint.start, hint.end), Length(hint.metres, hint.sigma_m))
    return marks


def pixels_inside(pixels: tuple[Pixel, ...], size: tuple[int, int]) -> tuple[Pixel, ...]:
    """Clamp one or two pixels to a photo of (width, height), and round them to a tenth.

    Raises:
        UsageError: neither one nor two.
    """
    width, height = size
    if len(pixels) not in (1, 2):
        raise UsageError(f"expected one point or two, got {len(pixels)}")
    return tuple((round(min(max(u, 0), width), 1), round(min(max(v, 0), height), 1)) for u, v in pixels)
