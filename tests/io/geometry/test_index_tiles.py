from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from depth3d.io.geometry.index_tiles import index_tiles_of, renumbered, whole


def grid_faces(width: int, height: int) -> NDArray[np.uint32]:
    index = np.arange(width * height, dtype=np.uint32).reshape(height, width)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    return np.stack([a, c, b, b, c, d], axis=-1).reshape(-1, 3)


def test_tiles_cover_every_face_once_and_fit_into_two_bytes() -> None:
    faces = grid_faces(700, 500)
    tiles = index_tiles_of(faces, 700 * 500)
    assert 6 <= len(tiles) <= 12
    assert sum(tile.face_count for tile in tiles) == len(faces)
    restored = np.empty_like(faces)
    for tile in tiles:
        assert tile.vertex_count <= 65535
        rows = slice(tile.first_face, tile.first_face + tile.face_count)
        local = renumbered(faces, rows, tiles, "<u2")
        assert local.dtype == np.uint16
        assert int(local.max()) == tile.vertex_count - 1
        restored[rows] = local.astype(np.uint32) + tile.first_vertex
    assert np.array_equal(restored, faces)


@pytest.mark.parametrize("block", [1000, 77_777])
def test_blocks_need_not_end_where_tiles_end(block: int) -> None:
    faces = grid_faces(700, 500)
    tiles = index_tiles_of(faces, 700 * 500)
    parts = [
        renumbered(faces, slice(start, min(start + block, len(faces))), tiles, "<u2")
        for start in range(0, len(faces), block)
    ]
    assert np.array_equal(np.concatenate(parts), renumbered(faces, slice(0, len(faces)), tiles, "<u2"))


def test_a_small_mesh_is_one_tile() -> None:
    faces = grid_faces(10, 10)
    assert index_tiles_of(faces, 100) == [whole(faces, 100)]


def test_exactly_as_many_vertices_as_two_bytes_can_name() -> None:
    def spanning(count: int) -> NDArray[np.uint32]:
        return np.array([[0, 1, 2], [count - 3, count - 2, count - 1]], np.uint32)

    assert [tile.vertex_count for tile in index_tiles_of(spanning(65535), 65535)] == [65535]
    assert [tile.vertex_count for tile in index_tiles_of(spanning(65536), 65536)] == [3, 3]


def test_faces_in_no_order_stay_whole() -> None:
    faces = np.random.default_rng(0).integers(0, 500_000, (1000, 3)).astype(np.uint32)
    assert index_tiles_of(faces, 500_000) == [whole(faces, 500_000)]
