"""Laws of point clouds."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_scenes import slanted_plane, small_camera

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth
from depth3d.core.errors import GeometryError, UsageError
from depth3d.core.point_map import unproject
from depth3d.core.rgbd import RGBD
from depth3d.geometry.point_cloud import PointCloud, cloud_of_points, to_cloud


def test_every_known_pixel_becomes_a_point_of_its_colour() -> None:
    truth = slanted_plane(small_camera())
    metres = truth.depth.z.copy()
    metres[5, 7] = np.nan
    cloud = to_cloud(RGBD(truth.rgb, MetricDepth(metres, unit="m"), truth.camera), normals=True)
    known = np.isfinite(metres)
    assert len(cloud.xyz) == known.sum() == metres.size - 1
    assert cloud.rgb is not None
    np.testing.assert_array_equal(cloud.rgb, truth.rgb[known])
    assert cloud.normals is not None
    np.testing.assert_allclose(np.linalg.norm(cloud.normals, axis=1), 1, atol=1e-5)
    assert ((cloud.normals * cloud.xyz).sum(axis=1) < 0).all()


def test_a_thinned_grid_takes_the_colours_of_its_own_pixels() -> None:
    truth = slanted_plane(small_camera())
    points = unproject(truth.depth, truth.camera, max_points=200)
    cloud = cloud_of_points(points, truth.rgb)
    assert cloud.rgb is not None
    np.testing.assert_array_equal(cloud.rgb, truth.rgb[np.ix_(points.rows, points.columns)].reshape(-1, 3))


def test_voxels_hold_one_mean_point_each() -> None:
    camera = Intrinsics.from_fov(20, 20, fov_x_deg=60)
    points = unproject(MetricDepth(np.full((20, 20), 2, np.float32), unit="m"), camera)
    rgb = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    whole = cloud_of_points(points, rgb, normals=True)
    one = cloud_of_points(points, rgb, normals=True, voxel_m=1000)
    # The origin is a voxel corner: the four quadrants around the optical axis fall into four voxels.
    assert len(one.xyz) == 4
    np.testing.assert_allclose(one.xyz.mean(axis=0), whole.xyz.mean(axis=0), atol=1e-5)
    assert whole.rgb is not None
    assert one.rgb is not None
    np.testing.assert_allclose(one.rgb.mean(axis=0), whole.rgb.mean(axis=0), atol=1)
    fine = cloud_of_points(points, rgb, voxel_m=1e-3)
    assert len(fine.xyz) == 400


def test_voxels_must_have_a_size() -> None:
    points = unproject(MetricDepth(np.ones((2, 2), np.float32), unit="m"), Intrinsics.from_fov(2, 2, fov_x_deg=60))
    with pytest.raises(UsageError, match="voxel size"):
        cloud_of_points(points, np.zeros((2, 2, 3), np.uint8), voxel_m=0)


@pytest.mark.parametrize(
    ("xyz", "rgb", "words"),
    [
        (np.zeros((0, 3), np.float32), None, "no point is left"),
        (np.full((1, 3), np.nan, np.float32), None, "not finite"),
        (np.zeros((2, 2), np.float32), None, r"\(N, 3\)"),
        (np.zeros((2, 3), np.float32), np.zeros((1, 3), np.uint8), "2 points but 1 rows"),
    ],
)
def test_a_cloud_is_checked_at_birth(xyz: np.ndarray, rgb: np.ndarray | None, words: str) -> None:
    with pytest.raises(GeometryError, match=words):
        PointCloud(xyz, rgb, unit="m")
