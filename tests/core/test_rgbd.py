"""A photo with depth and camera: one size, rays and points."""

from __future__ import annotations

import numpy as np
import pytest

from depth3d.core.camera import Intrinsics, pixel_centres
from depth3d.core.depth import MetricDepth
from depth3d.core.errors import GeometryError, UsageError
from depth3d.core.point_map import unproject
from depth3d.core.rgbd import RGBD

CAMERA = Intrinsics(width=8, height=6, fx=7.0, fy=7.5, cx=3.9, cy=3.2)
RGB = np.zeros((6, 8, 3), np.uint8)


def plane() -> RGBD:
    """A slanted plane: 1/z is affine in pixel coordinates."""
    uv = pixel_centres(8, 6)
    return RGBD(RGB, MetricDepth(1 / (0.3 + 0.02 * uv[..., 0] + 0.05 * uv[..., 1]), unit="m"), CAMERA)


def test_points_at_pixel_centres_are_those_of_unprojection() -> None:
    rgbd = plane()
    points = unproject(rgbd.depth, CAMERA).xyz
    for row in range(6):
        for column in range(8):
            np.testing.assert_allclose(rgbd.sample(column + 0.5, row + 0.5), points[row, column], rtol=1e-6)


def test_a_plane_stays_a_plane_between_pixel_centres() -> None:
    rgbd = plane()
    for u, v in ((3.9, 3.2), (0.5, 5.5), (2.31, 4.77), (7.2, 0.9)):
        assert rgbd.sample(u, v)[2] == pytest.approx(1 / (0.3 + 0.02 * u + 0.05 * v), rel=1e-6)
    np.testing.assert_array_equal(rgbd.ray(3.9, 3.2), [0, 0, 1])
    assert rgbd.ray(3.9 + 7.0, 3.2)[0] == pytest.approx(1)


def test_unknown_neighbours_are_left_out_and_nothing_known_is_nan() -> None:
    z = plane().depth.z.copy()
    z[:3] = np.nan
    rgbd = RGBD(RGB, MetricDepth(z, unit="arbitrary"), CAMERA)
    assert rgbd.sample(4.0, 3.1)[2] == pytest.approx(float(1 / np.mean(1 / z[3, 3:5])), rel=1e-6)
    assert np.isnan(rgbd.sample(4.0, 1.0)).all()
    assert rgbd.unit == "arbitrary"


def test_sizes_must_agree() -> None:
    depth = plane().depth
    with pytest.raises(GeometryError, match="the photo is 8x5, its depth 8x6, its camera 8x6"):
        RGBD(RGB[1:], depth, CAMERA)
    with pytest.raises(GeometryError, match="its camera 4x3"):
        RGBD(RGB, depth, CAMERA.resized(4, 3))
    with pytest.raises(UsageError, match="the pixel 9,1 lies outside the 8x6 photo"):
        plane().sample(9, 1)


def test_it_is_said_in_one_line() -> None:
    assert repr(plane()) == "RGBD(8x6, unit='m', camera of 59.5 degrees)"
