"""Values show themselves in one short line."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import ROOT

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.images import Animation, Picture
from depth3d.core.point_map import unproject
from depth3d.core.rgbd import RGBD
from depth3d.geometry.gaussians import gaussians_of_points
from depth3d.geometry.lazy_point_cloud import to_pixel_cloud
from depth3d.geometry.mesh import mesh_of_points
from depth3d.geometry.plate import to_plate
from depth3d.geometry.point_cloud import PointCloud
from depth3d.io.photos.photo import Photo, read_photo
from depth3d.layers import to_layers

CAMERA = Intrinsics.from_fov(40, 30, fov_x_deg=60)
DEPTH = MetricDepth(np.full((30, 40), 2, np.float32), unit="m")
RGB = np.zeros((30, 40, 3), np.uint8)
POINTS = unproject(DEPTH, CAMERA)
VALUES = [
    DEPTH,
    InverseDepth(DEPTH.z),
    POINTS,
    PointCloud(np.ones((5, 3), np.float32), unit="m"),
    to_pixel_cloud(RGBD(RGB, DEPTH, CAMERA)),
    mesh_of_points(POINTS, RGB),
    gaussians_of_points(POINTS, RGB, CAMERA),
    to_plate(DEPTH),
    to_layers(RGBD(RGB, DEPTH, CAMERA)),
    Picture(RGB),
    Animation(lambda: iter([RGB]), 1, 24),
    read_photo(ROOT / "samples" / "room.jpg"),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_fits_on_a_line(value: object) -> None:
    shown = repr(value)
    assert shown.startswith(f"{type(value).__name__}(")
    assert "\n" not in shown
    assert len(shown) < 300


def test_what_is_shown() -> None:
    assert repr(DEPTH) == "MetricDepth(z=float32[30, 40], unit='m')"
    cloud = PointCloud(np.ones((5, 3), np.float32), np.zeros((5, 3), np.uint8), unit="arbitrary")
    assert repr(cloud) == "PointCloud(xyz=float32[5, 3], rgb=uint8[5, 3], unit='arbitrary')"
    assert repr(Photo(RGB, name="n" * 99)).endswith(f"name='{'n' * 55} ...)")
