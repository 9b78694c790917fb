"""Points as a camera sees them: from where the photo was taken they are the photo; nearer ones hide farther ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from depth3d.core.camera import Intrinsics, Pose
from depth3d.core.depth import MetricDepth
from depth3d.core.rgbd import RGBD
from depth3d.render.points import draw_points
from depth3d.scenes.video.live import turned_about

CAMERA = Intrinsics.from_fov(64, 48, fov_x_deg=60)


def scene() -> RGBD:
    """A red square at 2 m before a blue wall at 4 m."""
    z = np.full((48, 64), 4, np.float32)
    rgb = np.full((48, 64, 3), (0, 0, 200), np.uint8)
    z[16:32, 24:40], rgb[16:32, 24:40] = 2, (200, 0, 0)
    return RGBD(rgb, MetricDepth(z, unit="m"), CAMERA)


def test_from_where_it_was_taken_the_points_are_the_photo() -> None:
    np.testing.assert_array_equal(draw_points(scene(), CAMERA, Pose(np.eye(4))), scene().rgb)


def test_unknown_depth_is_black() -> None:
    rgbd = scene()
    z = rgbd.depth.z.copy()
    z[:, :20] = np.nan
    seen = draw_points(replace(rgbd, depth=MetricDepth(z, unit="m")), CAMERA, Pose(np.eye(4)))
    assert not seen[:, :19].any()
    np.testing.assert_array_equal(seen[:, 20:], rgbd.rgb[:, 20:])


@pytest.mark.parametrize("angle", [-0.3, 0.3])
def test_what_a_camera_turns_about_stays_and_what_is_nearer_moves_against_it(angle: float) -> None:
    pose = turned_about(4.0, angle)
    np.testing.assert_allclose(np.linalg.inv(pose.world_from_cam) @ (0, 0, 4, 1), (0, 0, 4.8, 1), atol=1e-9)
    seen = draw_points(scene(), CAMERA, pose)
    red = np.nonzero(seen[..., 0] > 100)[1].mean()
    near = np.linalg.inv(pose.world_from_cam) @ (0, 0, 2, 1)
    assert red == pytest.approx(CAMERA.fx * near[0] / near[2] + CAMERA.cx, abs=1)
    assert (red - CAMERA.cx) * angle < 0
