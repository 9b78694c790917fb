"""Picture proportions: whether one picture can be another one resized."""

from __future__ import annotations


def same_aspect(size: tuple[int, int], other: tuple[int, int], *, tolerance: float = 0.0) -> bool:
    """Whether two (width, height) in pixels have one aspect ratio, up to a rounded pixel.

    Args:
        size: (width, height) of one picture.
        other: (width, height) of the other.
        tolerance: relative difference of the ratios that is accepted beside the rounding.

    >>> same_aspect((4032, 3024), (640, 480)), same_aspect((1920, 1080), (854, 480))
    (True, True)
    >>> same_aspect((640, 480), (480, 640))
    False
    """
    one_pixel = 1 / min(*size, *other)
    ratio = (size[0] * other[1]) / (size[1] * other[0])
    return abs(ratio - 1) <= max(tolerance, one_pixel)
