"""Runs of faces whose vertices lie so close together in the list that two bytes can number them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_VERTICES = 0xFFFF
_MOST_FACES = 1 << 16  # about one for each vertex; twice as many would save few tiles and cost twice the search
_WORTHWHILE = 8


@dataclass(frozen=True, slots=True)
class Tile:
    """Consecutive faces, and the range of vertices they name.

    Attributes:
        first_face: index of the first face.
        face_count: number of faces.
        first_vertex: least vertex that a face names.
        vertex_count: length of the range from there to the greatest vertex.
    """

    first_face: int
    face_count: int
    first_vertex: int
    vertex_count: int


def whole(faces: NDArray[np.uint32], vertex_count: int) -> Tile:
    """All faces as one tile."""
    return Tile(0, len(faces), 0, vertex_count)


def index_tiles_of(faces: NDArray[np.uint32], vertex_count: int) -> list[Tile]:
    """Split the faces, in their order, into tiles that span at most 65,535 vertices each.

    Grid meshes list vertices and faces row by row, so that a tile is a band of rows and the few vertices on its border
    are named by two tiles. A mesh in no such order stays whole: it would need too many tiles.

    Args:
        faces: (M, 3) vertex indices.
        vertex_count: number of vertices.
    """
    most_tiles = _WORTHWHILE * (vertex_count // _MOST_VERTICES + 1)
    tiles: list[Tile] = []
    first = 0
    while first < len(faces):
        window = faces[first : first + _MOST_FACES]
        corners = window[:, 0], window[:, 1], window[:, 2]
        least = np.minimum.accumulate(np.minimum(np.minimum(*corners[:2]), corners[2]))
        greatest = np.maximum.accumulate(np.maximum(np.maximum(*corners[:2]), corners[2]))
        count = int(np.searchsorted(greatest - least, _MOST_VERTICES))
        if count == 0 or len(tiles) == most_tiles:
            return [whole(faces, vertex_count)]
        low, high = int(least[count - 1]), int(greatest[count - 1])
        tiles.append(Tile(first, count, low, high - low + 1))
        first += count
    return tiles


def renumbered(faces: NDArray[np.uint32], rows: slice, tiles: Sequence[Tile], dtype: str) -> NDArray[Any]:
    """Some rows of the faces, each index counted from its tile's first vertex.

    Args:
        faces: (M, 3) vertex indices.
        rows: which faces; start and stop are given.
        tiles: all tiles, in order.
        dtype: type of the result, wide enough for a tile.
    """
    if len(tiles) == 1:
        return np.ascontiguousarray(faces[rows], dtype)
    block = np.empty((rows.stop - rows.start, 3), dtype)
    for tile in tiles:
        start = max(tile.first_face, rows.start)
        stop = min(tile.first_face + tile.face_count, rows.stop)
        if start < stop:
            part = block[start - rows.start : stop - rows.start]
            np.subtract(faces[start:stop], tile.first_vertex, out=part, casting="unsafe")
    return block
