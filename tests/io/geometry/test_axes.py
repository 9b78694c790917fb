from __future__ import annotations

import numpy as np
import pytest
from four_colour_wall import DIRECTIONS

from depth3d.cli.param_types import AXES as CHOICES
from depth3d.core.errors import UsageError
from depth3d.io.geometry.axes import AXES, axes_in_words, check_axes, is_mirrored, matrix, turned, wind_faces

RIGHT, DOWN, FORWARD = np.eye(3, dtype=np.float32)


def test_every_convention_is_known() -> None:
    assert set(DIRECTIONS) == set(AXES) == set(CHOICES)


@pytest.mark.parametrize("axes", AXES)
def test_each_axis_points_where_its_documentation_says(axes: str) -> None:
    for vector, documented in zip((RIGHT, -DOWN, -FORWARD), DIRECTIONS[axes], strict=True):
        assert turned(vector, axes).tolist() == list(documented)


@pytest.mark.parametrize("axes", AXES)
def test_only_unity_is_a_mirror(axes: str) -> None:
    assert np.linalg.det(turned(np.eye(3, dtype=np.float32), axes)) == (-1 if axes == "unity" else 1)
    assert is_mirrored(axes) is (axes == "unity")


@pytest.mark.parametrize("axes", AXES)
def test_the_front_of_a_triangle_stays_its_front(axes: str) -> None:
    a, b, c = np.array([[0, 0, 2], [0, 1, 2], [1, 0, 2]], np.float32)  # counter-clockwise for who looks along +z
    front = np.cross(b - a, c - a)
    assert front @ FORWARD < 0
    corners = turned(np.array([a, b, c]), axes)
    (face,) = wind_faces(np.array([[0, 1, 2]]), axes)
    a, b, c = corners[face]
    assert np.array_equal(np.cross(b - a, c - a), turned(front, axes))


@pytest.mark.parametrize("axes", AXES)
def test_the_matrix_does_the_same(axes: str) -> None:
    points = np.random.default_rng(0).normal(size=(7, 3))
    assert np.allclose(points @ matrix(axes).T, turned(points, axes), atol=1e-7)


@pytest.mark.parametrize("axes", AXES)
def test_turning_rounds_nothing_and_leaves_the_input_alone(axes: str) -> None:
    points = np.random.default_rng(0).normal(size=(7, 5, 3)).astype(np.float32)
    before = points.copy()
    result = turned(points, axes)
    assert result.shape == points.shape
    assert result.dtype == np.float32
    assert np.array_equal(np.sort(np.abs(result), axis=-1), np.sort(np.abs(points), axis=-1))
    result[:] = 0
    assert np.array_equal(points, before)


def test_no_negative_zero() -> None:
    assert not np.signbit(turned(np.zeros(3, np.float32), "gltf")).any()


@pytest.mark.parametrize("axes", ["", "GLTF", "unreal"])
def test_unknown_axes(axes: str) -> None:
    for attempt in (check_axes, axes_in_words, lambda name: turned(np.zeros(3), name)):
        with pytest.raises(UsageError, match="use one of gltf, opencv"):
            attempt(axes)
