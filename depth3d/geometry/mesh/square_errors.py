"""How well squares of the grid are kept by two triangles, and by four."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.geometry.mesh.error_bounds import Surface, fractions, uneven
from depth3d.geometry.mesh.texture_shift import shift_per_px

_TOP, _BOTTOM, _LEFT, _RIGHT = range(4)
_CORNERS_OF_QUARTER = ((0, 1, 4), (2, 3, 4), (0, 2, 4), (1, 3, 4))
"""Which of top left, top right, bottom left, bottom right and middle the quarter at each side has."""


@dataclass(frozen=True, slots=True, eq=False)
class Failures:
    """(h, w) each: the squares in which triangles do not keep the surface.

    Attributes:
        two: a half of the square, cut along a diagonal, does not.
        top: the quarter between the middle and the top side does not; and so on.
    """

    two: NDArray[np.bool_]
    top: NDArray[np.bool_]
    bottom: NDArray[np.bool_]
    left: NDArray[np.bool_]
    right: NDArray[np.bool_]


def rising(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """(h, w) True for squares whose diagonal runs from bottom left to top right: they and the others alternate."""
    return np.asarray((np.arange(shape[0])[:, None] + np.arange(shape[1])) % 2 == 1)


def find_failures(surface: Surface, size: int) -> Failures:
    """Judge every square of `size` cells against all pixels in it.

    The grid's height and width are one more than multiples of `size`. Within each square the plane through three of
    its corners is taken off first, at the pixels' true positions: on an unevenly thinned grid a plane is not linear
    from point to point, and what is left, bounded here, is small only without it.
    """
    height, width = surface.shape
    shape = ((height - 1) // size, (width - 1) // size)
    two = np.zeros(shape, bool).ravel()
    quarters = [two.copy() for _ in range(4)]
    off_grid = max(uneven(surface.columns, size), uneven(surface.rows, size))
    for signal in surface.signals:
        squares = _less_a_plane(signal, surface, size)
        nodes = squares[:, [0, size, (size + 1) * size, (size + 1) ** 2 - 1, (size + 1) ** 2 // 2]]
        spread = np.ptp(nodes, axis=1) * np.float32(off_grid)
        two |= ~(_error_of_two(squares, nodes, size, shape) + 2 * spread <= 1)
        for failed, error in zip(quarters, _errors_of_four(squares, nodes, size), strict=True):
            failed |= ~(error + 6 * spread <= 1)
    if surface.texture_px is not None:
        shift_of_two, shifts_of_four = _texture_shifts(surface, size)
        two |= ~(shift_of_two.ravel() <= surface.texture_px)
        for failed, shift in zip(quarters, shifts_of_four, strict=True):
            failed |= ~(shift.ravel() <= surface.texture_px)
    return Failures(*(part.reshape(shape) for part in (two, *quarters)))


def _less_a_plane(signal: NDArray[np.float32], surface: Surface, size: int) -> NDArray[np.float32]:
    """(squares, (size + 1) ** 2) values less the plane through the top left, top right and bottom left corner."""
    down, right = signal.strides
    height, width = signal.shape
    shape = ((height - 1) // size, (width - 1) // size, size + 1, size + 1)
    strides = (down * size, right * size, down, right)
    view = np.lib.stride_tricks.as_strided(signal, shape, strides, writeable=False)
    origin = view[:, :, :1, :1]
    along = (view[:, :, :1, -1:] - origin) * fractions(surface.columns, size)[None, :, None, :]
    plane = along + (view[:, :, -1:, :1] - origin) * fractions(surface.rows, size)[:, None, :, None]
    plane += origin
    return np.subtract(view, plane, out=plane).reshape(shape[0] * shape[1], -1)


def _error_of_two(
    squares: NDArray[np.float32], nodes: NDArray[np.float32], size: int, shape: tuple[int, int]
) -> NDArray[np.float32]:
    y, x = np.mgrid[: size + 1, : size + 1] / size
    falling = np.stack([1 - np.maximum(x, y), np.maximum(x - y, 0), np.maximum(y - x, 0), np.minimum(x, y)])
    mirrored = falling[[1, 0, 3, 2]][:, :, ::-1]
    error = np.empty(len(squares), np.float32)
    along_rising = rising(shape).ravel()
    for chosen, weights in ((~along_rising, falling), (along_rising, mirrored)):
        kept = nodes[chosen, :4] @ weights.reshape(4, -1).astype(np.float32)
        kept -= squares[chosen]
        error[chosen] = np.abs(kept, out=kept).max(axis=1)
    return error


def _errors_of_four(
    squares: NDArray[np.float32], nodes: NDArray[np.float32], size: int
) -> tuple[NDArray[np.float32], ...]:
    y, x = np.mgrid[: size + 1, : size + 1] / size
    inwards = np.stack([y, 1 - y, x, 1 - x])
    near_middle = 2 * inwards.min(axis=0)
    weights = np.zeros((5, size + 1, size + 1))
    weights[4] = near_middle
    for side, along in ((_TOP, x), (_BOTTOM, x), (_LEFT, y), (_RIGHT, y)):
        nearest = inwards.argmin(axis=0) == side
        first, second, _ = _CORNERS_OF_QUARTER[side]
        towards_second = along - near_middle / 2
        weights[second][nearest] = towards_second[nearest]
        weights[first][nearest] = (1 - near_middle - towards_second)[nearest]
    kept = nodes @ weights.reshape(5, -1).astype(np.float32)
    kept -= squares
    np.abs(kept, out=kept)
    inside = [np.flatnonzero(inwards[side] <= inwards.min(axis=0)) for side in (_TOP, _BOTTOM, _LEFT, _RIGHT)]
    return tuple(kept[:, pixels].max(axis=1) for pixels in inside)


def _texture_shifts(surface: Surface, size: int) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
    """(h, w) bounds in photo pixels for the halves of each square, and for the quarter at each of its sides."""
    ends = np.sqrt(surface.signals[0][::size, ::size])
    middle = np.sqrt(surface.signals[0][size // 2 :: size, size // 2 :: size])
    nodes = (ends[:-1, :-1], ends[:-1, 1:], ends[1:, :-1], ends[1:, 1:], middle)
    width, height = np.diff(surface.columns[::size])[None, :], np.diff(surface.rows[::size])[:, None]
    diagonal, side = np.hypot(width, height).astype(np.float32), np.maximum(width, height).astype(np.float32)
    quarters = [side * shift_per_px(*(nodes[k] for k in corners)) for corners in _CORNERS_OF_QUARTER]
    return diagonal * shift_per_px(*nodes[:4]), quarters
