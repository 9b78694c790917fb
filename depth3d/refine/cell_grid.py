"""Maps of cells and maps of pixels: the same picture, coarse and fine. Pixel and cell centres lie at +0.5."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", np.uint8, np.float32)
Scalar = TypeVar("Scalar", bound=np.generic)

_ENOUGH = 0.05
"""A cell is known where at least this share of it is."""


_NOTHING = 1e9


def positions(pixels: int, cells: int) -> NDArray[np.float32]:
    """Where pixel centres lie along one axis, in cells counted from the first cell's centre; (pixels,)."""
    return ((np.arange(pixels) + 0.5) * (cells / pixels) - 0.5).astype(np.float32)


def nearest(pixels: int, cells: int) -> NDArray[np.intp]:
    """The cell that each pixel's centre lies in, along one axis; (pixels,)."""
    centres = (np.arange(pixels) + 0.5) * (cells / pixels)
    return np.asarray(np.minimum(centres, cells - 1), np.intp)


def fill_unknown(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The map with the nearest known value wherever nothing is known."""
    unknown = np.isnan(values)
    if not unknown.any():
        return values
    source = nearest_true(~unknown)
    return np.asarray(values.ravel()[source], np.float32)


def nearest_true(marked: NDArray[np.bool_]) -> NDArray[np.intp]:
    """For each place of an (h, w) map the flat index of the nearest marked one; at least one is marked."""
    import cv2

    free = np.where(marked, np.uint8(0), np.uint8(1))
    _, labels = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    index = np.zeros(int(labels.max()) + 1, np.intp)
    index[labels[marked]] = np.flatnonzero(marked)
    return np.asarray(index[labels], np.intp)


def enlarge(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """A map without unknowns brought to (width, height) by cubic interpolation.

    What is interpolated is the map's difference from a plane, so that a plane stays one up to the picture's border.
    """
    import cv2

    height, width = values.shape
    x, y = positions(width, width) - (width - 1) / 2, positions(height, height) - (height - 1) / 2
    slope_x = np.float32(values.mean(0, dtype=np.float64) @ x / max(x @ x, 1))
    slope_y = np.float32(values.mean(1, dtype=np.float64) @ y / max(y @ y, 1))
    flat = values - slope_x * x - slope_y * y[:, None]
    large = cv2.resize(flat, size, interpolation=cv2.INTER_CUBIC)
    large += slope_x * (positions(size[0], width) - np.float32((width - 1) / 2))
    large += slope_y * (positions(size[1], height) - np.float32((height - 1) / 2))[:, None]
    return np.asarray(large, np.float32)


def shrink(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """The mean of what is known in each of (width, height) cells; NaN where too little is."""
    import cv2

    if (values.shape[1], values.shape[0]) == size:
        return values
    known = np.isfinite(values)
    if known.all():
        return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)
    share = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(np.where(known, values, np.float32(0)), size, interpolation=cv2.INTER_AREA)
    enough = share >= _ENOUGH
    return np.where(enough, total / np.where(enough, share, np.float32(1)), np.float32(np.nan))


def resample(picture: NDArray[Number], size: tuple[int, int]) -> NDArray[Number]:
    """A picture brought to (width, height): the mean of the pixels when shrinking, linear when enlarging."""
    import cv2

    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    how = cv2.INTER_AREA if size[0] < picture.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=how), picture.dtype)


def fitted(size: tuple[int, int], longer_side: float) -> tuple[int, int]:
    """(width, height) of the same proportions whose longer side is so long, but not longer than it was."""
    factor = min(1.0, longer_side / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def shifted(cells: NDArray[Scalar], dy: int, dx: int, outside: Any) -> NDArray[Scalar]:
    """The map whose cell (y, x) holds what `cells` has at (y + dy, x + dx), or `outside` beyond its border."""
    height, width = cells.shape
    result = np.full_like(cells, outside)
    if abs(dy) >= height or abs(dx) >= width:
        return result
    to_y, to_x = slice(max(0, -dy), height - max(0, dy)), slice(max(0, -dx), width - max(0, dx))
    from_y, from_x = slice(max(0, dy), height - max(0, -dy)), slice(max(0, dx), width - max(0, -dx))
    result[to_y, to_x] = cells[from_y, from_x]
    return result


def extremes(values: NDArray[np.float64], reach: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The highest and the lowest known value within `reach` cells; far apart where nothing is known."""
    import cv2

    known = np.isfinite(values)
    window = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    highest = cv2.dilate(np.where(known, values, -_NOTHING), window, borderType=cv2.BORDER_REPLICATE)
    lowest = cv2.erode(np.where(known, values, _NOTHING), window, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(highest, np.float64), np.asarray(lowest, np.float64)


def offsets(reach: int) -> Iterator[tuple[int, int]]:
    """Every (dy, dx) within `reach` cells, the closest first."""
    span = range(-reach, reach + 1)
    yield from sorted(((dy, dx) for dy in span for dx in span), key=lambda o: (o[0] ** 2 + o[1] ** 2, o))


def ring(reach: int) -> Iterator[tuple[int, int]]:
    """Every (dy, dx) whose larger part is `reach`, the closest first."""
    return ((dy, dx) for dy, dx in offsets(reach) if max(abs(dy), abs(dx)) == reach)
