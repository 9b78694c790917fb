"""First pass: right triangles as large as the picture allows, without cracks by construction.

Squares of 16 cells are cut into two triangles along a diagonal, these into four around the square's middle, and these
by the middle of their outer side into the halves of squares of 8 cells, and so on: the bisection of right triangles of
Evans, Kirkpatrick & Townsend, "Right-triangulated irregular networks", Algorithmica 30 (2001). A middle is used by the
triangles on both of its sides or by neither, so that no point lies on a neighbour's side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.geometry.mesh.error_bounds import Surface
from depth3d.geometry.mesh.square_errors import Failures, find_failures, rising

_LARGEST_SQUARE = 16
"""Cells. Larger triangles are left to the second pass, which is not bound to powers of two."""

_TOP_LEFT, _TOP_RIGHT, _BOTTOM_LEFT, _BOTTOM_RIGHT, _MIDDLE = (0, 0), (0, 2), (2, 0), (2, 2), (1, 1)
_Corner = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Halved:
    """The first pass's result.

    Attributes:
        faces: (M, 3) int64 grid indices (row * W + column), counter-clockwise as seen from the camera.
        cells: (H - 1, W - 1) True for the single cells between them, which are still to be filled.
    """

    faces: NDArray[np.int64]
    cells: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Middles:
    """Which middles are used, for squares of one size.

    Attributes:
        centre: (h, w) the middle of each square.
        across: (h + 1, w) the middle of each horizontal side.
        down: (h, w + 1) the middle of each vertical side.
    """

    centre: NDArray[np.bool_]
    across: NDArray[np.bool_]
    down: NDArray[np.bool_]


def halve(surface: Surface, whole: NDArray[np.bool_]) -> Halved:
    """Cover the grid by triangles that keep the surface.

    Args:
        surface: what to keep.
        whole: (H - 1, W - 1) True for cells without an unknown corner and without a cut.
    """
    middles = _choose_middles(surface, whole)
    height, width = surface.shape
    faces: list[NDArray[np.int64]] = []
    for size in sorted(middles, reverse=True):
        used = middles[size]
        left, right = _present_halves(middles.get(2 * size), used.centre.shape)
        if size == 1:
            left, right = left[: height - 1, : width - 1], right[: height - 1, : width - 1]
            cells = left & right
            left, right = left & ~cells, right & ~cells
        else:
            faces += _quarters(used, size, width)
            left, right = left & ~used.centre, right & ~used.centre
        faces += _halves(left, right, size, width)
    return Halved(np.concatenate(faces), cells)


def _choose_middles(surface: Surface, whole: NDArray[np.bool_]) -> dict[int, _Middles]:
    """From small squares to large ones: a middle is used where a triangle fails, or where smaller ones need it."""
    height, width = surface.shape
    padded = _padded(surface)
    broken = np.ones((padded.shape[0] - 1, padded.shape[1] - 1), bool)
    broken[: height - 1, : width - 1] = ~whole
    nothing = np.zeros((0, 0), bool)
    middles = {1: _Middles(broken, nothing, nothing)}
    size = 2
    while size <= _LARGEST_SQUARE:
        middles[size] = _with_needed(find_failures(padded, size), middles[size // 2].centre)
        size *= 2
    return middles


def _padded(surface: Surface) -> Surface:
    """The grid with unknown points added at the right and the bottom, until it holds whole squares of every size."""
    height, width = surface.shape
    below, beside = -(height - 1) % _LARGEST_SQUARE, -(width - 1) % _LARGEST_SQUARE
    signals = [np.pad(signal, ((0, below), (0, beside)), constant_values=np.nan) for signal in surface.signals]
    rows = np.concatenate([surface.rows, surface.rows[-1] + 1 + np.arange(below)])
    columns = np.concatenate([surface.columns, surface.columns[-1] + 1 + np.arange(beside)])
    return Surface(tuple(signals), columns, rows, surface.texture_px)


def _with_needed(fails: Failures, smaller: NDArray[np.bool_]) -> _Middles:
    h, w = fails.two.shape
    quadrants = smaller.reshape(h, 2, w, 2)
    across, down = np.zeros((h + 1, w), bool), np.zeros((h, w + 1), bool)
    across[:-1] |= fails.top | quadrants[:, 0].any(axis=2)
    across[1:] |= fails.bottom | quadrants[:, 1].any(axis=2)
    down[:, :-1] |= fails.left | quadrants[..., 0].any(axis=1)
    down[:, 1:] |= fails.right | quadrants[..., 1].any(axis=1)
    centre = fails.two | across[:-1] | across[1:] | down[:, :-1] | down[:, 1:]
    return _Middles(centre, across, down)


def _present_halves(larger: _Middles | None, shape: tuple[int, ...]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which halves of squares exist: all of the largest squares, else those that a larger square was cut into.

    A quarter of the larger square is cut by the middle of its outer side into one half of each square at that side.
    """
    if larger is None:
        return np.ones(shape, bool), np.ones(shape, bool)
    left, right = np.zeros(shape, bool), np.zeros(shape, bool)
    top, bottom = larger.across[:-1], larger.across[1:]
    first, last = larger.down[:, :-1], larger.down[:, 1:]
    left[0::2, 0::2], right[0::2, 0::2] = first, top
    left[0::2, 1::2], right[0::2, 1::2] = top, last
    left[1::2, 0::2], right[1::2, 0::2] = first, bottom
    left[1::2, 1::2], right[1::2, 1::2] = bottom, last
    return left, right


def _halves(left: NDArray[np.bool_], right: NDArray[np.bool_], size: int, width: int) -> list[NDArray[np.int64]]:
    up = rising(left.shape)
    return [
        _triangles(left & ~up, size, width, (_TOP_LEFT, _BOTTOM_LEFT, _BOTTOM_RIGHT)),
        _triangles(left & up, size, width, (_TOP_LEFT, _BOTTOM_LEFT, _TOP_RIGHT)),
        _triangles(right & ~up, size, width, (_BOTTOM_RIGHT, _TOP_RIGHT, _TOP_LEFT)),
        _triangles(right & up, size, width, (_BOTTOM_RIGHT, _TOP_RIGHT, _BOTTOM_LEFT)),
    ]


def _quarters(used: _Middles, size: int, width: int) -> list[NDArray[np.int64]]:
    return [
        _triangles(used.centre & ~used.across[:-1], size, width, (_TOP_LEFT, _MIDDLE, _TOP_RIGHT)),
        _triangles(used.centre & ~used.across[1:], size, width, (_BOTTOM_RIGHT, _MIDDLE, _BOTTOM_LEFT)),
        _triangles(used.centre & ~used.down[:, :-1], size, width, (_BOTTOM_LEFT, _MIDDLE, _TOP_LEFT)),
        _triangles(used.centre & ~used.down[:, 1:], size, width, (_TOP_RIGHT, _MIDDLE, _BOTTOM_RIGHT)),
    ]


def _triangles(
    chosen: NDArray[np.bool_], size: int, width: int, corners: tuple[_Corner, _Corner, _Corner]
) -> NDArray[np.int64]:
    """Grid indices of one triangle in each chosen square; corners are (down, right) in halves of the square's side."""
    rows, columns = np.nonzero(chosen)
    steps = [(down * size // 2) * width + right * size // 2 for down, right in corners]
    return np.asarray(((rows * width + columns) * size)[:, None] + np.array(steps), np.int64)
