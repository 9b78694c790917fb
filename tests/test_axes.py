from __future__ import annotations

import numpy as np
import pytest

from depth3d.errors import UsageError
from depth3d.formats.axes import AXES, axes_in_words, check_axes, turned

RIGHT, DOWN, FORWARD = np.eye(3, dtype=np.float32)


def test_gltf_has_y_up_and_z_towards_the_viewer() -> None:
    assert turned(-DOWN, "gltf").tolist() == [0, 1, 0]
    assert turned(-FORWARD, "gltf").tolist() == [0, 0, 1]
    assert turned(RIGHT, "gltf").tolist() == [1, 0, 0]


def test_opencv_are_the_camera_axes() -> None:
    assert np.array_equal(turned(np.eye(3), "opencv"), np.eye(3))


@pytest.mark.parametrize("axes", AXES)
def test_every_convention_is_a_rotation_and_keeps_winding(axes: str) -> None:
    rotation = turned(np.eye(3, dtype=np.float32), axes).T
    assert np.linalg.det(rotation) == 1
    a, b = np.array([[0.2, -1.5, 0.7], [1.1, 0.3, -2.0]])
    assert np.allclose(turned(np.cross(a, b), axes), np.cross(turned(a, axes), turned(b, axes)))


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


@pytest.mark.parametrize("axes", ["", "GLTF", "unity"])
def test_unknown_axes(axes: str) -> None:
    for attempt in (check_axes, axes_in_words, lambda name: turned(np.zeros(3), name)):
        with pytest.raises(UsageError, match="use one of gltf, opencv"):
            attempt(axes)
