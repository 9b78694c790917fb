"""Colours of splats, chosen so that the splats together draw the photo."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.geometry.gaussians import Gaussians

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_LOW_PASS_PX = 0.3
"""Variance in square pixels that renderers add to every splat (Kerbl et al., 2023)."""
_LEAST_ALPHA, _MOST_ALPHA = 1 / 255, 0.99
_CUT_OFF = 3.0
_INNER_PX, _MARGIN_PX = 240, 8
"""Of tiles whose pixels can be numbered with 16 bits, which sort quickly."""
_ROUNDS = 8
_THREADS = 2
_STEP = 1.5
_HOLD = 0.03
"""How much a splat's own colour counts beside what is seen of it: turning the model uncovers what is half hidden."""


def fit_colours(
    splats: Gaussians, rgb: NDArray[np.uint8], camera: Intrinsics, *, where: NDArray[np.bool_]
) -> Gaussians:
    """Choose colours with which the camera sees the photo.

    Where splats overlap, a pixel shows a mixture in which the nearest weighs most; drawn with the photo's own colours
    that is blurred and displaced. The mixture is linear in the colours, so a few steps of gradient descent on the
    squared difference from the photo, each splat's step divided by its weight in all pixels (SIRT, Gilbert, 1972),
    undo it.

    Args:
        splats: in the camera's axes.
        rgb: (H, W, 3) uint8, the photo, of the camera's size.
        camera: the camera at the origin.
        where: (H, W) True for the pixels that the splats are to show.
    """
    outlines = _outlined(splats, camera)
    colours = splats.rgb.copy()
    inner = np.clip(np.rint(outlines.centre), 0, (camera.width - 1, camera.height - 1)).astype(np.int32) // _INNER_PX
    column, row = inner.T

    def fit_tile(place: tuple[int, int]) -> None:
        tile = _Tile.around(place[0] * _INNER_PX, place[1] * _INNER_PX, camera)
        touched = np.flatnonzero(outlines.touch(tile))
        some = outlines.taken(touched)
        pixels = np.s_[tile.top : tile.bottom, tile.left : tile.right]
        fitted = _fitted(_mixture(some, tile), some.colours(splats), rgb[pixels], where[pixels])
        own = (column[touched] == place[0]) & (row[touched] == place[1])
        colours[some.number[own]] = np.rint(fitted[own])

    places = itertools.product(range(-(-camera.width // _INNER_PX)), range(-(-camera.height // _INNER_PX)))
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(fit_tile, places))
    return replace(splats, rgb=colours)


@dataclass(frozen=True, slots=True)
class _Tile:
    """A rectangle of pixels; the end of each range is not in it."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def around(cls, left: int, top: int, camera: Intrinsics) -> _Tile:
        """The tile whose inner part begins there, with what lies around it in the picture."""
        far = _INNER_PX + _MARGIN_PX
        return cls(
            max(0, left - _MARGIN_PX),
            max(0, top - _MARGIN_PX),
            min(camera.width, left + far),
            min(camera.height, top + far),
        )

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def pixels(self) -> int:
        """How many there are."""
        return self.width * (self.bottom - self.top)


@dataclass(frozen=True, slots=True, eq=False)
class _Outlines:
    """Splats as the camera sees them, the nearest first.

    Attributes:
        number: (N,) which splat.
        centre: (N, 2) float32, in pixels from the centre of the first.
        inverse: (N, 3) float32, a, b and c of the exponent (a dx^2 + 2 b dx dy + c dy^2) / 2.
        reach: (N, 2) float32, pixels to the right and down beyond which nothing is drawn.
        opacity: (N,) float32.
    """

    number: NDArray[np.int64]
    centre: NDArray[np.float32]
    inverse: NDArray[np.float32]
    reach: NDArray[np.float32]
    opacity: NDArray[np.float32]

    def touch(self, tile: _Tile) -> NDArray[np.bool_]:
        """(N,) which of them may be seen in a tile."""
        (x, y), (right, down) = self.centre.T, self.reach.T
        across = (x - right < tile.right) & (x + right >= tile.left)
        return np.asarray(across & (y - down < tile.bottom) & (y + down >= tile.top))

    def taken(self, some: NDArray[np.int64]) -> _Outlines:
        """Some of them, in the same order."""
        return _Outlines(self.number[some], self.centre[some], self.inverse[some], self.reach[some], self.opacity[some])

    def colours(self, splats: Gaussians) -> NDArray[np.float32]:
        """(N, 3) their colours so far."""
        return splats.rgb[self.number].astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Mixture:
    """What pixels show of splats.

    Attributes:
        weight: (pixels, splats) sparse, by how much each pixel shows each splat.
        alone: (splats,) float32, the sum of what each would weigh if there were no other.
    """

    weight: csr_matrix
    alone: NDArray[np.float32]


def _outlined(splats: Gaussians, camera: Intrinsics) -> _Outlines:
    """Project by the derivative of the projection (Zwicker et al., EWA Splatting, 2001)."""
    order = np.argsort(splats.xyz[:, 2], kind="stable")
    x, y, z = splats.xyz[order].T
    first, second = splats.directions[order].transpose(1, 0, 2)
    spread = splats.sigma[order]
    across, down = np.zeros((2, len(order), 3), np.float32)
    for k, axis in enumerate((first, second, np.cross(first, second))):
        across[:, k] = camera.fx * spread[:, k] / z * (axis[:, 0] - x / z * axis[:, 2])
        down[:, k] = camera.fy * spread[:, k] / z * (axis[:, 1] - y / z * axis[:, 2])
    xx, xy, yy = ((p * q).sum(axis=1) for p, q in ((across, across), (across, down), (down, down)))
    xx, yy = xx + np.float32(_LOW_PASS_PX), yy + np.float32(_LOW_PASS_PX)
    determinant = xx * yy - xy * xy
    return _Outlines(
        number=order,
        centre=np.stack([camera.fx * x / z + camera.cx - 0.5, camera.fy * y / z + camera.cy - 0.5], axis=1).astype(
            np.float32
        ),
        inverse=(np.stack([yy, -xy, xx], axis=1) / determinant[:, None]).astype(np.float32),
        reach=(_CUT_OFF * np.sqrt(np.stack([xx, yy], axis=1))).astype(np.float32),
        opacity=splats.opacities[order].astype(np.float32),
    )


def _mixture(some: _Outlines, tile: _Tile) -> _Mixture:
    """What a tile shows."""
    from scipy.sparse import csr_matrix

    splat, row, column = _covered(some, tile)
    dx, dy = column - some.centre[splat, 0], row - some.centre[splat, 1]
    a, b, c = some.inverse[splat].T
    alpha = some.opacity[splat] * np.exp(np.float32(-0.5) * (a * dx * dx + 2 * b * dx * dy + c * dy * dy))
    drawn = alpha >= _LEAST_ALPHA
    pixel = ((row - tile.top) * tile.width + column - tile.left)[drawn].astype(np.uint16)
    order = np.argsort(pixel, kind="stable")  # the nearest stay first
    splat, alpha = splat[drawn][order], np.minimum(alpha[drawn][order], np.float32(_MOST_ALPHA))
    first = np.concatenate([[0], np.cumsum(np.bincount(pixel, minlength=tile.pixels))])
    passed = np.concatenate([[0], np.cumsum(np.log1p(-alpha.astype(np.float64)))])
    before = passed[:-1] - np.repeat(passed[first[:-1]], np.diff(first))
    weight = (alpha * np.exp(before)).astype(np.float32)
    count = len(some.number)
    alone = np.bincount(splat, weights=alpha, minlength=count).astype(np.float32)
    return _Mixture(csr_matrix((weight, splat, first), shape=(tile.pixels, count)), alone)


def _covered(some: _Outlines, tile: _Tile) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Splat, row and column of every pixel that a splat may cover, the nearest splat first."""
    low = np.maximum(np.ceil(some.centre - some.reach), (tile.left, tile.top)).astype(np.int32)
    high = np.minimum(np.floor(some.centre + some.reach), (tile.right - 1, tile.bottom - 1)).astype(np.int32)
    size = np.maximum(high - low + 1, 0)
    count = size[:, 0] * size[:, 1]
    splat = np.repeat(np.arange(len(count), dtype=np.int32), count)
    place = np.arange(len(splat), dtype=np.int32) - np.repeat(np.cumsum(count) - count, count).astype(np.int32)
    row, column = np.divmod(place, size[splat, 0])
    return splat, row + low[splat, 1], column + low[splat, 0]


def _fitted(
    mixture: _Mixture, colours: NDArray[np.float32], rgb: NDArray[np.uint8], where: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """(N, 3) colours from 0 to 255 whose mixture is close to the photo."""
    back = mixture.weight.T.tocsr()
    goal, counts = rgb.reshape(-1, 3).astype(np.float32), where.reshape(-1, 1)
    hold = np.float32(_HOLD) * mixture.alone[:, None]
    weight = back @ counts.astype(np.float32) + hold
    step = np.float32(_STEP) / np.maximum(weight, np.finfo(np.float32).tiny)
    own = colours
    for _ in range(_ROUNDS):
        off = np.where(counts, goal - mixture.weight @ colours, np.float32(0))
        colours = np.clip(colours + step * (back @ off + hold * (own - colours)), 0, 255)
    return np.asarray(colours, np.float32)
