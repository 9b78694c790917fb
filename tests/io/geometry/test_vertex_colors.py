from __future__ import annotations

import numpy as np
import pytest

from depth3d.geometry.mesh import Mesh
from depth3d.io.geometry.vertex_colors import linear_from_srgb, vertex_rgb

XYZ = np.array([[0, 0, 1], [1, 0, 1], [0, 1, 1]], np.float32)
FACES = np.array([[0, 2, 1]], np.uint32)
TEXTURE = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


def test_linear_light_of_anchors() -> None:
    linear = linear_from_srgb()
    assert linear[0] == 0
    assert linear[255] == 1
    assert linear[10] == pytest.approx(10 / 255 / 12.92)
    assert linear[188] == pytest.approx(0.5, abs=0.005)
    assert (np.diff(linear) > 0).all()


def test_vertices_have_their_own_colours_first() -> None:
    rgb = np.full((3, 3), 7, np.uint8)
    uv = np.zeros((3, 2), np.float32)
    assert vertex_rgb(Mesh(XYZ, FACES, rgb=rgb, uv=uv, texture=TEXTURE, unit="m")) is rgb


def test_without_them_the_textures_pixels_corners_included() -> None:
    uv = np.array([[0, 0], [1, 1], [0.5, 0.25]], np.float32)
    colours = vertex_rgb(Mesh(XYZ, FACES, uv=uv, texture=TEXTURE, unit="m"))
    assert colours is not None
    assert np.array_equal(colours, [TEXTURE[0, 0], TEXTURE[1, 2], TEXTURE[0, 1]])


def test_a_bare_mesh_has_no_colours() -> None:
    assert vertex_rgb(Mesh(XYZ, FACES, unit="m")) is None
