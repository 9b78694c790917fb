"""Light spread from near to far: nearer light hides what is behind it, and only as far as it reaches."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.color import to_light, to_srgb
from depth3d.render.bokeh.aperture import halvings, spread_light

T = TypeVar("T", np.uint8, np.float32)

_POINT_PX = 0.5
"""Radius of a disc that is no larger than a pixel."""
_FINEST_STEP_PX, _STEP_RATIO = 1.0, 1 / 8
"""Discs are drawn in these steps of their radius; those in between are mixed of two."""
_BAND_PX = 1_000_000
_HIDDEN = 1e-3
_WHOLE = 0.99
_UNSEEN = np.float32(0.01)
"""Share of what is seen around below which it says nothing about what is hidden."""
_WORKERS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """What sends light.

    Attributes:
        rgb: (H, W, 3) uint8, its colours.
        share: (H, W) float32 from 0 to 1, how much of a pixel it covers.
        radius_px: (H, W) float32, radius of the disc that a point of it becomes; positive before the focus, negative
            behind it.
    """

    rgb: NDArray[np.uint8]
    share: NDArray[np.float32]
    radius_px: NDArray[np.float32]


def compose(surfaces: Sequence[Surface], *, blades: int, highlights: float) -> NDArray[np.uint8]:
    """(H, W, 3) the picture that their light makes.

    The surfaces' points are sorted into slices by their discs. From the nearest slice to the farthest, each slice's
    share of every pixel's light is what its discs cover there, but no more than nearer slices have left. Neighbouring
    slices of one surface thus add up, and slices of different surfaces hide each other.

    Args:
        surfaces: of the same size, at each pixel the nearest first; the last one covers everything.
        blades: corners of the aperture; 0 is a disc.
        highlights: how many times brighter than white the white lights are.
    """
    height, width = surfaces[0].share.shape
    radii = disc_radii(max(float(np.abs(one.radius_px).max()) for one in surfaces))
    block = 2 ** halvings(float(radii[-1]))
    reach = block * (int(np.ceil(radii[-1] * 1.6)) // block + 2)
    rows = block * max(1, _BAND_PX // width // block)
    starts = range(0, height, rows)
    padded = [_padded(one, reach, block) for one in _exposed(surfaces)]

    def band(start: int) -> NDArray[np.uint8]:
        stop = min(start + rows, height)
        high = -(-(stop - start + 2 * reach) // block) * block
        cut = [_cut(one, slice(start, start + high)) for one in padded]
        light = _arriving(cut, radii, blades, highlights)
        return to_srgb(light[reach : reach + stop - start, reach : reach + width], highlights=highlights)

    with ThreadPoolExecutor(_WORKERS) as pool:
        return np.concatenate(list(pool.map(band, starts)))


def disc_radii(largest_px: float) -> NDArray[np.float32]:
    """The radii of discs that are drawn, up to beyond `largest_px`; the first stays a point."""
    radii = [_POINT_PX, _POINT_PX + _FINEST_STEP_PX]
    while radii[-1] <= largest_px:
        radii.append(radii[-1] + max(_FINEST_STEP_PX, radii[-1] * _STEP_RATIO))
    return np.array(radii, np.float32)


def _padded(surface: Surface, reach: int, block: int) -> Surface:
    """The surface continued beyond the picture's edges, to a size that halves as often as needed."""
    height, width = surface.share.shape
    right = -(width + 2 * reach) % block

    def pad(image: NDArray[T]) -> NDArray[T]:
        wide = cv2.copyMakeBorder(image, reach, reach + block, reach, reach + right, cv2.BORDER_REPLICATE)
        return np.asarray(wide, image.dtype)

    return Surface(pad(surface.rgb), pad(surface.share), pad(surface.radius_px))


def _cut(surface: Surface, rows: slice) -> Surface:
    return Surface(surface.rgb[rows], surface.share[rows], surface.radius_px[rows])


def _arriving(
    surfaces: list[Surface], radii: NDArray[np.float32], blades: int, highlights: float
) -> NDArray[np.float32]:
    """(H, W, 3) light, all of it where the surfaces go on far enough beyond."""
    positions = [_position(one.radius_px, radii) for one in surfaces]
    shares = _apart([one.share for one in surfaces], positions)
    sources = [
        _Source(to_light(one.rgb, highlights=highlights).reshape(-1, 3), share.ravel(), place.ravel())
        for one, share, place in zip(surfaces, shares, positions, strict=True)
    ]
    shape = shares[0].shape
    total = np.zeros((*shape, 3), np.float32)
    left = np.ones(shape, np.float32)
    for number in sorted(set().union(*(source.numbers() for source in sources)), reverse=True):
        radius = float(radii[abs(number)]) if number else 0.0
        parts = [source.slice(number) for source in sources]
        here = _window(left > _HIDDEN, np.concatenate([part.pixels for part in parts]), radius)
        if here is None:
            continue
        arrived = spread_light(_emitted(parts, shape)[here], radius, blades=blades, turned=number < 0)
        cover = arrived[..., 3]
        share = np.minimum(cover, left[here])
        left[here] -= share
        share /= np.maximum(cover, np.float32(_HIDDEN))
        total[here] += arrived[..., :3] * share[..., None]
    total /= np.maximum(1 - left, np.float32(_HIDDEN))[..., None]
    return total


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Pixels of one surface in one slice: their numbers, and light and coverage of each, (N, 4)."""

    pixels: NDArray[np.int64]
    emitted: NDArray[np.float32]


class _Source:
    """A surface's pixels, sorted into slices; those in between are shared by two."""

    def __init__(self, light: NDArray[np.float32], share: NDArray[np.float32], place: NDArray[np.float32]) -> None:
        pixels = np.flatnonzero(share)
        lower = np.floor(place[pixels]).astype(np.int16)
        order = np.argsort(lower, kind="stable")
        self._pixels, self._lower = pixels[order], lower[order]
        self._light, self._share, self._place = light, share, place

    def numbers(self) -> set[int]:
        """The slices that hold anything."""
        lower = np.unique(self._lower)
        return {*lower.tolist(), *(lower + 1).tolist()}

    def slice(self, number: int) -> _Part:
        """What is in one slice."""
        start, stop = np.searchsorted(self._lower, [number - 1, number + 1])
        pixels = self._pixels[start:stop]
        share = (1 - np.abs(self._place[pixels] - np.float32(number))) * self._share[pixels]
        emitted = np.empty((len(pixels), 4), np.float32)
        np.multiply(self._light[pixels], share[:, None], out=emitted[:, :3])
        emitted[:, 3] = share
        return _Part(pixels, emitted)


def _emitted(parts: list[_Part], shape: tuple[int, ...]) -> NDArray[np.float32]:
    image = np.zeros((shape[0] * shape[1], 4), np.float32)
    for part in parts:
        image[part.pixels] += part.emitted
    return image.reshape(*shape, 4)


def _position(radius_px: NDArray[np.float32], radii: NDArray[np.float32]) -> NDArray[np.float32]:
    """Number of the slice, with a fraction; negative behind the focus."""
    size = np.abs(radius_px)
    place = np.interp(size, radii, np.arange(len(radii), dtype=np.float32)).astype(np.float32)
    return np.copysign(place, radius_px)


def _exposed(surfaces: Sequence[Surface]) -> list[Surface]:
    """Without what can never come into sight.

    What lies too far behind the edge of a nearer surface for the discs of both, and what goes on behind it where others
    than this surface are seen around.
    """
    seen, uncovered = [], np.ones_like(surfaces[0].share)
    for one in surfaces:
        seen.append(np.where(uncovered >= _WHOLE, one.share, np.float32(0)))
        uncovered = uncovered * (1 - one.share)
    around = 2 * int(max(float(np.abs(one.radius_px).max()) for one in surfaces)) + 5
    window = around, around
    blurred = [np.asarray(cv2.blur(cv2.blur(one, window), window), np.float32) for one in seen]
    bare = list(surfaces[:1])
    for index in range(1, len(surfaces)):
        own = surfaces[index]
        hidden = own.share - seen[index]
        for nearer in surfaces[:index]:
            inside = cv2.distanceTransform((nearer.share >= _WHOLE).astype(np.uint8), cv2.DIST_L2, 3)
            reach = np.abs(nearer.radius_px) + np.abs(own.radius_px) + 2
            hidden = np.where(inside > reach, np.float32(0), hidden)
        if index < len(surfaces) - 1:
            among = (blurred[index] + _UNSEEN) / (np.add.reduce(blurred[index:]) + _UNSEEN)
            hidden *= np.clip(4 * among - 1, 0, 1)
        bare.append(replace(own, share=seen[index] + hidden))
    return bare


def _apart(shares: list[NDArray[np.float32]], positions: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """Without what lies so close behind a nearer surface that it is in the same slice, where it would show through."""
    bare = shares[:1]
    for index in range(1, len(shares)):
        share = shares[index]
        for nearer, place in zip(shares[:index], positions[:index], strict=True):
            share = share * (1 - nearer * np.clip(2 - (place - positions[index]), 0, 1))
        bare.append(share)
    return bare


def _window(needed: NDArray[np.bool_], pixels: NDArray[np.int64], radius: float) -> tuple[slice, slice] | None:
    """The rectangle where light of these pixels arrives and some is needed, of a size that halves as often as it must.

    It is wide enough for all of the light that arrives where some is needed.
    """
    x, y, width, height = cv2.boundingRect(needed.astype(np.uint8))
    if width == 0 or len(pixels) == 0:
        return None
    block = 2 ** halvings(radius)
    reach = int(np.ceil(radius * 1.6)) + 2 * block
    rows, columns = np.divmod(pixels, needed.shape[1])
    sides = []
    for numbers, start, length, end in ((rows, y, height, needed.shape[0]), (columns, x, width, needed.shape[1])):
        first, last = int(numbers.min()), int(numbers.max()) + 1
        low = max(0, max(start, first) - reach) // block * block
        high = min(end, -(-(min(start + length, last) + reach) // block) * block)
        if low >= high:
            return None
        sides.append(slice(low, high))
    return sides[0], sides[1]
