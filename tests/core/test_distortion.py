"""Lens distortion against OpenCV, against closed forms, and forth and back."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depth3d.core.distortion import distort_points, greatest_radius, inner_rectangle, undistort_points

BROWN = [
    (-0.3, 0.1, 0.001, -0.002),
    (-0.28, 0.09, 0.001, 0.0005, -0.01),
    (0.1, -0.2, 0.002, 0.001, 0.05),
    (1.2, 0.5, 0.001, -0.001, 0.02, 1.5, 0.9, 0.08),
]
FISHEYE = [(0.0, 0.0, 0.0, 0.0), (0.05, -0.01, 0.002, -0.0005), (-0.03, 0.004, -0.001, 0.0)]


def rays(spread: float, count: int = 500) -> np.ndarray:
    return np.random.default_rng(5).uniform(-spread, spread, (count, 2))


@pytest.mark.parametrize("distortion", BROWN)
def test_browns_model_is_opencvs(distortion: tuple[float, ...]) -> None:
    xy = rays(0.6)
    in_space = np.c_[xy, np.ones(len(xy))]
    theirs, _ = cv2.projectPoints(in_space, np.zeros(3), np.zeros(3), np.eye(3), np.array(distortion))
    np.testing.assert_allclose(distort_points(xy, distortion, fisheye=False), theirs[:, 0], atol=1e-12)


@pytest.mark.parametrize("distortion", FISHEYE)
def test_the_fisheye_is_opencvs(distortion: tuple[float, ...]) -> None:
    xy = rays(3.0)
    theirs = cv2.fisheye.distortPoints(xy[:, None], np.eye(3), np.array(distortion))[:, 0]
    np.testing.assert_allclose(distort_points(xy, distortion, fisheye=True), theirs, atol=1e-12)


@pytest.mark.parametrize("distortion", BROWN)
def test_undistorting_agrees_with_opencvs_iterations(distortion: tuple[float, ...]) -> None:
    seen = rays(0.25)
    enough = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 200, 1e-14)
    theirs = cv2.undistortPoints(seen[:, None], np.eye(3), np.array(distortion), criteria=enough)[:, 0]
    np.testing.assert_allclose(undistort_points(seen, distortion, fisheye=False), theirs, atol=1e-9)


@given(
    k1=st.floats(-0.4, 0.4),
    k2=st.floats(-0.1, 0.2),
    p1=st.floats(-0.01, 0.01),
    p2=st.floats(-0.01, 0.01),
    k3=st.floats(-0.02, 0.05),
)
def test_undistorting_inverts_distorting(k1: float, k2: float, p1: float, p2: float, k3: float) -> None:
    distortion = (k1, k2, p1, p2, k3)
    xy = rays(1.0, 50)
    xy = xy[np.linalg.norm(xy, axis=1) < 0.9 * greatest_radius(distortion, fisheye=False)]
    again = undistort_points(distort_points(xy, distortion, fisheye=False), distortion, fisheye=False)
    np.testing.assert_allclose(again, xy, atol=1e-7)


@given(st.tuples(st.floats(-0.1, 0.1), st.floats(-0.02, 0.02), st.floats(-0.005, 0.005), st.floats(-0.001, 0.001)))
def test_undistorting_inverts_a_fisheye(distortion: tuple[float, ...]) -> None:
    xy = rays(3.0, 50)
    xy = xy[np.linalg.norm(xy, axis=1) < 0.9 * greatest_radius(distortion, fisheye=True)]
    again = undistort_points(distort_points(xy, distortion, fisheye=True), distortion, fisheye=True)
    np.testing.assert_allclose(again, xy, atol=1e-6)


def test_closed_forms() -> None:
    # One radial coefficient on the x axis: 0.5 (1 - 0.2 * 0.25) = 0.475. The equidistant fisheye: the angle itself.
    seen = distort_points(np.array([[0.5, 0.0]]), (-0.2, 0, 0, 0), fisheye=False)
    np.testing.assert_allclose(seen, [[0.475, 0]])
    seen = distort_points(np.array([[0.0, 1.0]]), (0, 0, 0, 0), fisheye=True)
    np.testing.assert_allclose(seen, [[0, math.pi / 4]])
    ideal = undistort_points(np.array([[math.pi / 3, 0.0]]), (0, 0, 0, 0), fisheye=True)
    np.testing.assert_allclose(ideal, [[math.sqrt(3), 0]])


def test_the_axis_stays() -> None:
    axis = np.zeros((1, 2))
    for distortion, fisheye in ((BROWN[0], False), (FISHEYE[1], True), ((), False)):
        assert (distort_points(axis, distortion, fisheye=fisheye) == 0).all()
        assert (undistort_points(axis, distortion, fisheye=fisheye) == 0).all()


def test_where_a_lens_folds() -> None:
    # r (1 - 0.5 r²) grows until 1 = 1.5 r², and reaches 0.5443 there.
    radius = math.sqrt(1 / 1.5)
    assert greatest_radius((-0.5, 0, 0, 0), fisheye=False) == pytest.approx(radius)
    assert greatest_radius((0.1, 0.1, 0, 0), fisheye=False) == math.inf
    assert greatest_radius((0, 0, 0, 0), fisheye=True) == math.inf
    # theta (1 - theta²) grows until theta = 1 / sqrt(3).
    assert greatest_radius((-1.0, 0, 0, 0), fisheye=True) == pytest.approx(math.tan(1 / math.sqrt(3)))
    found = undistort_points(np.array([[0.54, 0], [0.55, 0]]), (-0.5, 0, 0, 0), fisheye=False)
    assert 0.7 < found[0, 0] < radius
    assert np.isnan(found[1]).all()


def test_no_ideal_point_lies_behind_a_fisheye() -> None:
    found = undistort_points(np.array([[1.5, 0.0], [1.6, 0.0], [3.0, 0.0]]), (0, 0, 0, 0), fisheye=True)
    assert found[0, 0] == pytest.approx(math.tan(1.5))
    assert np.isnan(found[1:]).all()


@pytest.mark.parametrize("distortion", [BROWN[0], BROWN[2], BROWN[3], (0.2, 0, 0, 0), (-0.4, 0.3, 0.01, -0.01)])
def test_the_inner_rectangle_is_as_large_as_it_can_be(distortion: tuple[float, ...]) -> None:
    picture = (-0.55, -0.4, 0.5, 0.42)
    inner = inner_rectangle(picture, distortion, fisheye=False)
    steps = np.linspace(0, 1, 400)
    x, y = inner[0] + steps * (inner[2] - inner[0]), inner[1] + steps * (inner[3] - inner[1])
    border = np.concatenate([np.stack(np.broadcast_arrays(*side), axis=-1) for side in
                             ((x, inner[1]), (x, inner[3]), (inner[0], y), (inner[2], y))])  # fmt: skip
    seen = distort_points(border, distortion, fisheye=False)
    low, high = seen.min(axis=0), seen.max(axis=0)
    assert (low >= np.array(picture[:2]) - 1e-5).all()
    assert (high <= np.array(picture[2:]) + 1e-5).all()
    np.testing.assert_allclose([*low, *high], picture, atol=2e-3)  # each side is touched


def test_an_inner_rectangle_ends_at_sixty_degrees() -> None:
    inner = inner_rectangle((-1.7, -1.7, 1.7, 1.7), (0, 0, 0, 0), fisheye=True)
    assert max(abs(edge) for edge in inner) <= math.tan(math.radians(60)) + 1e-9
    wide = inner_rectangle((-1.7, -0.5, 1.7, 0.5), (0, 0, 0, 0), fisheye=True)
    # The corners of the ideal rectangle must lie inside the picture: x = sqrt(3) at the side, y where theta allows it.
    seen = distort_points(np.array([[wide[2], wide[3]]]), (0, 0, 0, 0), fisheye=True)
    assert (np.abs(seen) <= (1.7, 0.5)).all()


def test_a_picture_that_the_lens_cannot_have_made_is_empty() -> None:
    left, top, right, bottom = inner_rectangle((-1, -0.75, 1, 0.75), (-0.5, 0, 0, 0), fisheye=False)
    assert left == right
    assert top == bottom
