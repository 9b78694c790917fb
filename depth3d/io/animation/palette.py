"""256 colours for a photo, and the nearest of them for every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COLOURS = 255  # one index stays free for "unchanged"
_LLOYD_STEPS = 6
_BITS = (5, 6, 5)


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """Colours, and a table that finds the nearest one.

    Attributes:
        colours: (256, 3) uint8, sRGB; the last one is never looked up.
        table: (65536,) uint8, the index for each colour cut to 5, 6 and 5 bits.
        count: how many of the colours are looked up, the first ones.
    """

    colours: NDArray[np.uint8]
    table: NDArray[np.uint8]
    count: int

    def indices(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The index of the nearest colour for each pixel of a (H, W, 3) image, shape (H, W)."""
        return self.table[_keys(rgb)]

    def diffused(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Indices that carry each pixel's error on to its neighbours (Floyd and Steinberg, 1976)."""
        from PIL import Image

        own = Image.new("P", (1, 1))
        own.putpalette(self.colours[: self.count].tobytes())
        image = Image.fromarray(np.ascontiguousarray(rgb))
        return np.asarray(image.quantize(palette=own, dither=Image.Dither.FLOYDSTEINBERG), np.uint8)

    def error(self, rgb: NDArray[np.uint8], indices: NDArray[np.uint8]) -> float:
        """Mean squared difference between an image and its indices, from every fourth row and column."""
        shown = self.colours[indices[::4, ::4]].astype(np.int16)
        return float(np.mean(np.square(rgb[::4, ::4] - shown, dtype=np.float32)))


def palette_of(rgb: NDArray[np.uint8], colours: int = COLOURS) -> Palette:
    """The palette of one image, (H, W, 3) uint8, of at most so many colours.

    Pillow's octree gives the start; Lloyd's iterations (IEEE Trans. Inf. Theory 28, 1982) on the image's histogram
    move each colour to the mean of the pixels it serves.
    """
    keys = _keys(rgb).ravel()
    pixels = rgb.reshape(-1, 3)
    counts = np.bincount(keys, minlength=1 << 16)
    used = np.flatnonzero(counts)
    sums = np.stack([np.bincount(keys, pixels[:, channel], minlength=1 << 16)[used] for channel in range(3)], axis=1)
    weights = counts[used].astype(np.float64)
    means = sums / weights[:, None]
    found = _octree(rgb, colours)
    for _ in range(_LLOYD_STEPS):
        nearest = _nearest(means, found)
        served = np.bincount(nearest, weights, minlength=len(found))
        totals = np.stack([np.bincount(nearest, sums[:, i], minlength=len(found)) for i in range(3)], axis=1)
        found = np.where(served[:, None] > 0, totals / np.maximum(served, 1)[:, None], found)
    stored = np.zeros((COLOURS + 1, 3), np.uint8)
    stored[: len(found)] = np.rint(found)
    table = _table_of_centres(stored[: len(found)].astype(np.float32))
    table[used] = _nearest(means, stored[: len(found)].astype(np.float64))
    return Palette(stored, table, len(found))


def _keys(rgb: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Each pixel's colour in 16 bits: red in the highest five, green in six, blue in the lowest five."""
    import cv2

    packed = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR565)
    return np.asarray(packed, np.uint8).view(np.uint16)[..., 0]


def _octree(rgb: NDArray[np.uint8], colours: int) -> NDArray[np.float64]:
    from PIL import Image

    reduced = Image.fromarray(np.ascontiguousarray(rgb)).quantize(colours, method=Image.Quantize.FASTOCTREE)
    return np.array(reduced.getpalette(), np.float64).reshape(-1, 3)[:colours]


def _nearest(points: NDArray[np.float64], colours: NDArray[np.float64]) -> NDArray[np.intp]:
    """Index of the nearest colour for each point. No matrix product: its threads would fight with the renderer's."""
    result = np.empty(len(points), np.intp)
    for start in range(0, len(points), 1024):
        block = points[start : start + 1024]
        distance = np.square(block[:, :1] - colours[:, 0])
        for channel in (1, 2):
            distance += np.square(block[:, channel, None] - colours[:, channel])
        result[start : start + 1024] = distance.argmin(axis=1)
    return result


def _table_of_centres(colours: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The nearest colour for the middle of each of the 65536 cells; squared distances add up channel by channel."""
    red, green, blue = (
        np.square(
            ((np.arange(1 << bits) + 0.5) * (256 >> bits) - 0.5)[:, None].astype(np.float32) - colours[:, channel]
        )
        for channel, bits in enumerate(_BITS)
    )
    table = np.empty((len(red), len(green), len(blue)), np.uint8)
    for index, distance in enumerate(red):
        table[index] = (green[:, None] + (blue + distance)).argmin(axis=-1)
    return table.ravel()
