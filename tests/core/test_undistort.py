"""Distortion undone: straight lines become straight, pixels go forth and back, borders are real."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depth3d.core.camera import Intrinsics, pixel_centres
from depth3d.core.depth import MetricDepth
from depth3d.core.errors import CameraError
from depth3d.core.point_map import unproject
from depth3d.core.undistort import to_ideal_pixels, to_original_pixels, undistort_map, undistort_photo

BARREL = Intrinsics(640, 480, 500, 505, 322.5, 236, (-0.3, 0.1, 0.001, -0.002), "calibrated")
PINCUSHION = replace(BARREL, distortion=(0.15, 0.02, 0.0, 0.001, 0.01))
RATIONAL = replace(BARREL, distortion=(1.2, 0.5, 0.001, -0.001, 0.02, 1.5, 0.9, 0.08))
FISHEYE = replace(BARREL, fx=260, fy=262, distortion=(0.05, -0.01, 0.002, -0.0005), fisheye=True)
LENSES = [BARREL, PINCUSHION, RATIONAL, FISHEYE]


@pytest.mark.parametrize("camera", LENSES)
def test_no_border_is_invented_and_none_is_wasted(camera: Intrinsics) -> None:
    ideal = camera.undistorted()
    assert ideal.is_ideal
    assert ideal.size == camera.size
    assert ideal.fx / ideal.fy == pytest.approx(camera.fx / camera.fy)
    assert ideal.source == "calibrated; lens distortion undone (alpha 0, at most 120 degrees)"
    u, v = np.linspace(0, 640, 300), np.linspace(0, 480, 300)
    border = [np.stack(np.broadcast_arrays(*side), -1) for side in ((u, 0), (u, 480), (0, v), (640, v))]
    seen = to_original_pixels(np.concatenate(border), camera, ideal)
    assert (seen >= -1e-2).all()
    assert (seen <= np.array(camera.size) + 1e-2).all()
    gaps = np.r_[seen.min(axis=0), camera.size - seen.max(axis=0)]
    assert np.sort(gaps)[1] < 2 or ideal.fov_x_deg == pytest.approx(120, abs=1)  # both sides of one direction touch


def test_an_ideal_camera_stays() -> None:
    camera = Intrinsics(640, 480, 500, 505, 322.5, 236)
    assert camera.undistorted() == camera
    assert replace(camera, distortion=(0.0,) * 5).undistorted() == camera


@pytest.mark.parametrize("camera", [BARREL, PINCUSHION, RATIONAL])
def test_pixels_go_where_opencv_sends_them(camera: Intrinsics) -> None:
    ideal = camera.undistorted()
    uv = np.random.default_rng(3).uniform((200, 150), (440, 330), (200, 2))
    enough = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 200, 1e-14)
    theirs = cv2.undistortPoints(
        uv[:, None] - 0.5,  # OpenCV's pixel centres lie at integers
        camera.integer_centre_matrix(),
        np.array(camera.distortion),
        P=ideal.integer_centre_matrix(),
        criteria=enough,
    )
    np.testing.assert_allclose(to_ideal_pixels(uv, camera, ideal), theirs[:, 0] + 0.5, atol=1e-6)


def test_fisheye_pixels_go_where_opencv_sends_them() -> None:
    ideal = FISHEYE.undistorted()
    uv = np.random.default_rng(3).uniform((100, 80), (540, 400), (200, 2))
    theirs = cv2.fisheye.undistortPoints(
        uv[:, None] - 0.5,
        FISHEYE.integer_centre_matrix(),
        np.array(FISHEYE.distortion),
        P=ideal.integer_centre_matrix(),
        criteria=(cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 100, 1e-14),
    )
    np.testing.assert_allclose(to_ideal_pixels(uv, FISHEYE, ideal), theirs[:, 0] + 0.5, atol=1e-6)


@pytest.mark.parametrize("camera", LENSES)
def test_points_in_space_are_seen_where_the_ideal_camera_sees_them(camera: Intrinsics) -> None:
    ideal = camera.undistorted()
    xyz = np.random.default_rng(1).uniform((-0.4, -0.3, 0.9), (0.4, 0.3, 3), (200, 3))
    project = cv2.fisheye.projectPoints if camera.fisheye else cv2.projectPoints
    space = xyz[:, None] if camera.fisheye else xyz
    taken = project(space, np.zeros(3), np.zeros(3), camera.integer_centre_matrix(), np.array(camera.distortion))[0]
    found = to_ideal_pixels(taken.reshape(-1, 2) + 0.5, camera, ideal)
    expected = xyz[:, :2] / xyz[:, 2:] * (ideal.fx, ideal.fy) + (ideal.cx, ideal.cy)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@given(st.lists(st.tuples(st.floats(0, 640), st.floats(0, 480)), min_size=1, max_size=20), st.sampled_from(LENSES))
def test_pixels_go_forth_and_back(uv: list[tuple[float, float]], camera: Intrinsics) -> None:
    ideal = camera.undistorted()
    there = to_original_pixels(np.array(uv), camera, ideal)
    np.testing.assert_allclose(to_ideal_pixels(there, camera, ideal), uv, atol=1e-5)


def test_pixels_without_a_ray_are_unknown() -> None:
    ideal = FISHEYE.undistorted()
    assert np.isnan(to_ideal_pixels(np.array([[1e4, 240.0]]), FISHEYE, ideal)).all()
    folding = replace(BARREL, distortion=(-0.5, 0, 0, 0))
    beyond = np.array([[folding.cx + 0.9 * folding.fx, folding.cy]])
    assert np.isnan(to_original_pixels(beyond, folding, replace(folding, distortion=()))).all()


def drawn(camera: Intrinsics, shade: np.ndarray) -> np.ndarray:
    """(H, W, 3) what a lens makes of the ideal picture whose brightness at (x, y) = (X/Z, Y/Z) is `shade(x, y)`."""
    plain = replace(camera, distortion=(), fisheye=False)
    xy = (to_ideal_pixels(pixel_centres(*camera.size).reshape(-1, 2), camera, plain) - (camera.cx, camera.cy)) / (
        camera.fx,
        camera.fy,
    )
    values = shade(xy[:, 0], xy[:, 1]).reshape(camera.height, camera.width)
    return np.repeat(np.rint(values).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("camera", LENSES)
def test_straight_lines_become_straight(camera: Intrinsics) -> None:
    """A slanted edge, soft so that its place is known to a fraction of a pixel, is fitted by a straight line."""

    def shade(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 128 + 100 * np.tanh((x + 0.3 * y + 0.22) * 25)

    def edge(rgb: np.ndarray) -> np.ndarray:
        rows = rgb[20:460:8, :, 0].astype(float)
        return np.array([[np.interp(128, row, np.arange(640) + 0.5), 20.5 + 8 * i] for i, row in enumerate(rows)])

    ideal = camera.undistorted()
    taken = drawn(camera, shade)
    undone = undistort_photo(taken, camera)
    bent, straight = edge(taken), edge(undone)
    u = -(0.3 * (straight[:, 1] - ideal.cy) / ideal.fy + 0.22) * ideal.fx + ideal.cx
    assert np.abs(straight[:, 0] - u).max() < 0.2
    wrong = bent[:, 0] - np.polynomial.Polynomial.fit(bent[:, 1], bent[:, 0], 1)(bent[:, 1])
    assert np.abs(wrong).max() > 1.5


def test_the_picture_is_opencvs_to_the_byte() -> None:
    rgb = np.random.default_rng(2).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    ideal = BARREL.undistorted()
    maps = cv2.initUndistortRectifyMap(
        BARREL.integer_centre_matrix(),
        np.array(BARREL.distortion),
        np.eye(3),
        ideal.integer_centre_matrix(),
        ideal.size,
        cv2.CV_32FC1,
    )
    theirs = cv2.remap(rgb, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    difference = np.abs(undistort_photo(rgb, BARREL).astype(int) - theirs)
    assert np.mean(difference > 0) < 1e-3


def test_depth_keeps_its_values_and_its_holes() -> None:
    metres = np.full((480, 640), 3.0, np.float32)
    metres[:, :320] = 1
    metres[100:140, 100:140] = np.nan
    undone = undistort_map(metres, BARREL)
    assert set(np.unique(undone[np.isfinite(undone)])) == {1, 3}
    hole = to_ideal_pixels(np.array([[120.0, 120.0]]), BARREL, BARREL.undistorted())[0].astype(int)
    assert np.isnan(undone[hole[1], hole[0]])


def test_a_plane_seen_through_a_lens_is_a_plane_afterwards() -> None:
    """Exact z of a slanted plane at each distorted pixel, undone, unprojects onto the plane."""
    normal, distance = np.array([0.3, -0.2, -1.0]), -2.0
    plain = replace(BARREL, distortion=())
    uv = to_ideal_pixels(pixel_centres(640, 480).reshape(-1, 2), BARREL, plain)
    rays = np.c_[(uv - (plain.cx, plain.cy)) / (plain.fx, plain.fy), np.ones(len(uv))]
    metres = (distance / (rays @ normal)).reshape(480, 640).astype(np.float32)
    points = unproject(MetricDepth(undistort_map(metres, BARREL), unit="m"), BARREL.undistorted())
    off = np.abs(points.xyz.reshape(-1, 3) @ normal - distance) / np.linalg.norm(normal)
    assert off.max() < 3e-3  # nearest pixel: half a pixel of a plane that falls off by 2 mm per pixel
    assert off.mean() < 5e-4


def test_an_own_ideal_camera_may_be_wider() -> None:
    wider = replace(BARREL.undistorted(), fx=100.0, fy=100.0)
    undone = undistort_map(np.ones((480, 640), np.float32), BARREL, wider)
    assert np.isnan(undone[0, 0])
    assert undone[int(wider.cy), int(wider.cx)] == 1
    picture = undistort_photo(np.full((480, 640, 3), 90, np.uint8), BARREL, wider)
    assert picture.shape == (480, 640, 3)


def test_what_does_not_fit_is_refused() -> None:
    rgb = np.zeros((480, 640, 3), np.uint8)
    with pytest.raises(CameraError, match="the camera is for 640x480, the picture is 480x480"):
        undistort_photo(rgb[:, :480], BARREL)
    with pytest.raises(CameraError, match="has lens distortion itself"):
        undistort_photo(rgb, BARREL, BARREL)
    with pytest.raises(CameraError, match="folds the picture"):
        replace(BARREL, fx=300, distortion=(-0.5, 0, 0, 0)).undistorted()
    with pytest.raises(CameraError, match="principal point .* lies outside"):
        replace(BARREL, cx=-3).undistorted()
    long = replace(BARREL, width=40_000, height=1, cx=20_000, cy=0.5, fx=40_000, distortion=(-0.1, 0, 0, 0))
    with pytest.raises(CameraError, match="too long to undo"):
        undistort_photo(np.zeros((1, 40_000, 3), np.uint8), long)


def test_resizing_and_undistorting_commute() -> None:
    for camera in LENSES:
        one, other = camera.undistorted().resized(1280, 960), camera.resized(1280, 960).undistorted()
        assert (one.fx, one.fy, one.cx, one.cy) == pytest.approx((other.fx, other.fy, other.cx, other.cy))


@pytest.mark.parametrize(
    ("distortion", "fisheye"),
    [((0.1,), False), ((0.1, 0.1), False), ((0.0,) * 12, False), ((), True), ((0.1,) * 5, True)],
)
def test_other_numbers_of_coefficients_are_refused(distortion: tuple[float, ...], fisheye: bool) -> None:
    with pytest.raises(CameraError, match="distortion coefficients, got"):
        replace(BARREL, distortion=distortion, fisheye=fisheye)


def test_a_fisheye_without_coefficients_is_not_ideal() -> None:
    assert not replace(BARREL, distortion=(0.0,) * 4, fisheye=True).is_ideal
    assert replace(BARREL, distortion=(0.0,) * 4).is_ideal
    assert math.isclose(replace(BARREL, distortion=()).undistorted().fx, 500)
