"""A triangulation of the picture that is being simplified."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.geometry.mesh.error_bounds import Surface

_NARROW_PICTURE = 16_000
"""Pixels; products of coordinates of smaller pictures fit into 32 bits."""


@dataclass(slots=True, eq=False)
class WorkingMesh:
    """Vertices, their places and signals, and the faces and borders that change.

    Attributes:
        faces: (M, 3) int64 vertex numbers, counter-clockwise as seen from the camera.
        grid_index: (N,) int64, row * W + column of each vertex.
        x: (N,) photo column, an integer type wide enough for products.
        y: (N,) photo row times -1: upwards, so that counter-clockwise is counter-clockwise.
        values: (N,) float32 for each signal.
        roots: (N,) float32 square roots of the first signal.
        following: (N,) int64, the next vertex along the border, the mesh at the left; -1 away from borders.
        preceding: (N,) int64, the one before.
        fixed: (N,) True for vertices where several borders meet; they stay.
    """

    faces: NDArray[np.int64]
    grid_index: NDArray[np.int64]
    x: NDArray[np.integer]
    y: NDArray[np.integer]
    values: tuple[NDArray[np.float32], ...]
    roots: NDArray[np.float32]
    following: NDArray[np.int64]
    preceding: NDArray[np.int64]
    fixed: NDArray[np.bool_]

    @classmethod
    def of(cls, faces: NDArray[np.int64], surface: Surface) -> WorkingMesh:
        """The sheet of faces given by grid indices (row * W + column)."""
        grid_index, compact = renumbered(faces, surface.shape[0] * surface.shape[1])
        row, column = np.divmod(grid_index, surface.shape[1])
        narrow = max(int(surface.columns[-1]), int(surface.rows[-1])) < _NARROW_PICTURE
        integer = np.int32 if narrow else np.int64
        values = tuple(signal.reshape(-1)[grid_index] for signal in surface.signals)
        following, preceding, fixed = _borders(compact, len(grid_index))
        return cls(
            compact,
            grid_index,
            surface.columns[column].astype(integer),
            np.negative(surface.rows[row]).astype(integer),
            values,
            np.sqrt(values[0]),
            following,
            preceding,
            fixed,
        )

    def move(self, gone: NDArray[np.int64], target: NDArray[np.int64]) -> None:
        """Let vertices run into others, of which none goes too; their faces follow, those between the two vanish."""
        place = np.arange(len(self.x))
        place[gone] = target
        faces = place[self.faces]
        a, b, c = faces.T
        self.faces = faces[(a != b) & (b != c) & (c != a)]
        at_border = gone[self.following[gone] >= 0]
        before, after = self.preceding[at_border], self.following[at_border]
        self.following[before], self.preceding[after] = after, before
        ends = np.concatenate([before, after])
        closed = ends[self.following[ends] == self.preceding[ends]]  # a hole of two edges is none
        self.following[closed] = self.preceding[closed] = -1


def renumbered(faces: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The numbers below `count` that faces use, ascending, and the faces in terms of these."""
    used = np.zeros(count, bool)
    used[faces] = True
    number = np.cumsum(used) - 1
    return np.flatnonzero(used), number[faces]


def _borders(faces: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    start, end = faces.reshape(-1), faces[:, [1, 2, 0]].reshape(-1)
    edges = np.sort(start * count + end)
    twin = end * count + start
    found = edges[np.minimum(np.searchsorted(edges, twin), len(edges) - 1)] == twin
    start, end = start[~found], end[~found]
    following, preceding = np.full(count, -1), np.full(count, -1)
    following[start], preceding[end] = end, start
    return following, preceding, np.bincount(start, minlength=count) > 1
