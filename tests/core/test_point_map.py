"""Laws of unprojection and of the grid of points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_scenes import box_corner, slanted_plane, small_camera, step

from depth3d.core.camera import Intrinsics, pixel_centres
from depth3d.core.depth import MetricDepth
from depth3d.core.errors import CameraError, GeometryError, UsageError
from depth3d.core.point_map import grid_normals, unproject


def test_projecting_the_points_returns_the_pixels() -> None:
    truth = box_corner(small_camera())
    xyz = unproject(truth.depth, truth.camera).xyz.astype(np.float64)
    u = truth.camera.fx * xyz[..., 0] / xyz[..., 2] + truth.camera.cx
    v = truth.camera.fy * xyz[..., 1] / xyz[..., 2] + truth.camera.cy
    np.testing.assert_allclose(np.stack([u, v], -1), pixel_centres(*truth.camera.size), atol=1e-4)


def test_the_first_pixel_stands_where_the_convention_says() -> None:
    camera = Intrinsics(4, 2, 2, 2, 2, 1)
    xyz = unproject(MetricDepth(np.full((2, 4), 10, np.float32), unit="m"), camera).xyz
    assert xyz[0, 0].tolist() == [-7.5, -2.5, 10]
    assert xyz[1, 3].tolist() == [7.5, 2.5, 10]


def test_a_plane_stays_a_plane() -> None:
    normal = (0.3, -0.4, -1.0)
    truth = slanted_plane(small_camera(), normal=normal, metres=2.0)
    xyz = unproject(truth.depth, truth.camera).xyz.reshape(-1, 3)
    np.testing.assert_allclose(xyz @ normal, normal[2] * 2.0, atol=1e-5)


def test_unknown_depth_gives_no_point() -> None:
    metres = np.ones((3, 4), np.float32)
    metres[1, 2] = np.nan
    points = unproject(MetricDepth(metres, unit="m"), Intrinsics.from_fov(4, 3, fov_x_deg=60))
    assert np.argwhere(~points.known).tolist() == [[1, 2]]
    assert np.isnan(points.xyz[1, 2]).all()


@given(width=st.integers(1, 300), height=st.integers(1, 300), most=st.integers(1, 5000))
def test_thinning_keeps_the_budget_and_the_exact_points(width: int, height: int, most: int) -> None:
    depth = MetricDepth(np.random.default_rng(0).uniform(1, 2, (height, width)).astype(np.float32), unit="m")
    camera = Intrinsics.from_fov(width, height, fov_x_deg=70)
    whole = unproject(depth, camera)
    thin = unproject(depth, camera, max_points=most)
    assert 1 <= thin.z.size <= most
    np.testing.assert_array_equal(thin.xyz, whole.xyz[thin.rows[:, None], thin.columns[None, :]])
    assert len(set(thin.rows)) == len(thin.rows)
    assert len(set(thin.columns)) == len(thin.columns)


def test_thinning_uses_most_of_the_budget_and_the_whole_picture() -> None:
    depth = MetricDepth(np.ones((480, 640), np.float32), unit="m")
    thin = unproject(depth, Intrinsics.from_fov(640, 480, fov_x_deg=60), max_points=10_000)
    assert thin.z.size > 9_500
    assert thin.rows[0] + thin.rows[-1] == pytest.approx(479, abs=2)
    assert thin.columns[0] + thin.columns[-1] == pytest.approx(639, abs=2)


def test_normals_of_a_slanted_plane_and_of_a_step() -> None:
    normal = np.array([0.3, -0.4, -1.0])
    truth = slanted_plane(small_camera(), normal=(0.3, -0.4, -1.0))
    normals = grid_normals(unproject(truth.depth, truth.camera))
    np.testing.assert_allclose(normals, np.broadcast_to(normal / np.linalg.norm(normal), normals.shape), atol=2e-3)
    wall = step(small_camera())
    normals = grid_normals(unproject(wall.depth, wall.camera))
    np.testing.assert_allclose(normals, np.broadcast_to([0, 0, -1], normals.shape), atol=1e-4)


def test_normals_look_at_the_camera_even_where_nothing_is_known_around() -> None:
    metres = np.full((5, 5), np.nan, np.float32)
    metres[2, 2] = 2
    points = unproject(MetricDepth(metres, unit="m"), Intrinsics.from_fov(5, 5, fov_x_deg=60))
    assert grid_normals(points)[2, 2] == pytest.approx((0, 0, -1))


def test_sizes_that_differ_are_refused_by_name() -> None:
    depth = MetricDepth(np.ones((3, 4), np.float32), unit="m")
    with pytest.raises(CameraError, match="camera is for 5x3, the depth is 4x3"):
        unproject(depth, Intrinsics.from_fov(5, 3, fov_x_deg=60))
    points = unproject(depth, Intrinsics.from_fov(4, 3, fov_x_deg=60))
    with pytest.raises(GeometryError, match="photo is 3x4, its depth 4x3"):
        points.colours(np.zeros((4, 3, 3), np.uint8))


def test_a_distorted_camera_and_an_empty_budget_are_refused() -> None:
    depth = MetricDepth(np.ones((3, 4), np.float32), unit="m")
    with pytest.raises(CameraError, match="distortion"):
        unproject(depth, Intrinsics(4, 3, 4, 4, 2, 1.5, distortion=(0.1, 0, 0, 0)))
    with pytest.raises(UsageError, match="at least 1"):
        unproject(depth, Intrinsics.from_fov(4, 3, fov_x_deg=60), max_points=0)
