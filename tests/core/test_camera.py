"""Laws of cameras, with absolute anchors that pin each convention."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depth3d.core.camera import Intrinsics, Pose, pixel_centres, project
from depth3d.core.depth import MetricDepth
from depth3d.core.errors import CameraError
from depth3d.core.point_map import unproject

sizes = st.integers(1, 5000)
focal = st.floats(10, 5000)


@given(width=st.integers(1, 60), height=st.integers(1, 60))
def test_pixel_centres_lie_half_a_pixel_inside(width: int, height: int) -> None:
    centres = pixel_centres(width, height)
    assert centres.shape == (height, width, 2)
    assert centres.reshape(-1, 2).mean(axis=0) == pytest.approx((width / 2, height / 2))
    assert centres[0, 0].tolist() == [0.5, 0.5]


@given(width=sizes, height=sizes, new_width=sizes, new_height=sizes, f=focal)
def test_resizing_keeps_every_ray(width: int, height: int, new_width: int, new_height: int, f: float) -> None:
    camera = Intrinsics(width, height, f, 1.1 * f, 0.4 * width, 0.6 * height)
    resized = camera.resized(new_width, new_height)
    for share in (0.0, 0.3, 1.0):
        before = (share * width - camera.cx) / camera.fx
        after = (share * new_width - resized.cx) / resized.fx
        assert after == pytest.approx(before, abs=1e-9)
    assert resized.fov_x_deg == pytest.approx(camera.fov_x_deg)
    assert resized.fov_y_deg == pytest.approx(camera.fov_y_deg)


@given(width=sizes, height=sizes, fov=st.floats(1, 179))
def test_the_image_edges_span_the_field_of_view(width: int, height: int, fov: float) -> None:
    camera = Intrinsics.from_fov(width, height, fov_x_deg=fov)
    assert 2 * math.degrees(math.atan(width / 2 / camera.fx)) == pytest.approx(fov)
    assert camera.fov_x_deg == pytest.approx(fov)


def test_ninety_degrees_is_half_the_width() -> None:
    camera = Intrinsics.from_fov(640, 480, fov_x_deg=90)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == pytest.approx((320, 320, 320, 240))


def test_integer_centres_gain_half_a_pixel_and_lose_it_again() -> None:
    camera = Intrinsics.from_integer_centres(640, 480, 525, 525, 319.5, 239.5)
    assert (camera.cx, camera.cy) == (320, 240)
    assert camera.integer_centre_matrix().tolist() == [[525, 0, 319.5], [0, 525, 239.5], [0, 0, 1]]


def test_cropping_moves_the_principal_point_only() -> None:
    camera = Intrinsics(640, 480, 500, 510, 322, 238).cropped(100, 50, 200, 100)
    assert (camera.size, camera.fx, camera.fy, camera.cx, camera.cy) == ((200, 100), 500, 510, 222, 188)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((0, 480, 1, 1, 0, 0), "size 0x480"),
        ((640, 480, -1, 1, 0, 0), "positive"),
        ((640, 480, math.nan, 1, 0, 0), "finite"),
    ],
)
def test_nonsense_is_refused(numbers: tuple[float, ...], words: str) -> None:
    with pytest.raises(CameraError, match=words):
        Intrinsics(*numbers)  # type: ignore[arg-type]


@pytest.mark.parametrize("fov", [0, -5, 180, math.nan])
def test_a_field_of_view_outside_its_range_is_refused(fov: float) -> None:
    with pytest.raises(CameraError, match="between 0 and 180"):
        Intrinsics.from_fov(640, 480, fov_x_deg=fov)


def test_a_pose_and_its_inverse_cancel() -> None:
    angle = 0.3
    matrix = np.eye(4)
    matrix[:3, :3] = [[math.cos(angle), 0, math.sin(angle)], [0, 1, 0], [-math.sin(angle), 0, math.cos(angle)]]
    matrix[:3, 3] = (1, -2, 3)
    pose = Pose(matrix)
    np.testing.assert_allclose(pose.world_from_cam @ pose.cam_from_world, np.eye(4), atol=1e-12)
    assert pose.cam_from_world @ (1, -2, 3, 1) == pytest.approx((0, 0, 0, 1))


@pytest.mark.parametrize("matrix", [np.diag([1.0, 1, -1, 1]), 2 * np.eye(4), np.eye(3), np.full((4, 4), np.nan)])
def test_a_pose_must_be_rigid(matrix: np.ndarray) -> None:
    with pytest.raises(CameraError, match="pose"):
        Pose(matrix)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_as_often_as_it_takes_comes_back(orientation: int) -> None:
    camera = Intrinsics(640, 480, 500, 510, 300, 250, (-0.3, 0.1, 0.01, -0.02, 0.05))
    times = 4 if orientation in (6, 8) else 2
    turned = camera
    for _ in range(times):
        turned = turned.turned(orientation)
    assert turned == camera
    assert camera.turned(orientation).size == ((480, 640) if orientation >= 5 else (640, 480))


def test_a_quarter_turn_clockwise() -> None:
    # Orientation 6: the stored left edge becomes the upright top, so that cy is the stored cx and cx runs from below.
    turned = Intrinsics(640, 480, 500, 510, 300, 250, (0, 0, 0.01, 0.02)).turned(6)
    assert (turned.size, turned.fx, turned.fy, turned.cx, turned.cy) == ((480, 640), 510, 500, 230, 300)
    assert turned.distortion == (0, 0, 0.02, -0.01)


@given(width=st.integers(1, 40), height=st.integers(1, 30), fov=st.floats(5, 150))
def test_projecting_what_was_unprojected_gives_the_pixel(width: int, height: int, fov: float) -> None:
    camera = Intrinsics.from_fov(width, height, fov_x_deg=fov)
    z = np.random.default_rng(width).uniform(0.5, 9, (height, width)).astype(np.float32)
    points = unproject(MetricDepth(z, unit="m"), camera)
    assert project(points.xyz, camera) == pytest.approx(pixel_centres(width, height), abs=1e-3)


def test_the_axis_is_projected_onto_the_principal_point() -> None:
    camera = Intrinsics(100, 80, 90, 95, 40.25, 30.75, distortion=(0.1, -0.05, 0.001, 0.002))
    assert project(np.array([0, 0, 3.0]), camera).tolist() == [40.25, 30.75]


def test_what_is_behind_or_beyond_the_lens_is_seen_nowhere() -> None:
    camera = Intrinsics.from_fov(100, 80, fov_x_deg=60)
    behind = np.array([[0, 0, -1], [0, 0, 0], [np.nan, 0, 1]])
    assert np.isnan(project(behind, camera)).all()
    folding = Intrinsics(100, 80, 90, 90, 50, 40, distortion=(-0.3, 0, 0, 0))
    assert np.isnan(project(np.array([5.0, 0, 1]), folding)).all()
    assert np.isfinite(project(np.array([0.2, 0, 1]), folding)).all()


def _pose(seed: int) -> Pose:
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation * np.sign(np.linalg.det(rotation)), rng.normal(size=3)
    return Pose(matrix)


@given(seed=st.integers(0, 1000))
def test_poses_form_a_group(seed: int) -> None:
    a, b, c = _pose(seed), _pose(seed + 1), _pose(seed + 2)
    assert ((a @ b) @ c).world_from_cam == pytest.approx((a @ (b @ c)).world_from_cam)
    assert (a @ a.inverse()).world_from_cam == pytest.approx(np.eye(4), abs=1e-12)
    assert a.inverse().world_from_cam == pytest.approx(a.cam_from_world)


def test_composing_goes_from_the_second_to_the_world() -> None:
    """A camera 1 m to the right of one that looks along the world's x stands 1 m along its own right."""
    looks_along_x = np.array([[0, 0, 1, 5.0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    aside = np.eye(4)
    aside[0, 3] = 1
    assert (Pose(looks_along_x) @ Pose(aside)).world_from_cam[:3, 3].tolist() == [5, -1, 0]
